"""Places of the in-memory platform, as the contract suite asks for them."""

from __future__ import annotations

from collections.abc import Mapping

from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.testing.memory_package import Package
from lampway.testing.sample import Lacking, Sample, Strangers
from lampway.testing.world import App, Part, World

ORDERS = App(
    "a1",
    "Orders",
    (
        Part("p1", "Fetch", "get ${ERP_URL}/orders", account="ERP"),
        Part("p2", "Price", "multiply by 1.19", at=3),
    ),
)
REFUNDS = App("a2", "Refunds", (Part("p3", "Pay back", "add ${CURRENCY}", at=1),))
BILLING = App("b1", "Billing", (Part("q1", "Send", "post ${ERP_URL}", account="Bank"),))


class Maker:
    """Builds in a world with its editor."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.access = Access(world.url.removeprefix("memory://"), world.url, {"token": Secret(world.token)})
        self.private = ("https://erp.dev", "DEM-of-dev", "typed-into-dev", "https://billing.dev", "bank-of-dev")

    def build(self, version: int) -> None:
        price = Part("p2", "Price", "multiply by 1.07" if version == 2 else ORDERS.parts[1].does, at=3)
        parts = (ORDERS.parts[0], price, *([Part("p4", "Round", "to cents")] if version == 2 else []))
        values = {"ERP_URL": "https://erp.dev"}
        self.world.draw(App("a1", "Orders", parts, values, {"ERP": "typed-into-dev"}), by="mia@example.test")
        self.world.draw(App("a2", "Refunds", REFUNDS.parts, {"CURRENCY": "DEM-of-dev"}), by="mia@example.test")
        values = {"ERP_URL": "https://billing.dev"}
        self.world.draw(App("b1", "Billing", BILLING.parts, values, {"Bank": "bank-of-dev"}), by="ben@example.test")

    def contents(self) -> Mapping[str, object]:
        return {app.name: (app.id, app.parts, dict(app.values), app.is_on) for app in self.world.apps.values()}

    def stored(self) -> Mapping[str, object]:
        return {app.name: dict(app.passwords) for app in self.world.apps.values() if app.passwords}

    def edit(self) -> str:
        self.world.edit("p2", does="multiply by 1.21")
        return "Price"

    def edit_elsewhere(self) -> None:
        self.world.edit("q1", does="post twice")

    def move(self) -> bool:
        self.world.edit("p2", at=99)
        return True

    def change_value(self) -> str:
        self.world.give("a1", "ERP_URL", "https://somewhere.else")
        return "ERP_URL"

    def forget_secret(self) -> None:
        self.world.apps["a1"].passwords.clear()

    def runs(self) -> bool:
        return all(self.world.apps[key].is_on for key in ("a1", "a2"))

    def switch_live(self, *, on: bool) -> None:
        self.world.apps["a1"].is_on = on


SAMPLE = Sample(
    Scope("orders", contains=("Orders", "Refunds")),
    {"ERP_URL": "https://erp.prod", "CURRENCY": "EUR-of-prod"},
    {"ERP": {"password": "known-only-to-prod"}},
)
NEIGHBOUR = Sample(
    Scope("billing", contains=("Billing",)),
    {"ERP_URL": "https://billing.prod"},
    {"Bank": {"password": "bank-of-prod"}},
)
LACKING = Lacking(
    Package("letters", "1.0.0", (App("c1", "Letters", (Part("l1", "Fold", plugin="paper-folder"),)),), {}).to_bytes(),
    "paper-folder",
)


def strangers_to(prod: Maker) -> Strangers:
    wrong = Access("prod", prod.access.url, {"token": Secret("token-of-a-stranger")})
    return Strangers(Access("nowhere", "memory://nowhere", prod.access.credentials), wrong)
