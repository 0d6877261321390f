"""What tests of live environments share: a solution, what is wanted of it, and a place to deploy it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Access, Found, Outcome, Progress, UnderWay, Wanted
from lampway.platforms.powerplatform.platform import PowerPlatform
from lampway.testing.dataverse import DataverseEmulator, Environment, Maker
from lampway.testing.solutions import Solution, call, compose, flow, id_of

SITE, REFERENCE, CONNECTION = "con_Site", "con_sharepoint", "sharepoint-of-prod"
VARIABLES: dict[str, Any] = {SITE: "https://orders.prod.test"}
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/erp"


def solution(version: str = "1.0.0", *, managed: bool = True, does: str = "x") -> Solution:
    made = Solution(name="Orders", version=version, managed=managed).reference(REFERENCE).variable(SITE)
    child = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of("flow Zulu")}}}
    uses = flow(
        {"Get": call("shared_sharepointonline", "GetItems"), "Ask": child},
        references={"shared_sharepointonline": REFERENCE},
    )
    return made.flow("Alpha", uses).flow("Zulu", flow({"Do": compose(does)}))


def wanted(package: bytes | None, installed: bytes | None = None, **variables: Any) -> Wanted:
    return Wanted(
        solution="orders",
        version="1.0.0",
        package=package,
        configuration=ConfigurationSet(VARIABLES | variables, {REFERENCE: {"connection": CONNECTION}}),
        secrets={REFERENCE: {"connection": Secret(CONNECTION)}},
        installed=installed,
    )


@dataclass
class Prod:
    """An environment, as Lampway reaches it and as its makers do."""

    emulator: DataverseEmulator
    environment: Environment
    platform: PowerPlatform

    @property
    def access(self) -> Access:
        return self.access_with()

    def access_with(self, **settings: str) -> Access:
        told = {"tenant": self.emulator.tenant_id, "client_id": self.emulator.client_id}
        told |= {"authority": self.emulator.authority}
        credentials = {"client_secret": Secret(self.emulator.client_secret)}
        return Access(self.environment.name, self.environment.url, credentials, settings=told | settings)

    @property
    def maker(self) -> Maker:
        return self.environment.maker

    def edit_flow(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        self.maker.edit_flow(name, lambda whole: change(whole["properties"]["definition"]["actions"]))

    def take(self, step: str, given: Wanted, *, access: Access | None = None) -> Outcome:
        place = access or self.access
        return self.end(self.platform.perform(place, given, step, self.platform.intend(place, given, step)))

    def end(self, outcome: Outcome) -> Outcome:
        while outcome.progress is Progress.RUNNING:
            outcome = self.platform.poll(self.access, outcome.detail)
        return outcome

    def look(
        self, given: Wanted, step: str, intent: Mapping[str, Any], *, access: Access | None = None
    ) -> tuple[bool, Found | UnderWay]:
        """Look until nothing is under way; return whether something was at first, and what is there then."""
        seen = [self.platform.look_up(access or self.access, given, step, intent)]
        while isinstance(seen[-1], UnderWay):
            seen.append(self.platform.look_up(access or self.access, given, step, intent))
        return len(seen) > 1, seen[-1]

    def apply(self, given: Wanted, *, access: Access | None = None) -> list[str]:
        plan = self.platform.plan(access or self.access, given)
        assert plan.problems == ()
        for step in plan.steps:
            outcome = self.take(step.name, given, access=access)
            assert outcome.progress is Progress.DONE, outcome
        return [step.name for step in plan.steps]

    def problems(self, given: Wanted, *, access: Access | None = None) -> str:
        return "\n".join(f"{p.summary}; {p.hint}" for p in self.platform.plan(access or self.access, given).problems)

    @property
    def held(self) -> Any:
        return self.environment.organisation.state.solutions.get("orders")

    def sent(self, name: str) -> list[dict[str, Any]]:
        return [
            entry.body for entry in self.environment.requests if entry.path.endswith(name) and entry.method == "POST"
        ]


def scope(*names: str) -> Scope:
    return Scope("orders", contains=names or ("Orders",))
