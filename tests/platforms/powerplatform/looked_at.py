"""An emulated environment in which a solution was installed, and what was given to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.secret import Secret
from lampway.engine.platform import Access, Installed
from lampway.platforms.powerplatform.platform import PowerPlatform
from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.dataverse.maker import Maker
from lampway.testing.solutions import Solution, after, call, column, compose, flow, form

SITE, REFERENCE, CONNECTION = "con_Site", "con_sharepoint", "sharepoint-of-prod"
VALUE = "https://orders.prod.test"
CONFIGURATION = ConfigurationSet({SITE: VALUE}, {REFERENCE: {"connection": CONNECTION}})


def child_of(solution: Solution, name: str) -> dict[str, Any]:
    """Return an action that calls another flow of a solution."""
    from lampway.testing.solutions import id_of

    return {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of(f"flow {name}")}}}


def orders(version: str = "1.0.0.0", *, managed: bool = True, price: str = "1.19", draft: bool = False) -> Solution:
    """Return a solution of three flows, a table, an app's worth of settings; one flow calls another."""
    made = Solution(name="Orders", version=version, managed=managed).reference(REFERENCE).variable(SITE)
    sharepoint = "shared_sharepointonline"
    price_flow = flow({"Price": compose(price)}, variables={SITE: "https://orders.dev.test"})
    tell = flow(
        {"Get": call(sharepoint, "GetItems"), "Ask": after(child_of(made, "Price"), "Get")},
        references={sharepoint: REFERENCE},
    )
    made.flow("Tell", tell).flow("Price", price_flow)
    if draft:
        made.flow("Draft", flow({"Later": compose("x")}), on=False)
    return made.table("Order", [column("con_total", "decimal")], forms=[form("Main", ["con_total"])])


@dataclass
class Place:
    """One environment, as Lampway reaches it and as its makers do."""

    emulator: DataverseEmulator
    environment: Environment
    platform: PowerPlatform = field(default_factory=PowerPlatform)

    @property
    def access(self) -> Access:
        """How Lampway reaches it."""
        return self.access_with()

    def access_with(self, **settings: str) -> Access:
        """Return how Lampway reaches it, with other settings."""
        known = {"tenant": self.emulator.tenant_id, "client_id": self.emulator.client_id}
        told = known | {"authority": self.emulator.authority} | settings
        return Access(
            self.environment.name,
            self.environment.url,
            {"client_secret": Secret(self.emulator.client_secret)},
            settings=told,
        )

    @property
    def maker(self) -> Maker:
        """The back door."""
        return self.environment.maker

    def install(self, solution: Solution, *, upgrade: bool = False) -> Installed:
        """Let a managed solution be there, with everything it needs, as our application deploys it."""
        for connection in (CONNECTION, "another-connection"):
            self.maker.add_connection(connection)
        package = solution.build()
        deployer = self.deployer()
        deployer.install(package, upgrade=upgrade)
        if any(REFERENCE in text for text in solution.sections.get("connectionreferences", ())):
            self.maker.bind(REFERENCE, CONNECTION)
            self.maker.set_value(SITE, VALUE)
            for name in ("Price", "Tell"):
                deployer.turn_on(name)
        return Installed(package, CONFIGURATION)

    def deployer(self) -> Maker:
        """Return our application at work."""
        return Maker(self.environment.organisation, "Release application")

    def observe(self, installed: Installed, name: str = "orders") -> Any:
        """Return what is seen of it."""
        return self.platform.observe(self.access, {name: installed}).solutions[name]

    def edit_price(self, price: str = "2.99") -> None:
        """Change what a flow does, live."""
        self.edit_flow("Price", lambda actions: actions["Price"].update(inputs=price))

    def edit_flow(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the actions of a flow, live."""
        self.maker.edit_flow(name, lambda whole: change(whole["properties"]["definition"]["actions"]))

    def asked(self) -> list[str]:
        """Return what was asked of the Web API since it was asked last, by name of the set or the call."""
        entries = list(self.environment.requests)
        return [entry.path.rpartition("/")[2].partition("(")[0] for entry in entries]
