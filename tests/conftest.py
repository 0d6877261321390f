"""What tests of several rooms share: real Node-REDs, installed once into the cache and started on loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from lampway.app import Platforms, cache_folder
from lampway.engine.abilities import Launched
from lampway.errors import PlatformError

settings.register_profile("lampway", deadline=None)
settings.load_profile("lampway")  # how long one example takes says how busy the machine is, and nothing about us

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs behind it, and tests interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Launched]]:
    """Return dev, test and prod: real, on loopback, with test and prod locked to makers."""
    platform: Any = Platforms()["node-red"]
    started: dict[str, Launched] = {}
    try:
        for name in ("dev", "test", "prod"):
            folder = tmp_path_factory.mktemp(name)
            started[name] = platform.launch(folder, name=name, locked=name != "dev", cache=cache_folder())
    except PlatformError as error:
        reason = f"NO REAL NODE-RED TO TEST WITH: {error} ({error.hint})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield started
    for launched in started.values():
        platform.stop(launched)
