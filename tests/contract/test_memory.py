"""The in-memory platform keeps the contract, so that what is proved with it is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Access, LockState
from lampway.errors import PlatformRefusedError, UnknownOutcomeError
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import Package
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers
from lampway.testing.world import App, CrashError, Fault, Part, World

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
        return {app.name: (app.id, app.parts, dict(app.values)) for app in self.world.apps.values()}

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


class Places:
    """The fixtures that the suite asks for."""

    @pytest.fixture
    def platform(self) -> MemoryPlatform:
        return MemoryPlatform()

    @pytest.fixture
    def dev(self, platform: MemoryPlatform) -> Maker:
        return Maker(platform.world("memory://dev"))

    @pytest.fixture
    def prod(self, platform: MemoryPlatform) -> Maker:
        return Maker(platform.world("memory://prod"))

    @pytest.fixture
    def sample(self) -> Sample:
        scope = Scope("orders", contains=("Orders", "Refunds"))
        variables = {"ERP_URL": "https://erp.prod", "CURRENCY": "EUR-of-prod"}
        return Sample(scope, variables, {"ERP": {"password": "known-only-to-prod"}})

    @pytest.fixture
    def neighbour(self) -> Sample:
        scope = Scope("billing", contains=("Billing",))
        return Sample(scope, {"ERP_URL": "https://billing.prod"}, {"Bank": {"password": "bank-of-prod"}})

    @pytest.fixture
    def lacking(self) -> Lacking:
        app = App("c1", "Letters", (Part("l1", "Fold", plugin="paper-folder"),))
        return Lacking(Package("letters", "1.0.0", (app,), {}).to_bytes(), "paper-folder")

    @pytest.fixture
    def strangers(self, prod: Maker) -> Strangers:
        wrong = Access("prod", prod.access.url, {"token": Secret("token-of-a-stranger")})
        return Strangers(Access("nowhere", "memory://nowhere", prod.access.credentials), wrong)


class TestMemory(Places, PlatformContract):
    pass


class TestSlowMemory(Places, PlatformContract):
    """The same, where every change takes its time and is polled for."""

    @pytest.fixture
    def prod(self, platform: MemoryPlatform) -> Maker:
        world = platform.world("memory://prod")
        world.slowness = 3
        return Maker(world)

    @pytest.fixture
    def pause(self) -> Callable[[float], None]:
        return lambda seconds: None


class TestFaults(Places):
    """What a world is told to do wrong, it does wrong, so that tests of the engine test what they say."""

    @pytest.fixture
    def step(self, platform, prod, sample):
        wanted = sample.wanted(Package("orders", "1.0.0", (ORDERS, REFUNDS), {}).to_bytes())
        intent = platform.intend(prod.access, wanted, "import")
        return lambda: platform.perform(prod.access, wanted, "import", intent)

    @pytest.mark.parametrize(
        ("fault", "error", "changed"),
        [
            (Fault.REFUSED, PlatformRefusedError, False),
            (Fault.UNSENT, UnknownOutcomeError, False),
            (Fault.LOST, UnknownOutcomeError, True),
            (Fault.HALF, UnknownOutcomeError, True),
            (Fault.CRASH_BEFORE, CrashError, False),
            (Fault.CRASH_AFTER, CrashError, True),
        ],
    )
    def test_a_fault_happens_once_and_does_what_it_says(self, prod, step, fault, error, changed):
        prod.world.fail(fault)
        with pytest.raises(error):
            step()
        assert bool(prod.contents()) is changed

    def test_a_lock_is_told_as_it_is(self, platform, prod):
        maker = Access("prod", prod.access.url, {"token": Secret(prod.world.maker_token)})
        assert platform.observe_lock(prod.access, None).state is LockState.UNKNOWN
        assert platform.observe_lock(prod.access, maker).state is LockState.OPEN
        prod.world.is_locked = True
        assert platform.observe_lock(prod.access, maker).state is LockState.LOCKED

    def test_a_maker_may_look_and_not_deploy(self, platform, prod):
        maker = Access("prod", prod.access.url, {"token": Secret(prod.world.maker_token)})
        rights = platform.probe(maker)
        assert (rights.can_read, rights.can_deploy) == (True, False)
        assert rights.missing
