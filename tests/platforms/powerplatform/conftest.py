"""Environments of the emulator, as Lampway reaches them and as their makers do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_prod import CONNECTION, Prod

from lampway.platforms.powerplatform.platform import PowerPlatform
from lampway.testing.dataverse import DataverseEmulator


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(("dev", "prod")) as emulator:
        yield emulator


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Prod:
    place = Prod(emulator, emulator.environment("prod"), PowerPlatform(pause=lambda _: None))
    place.maker.add_connection(CONNECTION)
    return place


@pytest.fixture
def dev(emulator: DataverseEmulator) -> Prod:
    return Prod(emulator, emulator.environment("dev"), PowerPlatform(pause=lambda _: None))
