"""The engine against a simple model: random people, deaths and resumptions, and after each the same is where it was.

The model knows what should be where, who waits for what, and in which order it would be deployed. A process may die at
any point of any deployment; what it did until then must be the beginning of what the model says, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from team import MortalStore, Team

from lampway.domain.deployment import Deployment, DeploymentState, Installation
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion
from lampway.engine.decide import Decide
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.promote import Abort, Promote, Rollback
from lampway.engine.stops import LiftHold, PutOnHold
from lampway.errors import RefusedError, VoidedError
from lampway.testing.world import CrashError, Fault

PLACES = ("test", "prod")
_TEAMS: list[Team] = []


@dataclass
class Waiting:
    """A promotion that is open."""

    version: str
    ground: tuple[str, str] = ("", "")
    """What ran there when it was asked for, and what a rollback would have brought back."""
    approved: bool = False
    goes_back: bool = False


@dataclass
class Place:
    """One environment."""

    running: str = ""
    goods: list[str] = field(default_factory=list)
    succeeded: set[str] = field(default_factory=set)
    waiting: list[Waiting] = field(default_factory=list)
    begun: Waiting | None = None
    applied: list[tuple[str, str]] = field(default_factory=list)

    def target(self, version: str) -> str:
        return next((good for good in reversed(self.goods) if good != version), "remove")

    def ground(self, version: str) -> tuple[str, str]:
        return self.running, self.target(version)

    def install(self, one: Waiting) -> None:
        if self.running != one.version:
            self.applied.append(("import", one.version))
        if not self.running:
            self.applied.append(("configure", one.version))
        self.running, self.begun = one.version, None
        self.goods.append(one.version)
        self.succeeded.add(one.version)


class Model:
    """What should be."""

    def __init__(self) -> None:
        self.places = {name: Place() for name in PLACES}
        self.held = False

    def forward(self, place: str) -> Waiting | None:
        return next((w for w in self.places[place].waiting if not w.goes_back), None)

    def ask(self, version: str) -> None:
        for place in self.places.values():
            if place.running == version or (place.begun and place.begun.version == version):
                continue
            kept = [w for w in place.waiting if w.goes_back or w.version == version]
            same = [w for w in kept if not w.goes_back and w.ground == place.ground(version)]
            if not same:
                kept = [w for w in kept if w.goes_back] + [Waiting(version, place.ground(version))]
            place.waiting = kept

    def sweep(self) -> None:
        """Void what has lost its ground."""
        for place in self.places.values():
            place.waiting = [w for w in place.waiting if w.goes_back or w.ground == place.ground(w.version)]

    def may_start(self, name: str, one: Waiting) -> bool:
        if self.held:
            return False
        tested = one.version in self.places["test"].succeeded
        return one.goes_back or name == "test" or (one.approved and tested)

    def next(self) -> tuple[str, Waiting] | None:
        """Return what would be deployed next, and where."""
        for name, place in self.places.items():
            if place.begun:
                return name, place.begun
        self.sweep()
        for name, place in self.places.items():
            for one in place.waiting:
                if self.may_start(name, one):
                    return name, one
        return None

    def deploy(self, name: str, one: Waiting) -> None:
        place = self.places[name]
        place.waiting = [w for w in place.waiting if w is not one]
        place.install(one)


@settings(max_examples=6, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
class Machine(RuleBasedStateMachine):
    """People and processes."""

    @initialize()
    def begin(self) -> None:
        self.team = _TEAMS[0].copy()
        self.model = Model()
        self.price = 100
        self.versions: list[str] = []
        self.is_settled = True
        self.make_release()
        self.ship(self.versions[0])

    def teardown(self) -> None:
        if hasattr(self, "team"):
            self.run_to_the_end()
            assert self.team.store.audit() == ()
            self.team.store.close()

    # What people do.

    @precondition(lambda self: len(self.versions) < 4)
    @rule()
    def make_release(self) -> None:
        self.price += 1
        self.versions.append(self.team.release(str(self.price)).version)

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(self.versions))
        self.team.run(Promote(f"orders@{version}", "prod"))
        self.model.ask(version)
        self.is_settled = False

    @precondition(lambda self: not self.model.held and not self.model.places["test"].waiting)
    @rule(data=st.data(), dies_at=st.integers(0, 60))
    def ship_some(self, data: st.DataObject, dies_at: int) -> None:
        """Ask, wait for test, approve, and let a process die while it goes to prod; 0: it does not."""
        self.run_to_the_end()
        self.ship(data.draw(st.sampled_from(self.versions)), dies_at)

    def ship(self, version: str, dies_at: int = 0) -> None:
        self.team.run(Promote(f"orders@{version}", "prod"))
        self.model.ask(version)
        self.run_to_the_end()
        waiting = self.model.forward("prod")
        if waiting is not None and not waiting.approved:
            self.decide(approved=True)
        if dies_at:
            self.die_at_a_point(dies_at)
        else:
            self.run_to_the_end()

    @precondition(lambda self: self.model.forward("prod") and not self.model.forward("prod").approved)
    @rule(approved=st.booleans())
    def decide(self, approved: bool) -> None:
        waiting = self.model.forward("prod")
        is_void = waiting.ground != self.model.places["prod"].ground(waiting.version)
        request = Decide(self.open_forward().id, approved=approved, reason="because")
        if is_void:
            with pytest.raises(VoidedError):
                self.team.run(request, "ana")
        else:
            self.team.run(request, "ana")
        if is_void or not approved:
            self.model.places["prod"].waiting.remove(waiting)
        waiting.approved = approved
        self.is_settled = False

    @precondition(lambda self: self.model.forward("prod"))
    @rule()
    def take_back(self) -> None:
        self.team.run(Abort(self.open_forward().id, "never mind"), "mia")
        self.model.places["prod"].waiting.remove(self.model.forward("prod"))

    @precondition(lambda self: self.is_settled and self.model.places["prod"].running)
    @rule()
    def go_back(self) -> None:
        place = self.model.places["prod"]
        target = place.target(place.running)
        if target == "remove" or self.model.held:
            with pytest.raises(RefusedError):
                self.team.run(Rollback("orders", "prod", "away with it"), "rita")
            return
        self.team.run(Rollback("orders", "prod", "away with it"), "rita")
        place.waiting.append(Waiting(target, goes_back=True))
        self.is_settled = False

    @rule()
    def hold_or_lift(self) -> None:
        if self.model.held:
            self.team.run(LiftHold(solution="orders", reason="over"), "rita")
        else:
            self.team.run(PutOnHold(reason="wait", solution="orders"), "rita")
        self.model.held = not self.model.held
        self.is_settled = False

    # What processes do.

    @precondition(lambda self: not self.is_settled)
    @rule(point=st.integers(1, 60))
    def die_at_a_point(self, point: int) -> None:
        self.work(self.team.another(MortalStore(self.team.store, point)))

    @precondition(lambda self: not self.is_settled)
    @rule(
        place=st.sampled_from(PLACES),
        fault=st.sampled_from([Fault.CRASH_BEFORE, Fault.CRASH_AFTER]),
        method=st.sampled_from(["perform", "perform", "observe", "intend", "export", "look_up"]),
    )
    def die_at_the_platform(self, place: str, fault: Fault, method: str) -> None:
        world = self.team.platform.world(f"memory://{place}")
        world.fail(fault, on=method)
        self.work(self.team.another())
        world._faults.clear()

    @rule()
    def run_to_the_end(self) -> None:
        for _ in range(3):  # a process ends with the first work that opens the next stage's gates
            self.work(self.team.another())
        assert self.model.next() is None
        self.is_settled = True

    def work(self, engine: object) -> None:
        """Let a process work until it dies or has nothing to do, and let the model follow as far as it came."""
        before = self.done()
        try:
            last = -1
            while last != (last := self.done()):
                for place in environments_with_work(engine):
                    drain(engine, place)
        except CrashError:
            pass
        for _ in range(self.done() - before):
            coming = self.model.next()
            assert coming is not None, "something was deployed that nobody should have"
            self.model.deploy(*coming)
        for deployment in self.team.find(Deployment, states=(DeploymentState.RUNNING,)):
            name, one = self.model.next()
            assert (name, one.version) == (deployment.environment, deployment.version)
            place = self.model.places[name]
            place.waiting = [w for w in place.waiting if w is not one]
            place.begun = one

    # What must hold.

    @precondition(lambda self: hasattr(self, "model") and self.is_settled)
    @invariant()
    def it_is_as_the_model_says(self) -> None:
        for name, place in self.model.places.items():
            here = self.team.get(Installation, f"{name}/orders")
            assert (here.version if here else "") == place.running
            assert here is None or here.verified
            world = self.team.platform.world(f"memory://{name}")
            assert [(step, version) for step, _, version in world.applied] == place.applied
            assert self.team.goods(name) == place.goods
        self.model.sweep()
        opened = self.team.find(Promotion, states=OPEN_STATES)
        expected = [(name, w.version) for name, place in self.model.places.items() for w in place.waiting]
        assert sorted((p.environment, p.version) for p in opened) == sorted(expected)
        assert self.team.holders() == {}

    def done(self) -> int:
        return len(self.team.find(Deployment, states=(DeploymentState.SUCCEEDED,)))

    def open_forward(self) -> Promotion:
        found = self.team.find(Promotion, environment="prod", states=("waiting", "ready"))
        (one,) = [p for p in found if p.kind is DeploymentKind.FORWARD]
        return one


@pytest.fixture(scope="module", autouse=True)
def beginning(new_team: Team) -> None:
    _TEAMS[:] = [new_team]


TestModel = Machine.TestCase
