"""Power Platform keeps every promise of a platform, against the emulator of Dataverse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.platforms.powerplatform.platform import PowerPlatform
from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.dataverse.exporting import in_force
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers
from lampway.testing.solutions import Solution, call, compose, flow

SITE, CONNECTION = "{}_Site", "{}_sharepoint"
DEV_CONNECTION, PROD_CONNECTION = "shared-sharepoint-of-dev", "shared-sharepoint-of-prod"


def solution(name: str, version: int = 1, *, managed: bool = False) -> Solution:
    """Return a solution: two flows, of which one calls the other, a variable and a connection reference."""
    sharepoint = "shared_sharepointonline"
    answer = flow({"Answer": compose(f"version {version}")}, references={sharepoint: CONNECTION.format(name)})
    tell = flow({"Tell": call(sharepoint, "GetItems")}, references={sharepoint: CONNECTION.format(name)})
    made = (
        Solution(name=name, version="1.0.0.0", managed=managed, prefix=name)
        .reference(CONNECTION.format(name))
        .variable(SITE.format(name))
        .flow(f"{name} answer", answer)
        .flow(f"{name} tell", tell)
    )
    return made.flow(f"{name} news", flow({"News": compose("new")})) if version == 2 else made


class Maker:
    """Builds at an editor, past every client."""

    def __init__(self, emulator: DataverseEmulator, environment: Environment) -> None:
        self._place = environment
        self.access = access_to(emulator, environment)
        self.private = ("https://orders.dev.test", "https://billing.dev.test", DEV_CONNECTION)
        for connection in (DEV_CONNECTION, PROD_CONNECTION, "billing-of-prod"):
            environment.maker.add_connection(connection)

    def build(self, version: int) -> None:
        for name, number in (("orders", version), ("billing", 1)):
            held = self._place.organisation.state.solutions.get(name)
            if held is not None and number == 1 and any("news" in ref for ref in held.members):
                self._place.maker.remove("workflow", f"{name} news")
            self._place.maker.load(solution(name, number).build())
            self._place.maker.set_value(SITE.format(name), f"https://{name}.dev.test")
            self._place.maker.bind(CONNECTION.format(name), DEV_CONNECTION)

    def contents(self) -> Mapping[str, object]:
        state = self._place.organisation.state
        found: dict[str, object] = {}
        for held in state.solutions.values():
            if held.unique_name in {"orders", "billing"}:
                components = [state.components[ref] for ref in held.members]
                found[held.unique_name] = (
                    sorted(
                        (c.kind, c.key, c.part.header, repr(sorted(c.part.files.items())), c.live.get("statecode"))
                        for c in components
                        if c.kind != "environmentvariablevalue"
                    ),
                    in_force(self._place.organisation, SITE.format(held.unique_name)),
                )
        return found

    def stored(self) -> Mapping[str, object]:
        state = self._place.organisation.state
        return {
            name: one.live.get("connectionid")
            for name in ("orders", "billing")
            for one in state.of_kind("connectionreference")
            if one.key == CONNECTION.format(name) and one.live.get("connectionid")
        }

    def edit(self) -> str:
        self._change("orders answer", "edited live")
        return "orders answer"

    def edit_elsewhere(self) -> None:
        self._change("billing answer", "billed twice")

    def _change(self, name: str, inputs: str) -> None:
        def change(whole: dict[str, Any]) -> None:
            whole["properties"]["definition"]["actions"]["Answer"]["inputs"] = inputs

        self._place.maker.edit_flow(name, change)

    def move(self) -> bool:
        return False

    def change_value(self) -> str:
        self._place.maker.set_value(SITE.format("orders"), "https://somewhere.else.test")
        return SITE.format("orders")

    def forget_secret(self) -> None:
        self._place.maker.bind(CONNECTION.format("orders"), "")

    def runs(self) -> bool:
        return self._place.maker.is_on("orders answer")

    def switch_live(self, *, on: bool) -> None:
        for name in ("orders answer", "orders tell"):
            (self._place.maker.turn_on if on else self._place.maker.turn_off)(name)


def access_to(emulator: DataverseEmulator, environment: Environment, *, secret: str = "") -> Access:
    settings = {"tenant": emulator.tenant_id, "client_id": emulator.client_id, "authority": emulator.authority}
    settings |= {"set_lock": "orgdborgsettings"}
    credentials = {"client_secret": Secret(secret or emulator.client_secret)}
    return Access(environment.name, environment.url, credentials, settings=settings)


class TestPowerPlatform(PlatformContract):
    """What every platform must prove."""

    @pytest.fixture
    def emulator(self) -> Iterator[DataverseEmulator]:
        with DataverseEmulator(("dev", "prod")) as emulator:
            yield emulator

    @pytest.fixture
    def platform(self) -> PowerPlatform:
        return PowerPlatform(pause=lambda _: None)

    @pytest.fixture
    def dev(self, emulator: DataverseEmulator) -> Maker:
        return Maker(emulator, emulator.environment("dev"))

    @pytest.fixture
    def prod(self, emulator: DataverseEmulator) -> Maker:
        return Maker(emulator, emulator.environment("prod"))

    @pytest.fixture
    def sample(self) -> Sample:
        variables = {SITE.format("orders"): "https://orders.prod.test"}
        secrets = {CONNECTION.format("orders"): {"connection": PROD_CONNECTION}}
        return Sample(Scope("orders", contains=("orders",)), variables, secrets)

    @pytest.fixture
    def neighbour(self) -> Sample:
        variables = {SITE.format("billing"): "https://billing.prod.test"}
        secrets = {CONNECTION.format("billing"): {"connection": "billing-of-prod"}}
        return Sample(Scope("billing", contains=("billing",)), variables, secrets)

    @pytest.fixture
    def lacking(self) -> Lacking:
        package = Solution(name="letters", managed=True).needs("con_folder", "Folding (1.0.0.0)").build()
        return Lacking(package, "Folding")

    @pytest.fixture
    def pause(self) -> Callable[[float], None]:
        return lambda _: None

    @pytest.fixture
    def saves(self, emulator: DataverseEmulator, prod: Maker) -> Callable[[], bool]:
        """Save at the editor, which tells at once when it may not."""

        def save() -> bool:
            try:
                emulator.environment("prod").maker.add_variable("con_saved")
            except Exception:  # noqa: BLE001 - whatever keeps a maker out
                return False
            emulator.environment("prod").maker.remove("environmentvariabledefinition", "con_saved")
            return True

        return save

    @pytest.fixture
    def strangers(self, emulator: DataverseEmulator, prod: Maker) -> Strangers:
        nowhere = Access("nowhere", "http://127.0.0.1:9", prod.access.credentials, settings=prod.access.settings)
        return Strangers(nowhere, access_to(emulator, emulator.environment("prod"), secret="secret-of-a-stranger"))


def test_the_sample_is_what_the_platform_writes() -> None:
    assert json.loads(next(c for n, c in solution("orders").members.items() if n.startswith("Workflows/")))
