"""Stories: what people do in the town, told so that they can begin again wherever a process died.

A person looks at the ledger, sees what is already done, and does what is next: just what people do after a crash.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaos.town import APPS, Town
from lampway.app import LocalSession
from lampway.domain.deployment import Deployment, DeploymentState, DriftFinding, DriftState, Step, StepState
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.engine.cases import LookAtLock, Resume
from lampway.engine.context import Engine, Request, access_to, rules_in_force
from lampway.engine.decide import Decide
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.drift import RevertDrift, ScanDrift
from lampway.engine.platform import Access, Found, Wanted
from lampway.engine.promote import Promote, Rollback
from lampway.engine.reconcile import Reconcile
from lampway.engine.steps import READ_BACK, wanted_for
from lampway.errors import PlatformError, RefusedError, TakenOverError, UsageError
from lampway.testing.counting import CountingPlatform
from lampway.testing.world import Fault

_AGAIN = (PromotionState.ERRORED, PromotionState.VOIDED)
_PATIENCE = 60
"""How often one person does something about one act before it counts as lost."""
_LONG = 120.0
"""Seconds that one person among many tries."""
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that shall come about in prod."""

    solution: str
    version: str
    """Empty: a rollback."""
    ends: tuple[PromotionState, ...] = (PromotionState.SUCCEEDED,)


def ship(name: str, *, fails: bool = False, undone: bool = False) -> Act:
    """Return that a release goes to prod; whether its verification fails there, and whether it is rolled back later."""
    solution, _, version = name.partition("@")
    ends = (PromotionState.FAILED if fails else PromotionState.SUCCEEDED,)
    return Act(solution, version, (*ends, *([PromotionState.ROLLED_BACK] if undone else [])))


STORIES: dict[str, tuple[Act, ...]] = {
    "forward": (ship("orders@1.0.0"), ship("orders@1.0.1")),
    "two solutions": (ship("orders@1.0.0"), ship("billing@1.0.0"), ship("billing@1.0.1")),
    "rollback": (ship("orders@1.0.0"), ship("orders@1.0.1", undone=True), Act("orders", "")),
    "failed verification": (
        ship("orders@1.0.1"),
        ship("orders@1.0.2", fails=True, undone=True),
        Act("orders", ""),
        ship("orders@1.0.3"),
    ),
}
_TROUBLES: tuple[tuple[str, Fault], ...] = (
    ("perform", Fault.LOST),
    ("perform", Fault.UNSENT),
    ("perform", Fault.LATE),
    ("perform", Fault.FALSE_NO),
    ("perform", Fault.UNREACHABLE),
    ("poll", Fault.UNREACHABLE),
    ("look_up", Fault.UNREACHABLE),
    ("observe", Fault.UNREACHABLE),
    ("intend", Fault.UNREACHABLE),
    ("plan", Fault.UNREACHABLE),
    ("export", Fault.UNREACHABLE),
    ("perform", Fault.DENIED),
)


class LostError(Exception):
    """Something that was asked for does not come to its end."""


def trouble(town: Town, chance: random.Random) -> None:
    """Let the platform be slow, silent or a liar for a while."""
    platform = town.platform()
    with platform.at(f"http://{chance.choice(('test', 'prod'))}.test") as world:
        world.slowness = chance.choice((0, 0, 1, 3))
        method, fault = chance.choice(_TROUBLES)
        world.fail(fault, on=method, times=chance.choice((1, 1, 2)))
    platform.close()


@dataclass(slots=True)
class Player:
    """Everybody in the town, at one engine."""

    town: Town
    engine: Engine
    has_lock: bool = True
    """Whether the runner's lock is asked; without it, processes meet that took each other for dead."""
    is_crowded: bool = False
    """Whether others do the same at the same time."""
    people: tuple[str, str, str] = ("mia", "ana", "rita")
    """Who makes, who approves, and who sees to what is stuck."""

    def play(self, acts: tuple[Act, ...]) -> None:
        """Bring every act to its end. Raises LostError."""
        self._do(self.people[0], Resume())
        for number, act in enumerate(acts):
            for _ in self._tries():
                if self._went_on(act, f"act {number}"):
                    break
            else:
                raise LostError(f"act {number}, {act.solution}@{act.version or 'back'}, does not end: {self._seen()}")

    def _tries(self) -> Iterator[None]:
        if not self.is_crowded:
            yield from itertools.repeat(None, _PATIENCE)
            return
        end = time.monotonic() + _LONG
        while time.monotonic() < end:
            yield
            time.sleep(_LOOK)

    def _went_on(self, act: Act, reason: str) -> bool:
        try:
            return self._next(act, reason)
        except (RefusedError, UsageError, TakenOverError):
            if not (self.is_crowded or self.town.is_haunted):
                raise
            return False  # somebody else was faster, or is at work there: look again

    def _next(self, act: Act, reason: str) -> bool:
        """Do what is next about an act; return whether it has ended."""
        found = [p for p in self._find(Promotion) if p.reason == reason and p.stage == "prod"]
        current = found[-1] if found else None
        if current is None or self._is_to_be_asked_again(current):
            self._ask(act, reason)
            return False
        if current.state in act.ends:
            return True
        if stuck := self._find(Deployment, states=(DeploymentState.RECONCILE,)):
            self._reconcile(stuck[0])
        elif self.town.is_haunted and (strange := self._strange()):
            self._take_out(strange)
        elif self.town.is_haunted and (edited := self._edited()):
            self._do(self.people[2], RevertDrift(edited.solution, edited.environment))
        elif current.state is PromotionState.WAITING and act.version and not current.decisions:
            self._approve(current.id)
            self._heard("decision", current.id)
        elif current.state in (PromotionState.WAITING, PromotionState.RUNNING, PromotionState.RECONCILE):
            self._look_at_lock(current)
            self._do(self.people[0], Resume())
            self._ask_for_earlier_stages(current)
        else:
            raise LostError(f"{reason} ended as {current.state}: {current.note}")
        return False

    def _approve(self, promotion: str) -> None:
        """Approve as whoever may; where only what is signed counts, with their own key."""
        asked: Request[Any] = Decide(promotion, approved=True)
        if os.environ.get("LAMPWAY_KEY"):
            from lampway.cli.keys import sign

            asked, _ = sign(LocalSession(self.town.root, (), self.people[1], _engine=self.engine), asked, "")
        self._do(self.people[1], asked)

    def _strange(self) -> Promotion | None:
        """Return what cannot go where somebody who came back put something that no release brought."""
        waiting = self._find(Promotion, states=(PromotionState.WAITING,))
        return next((p for p in waiting if "no release brought it" in p.note), None)

    def _take_out(self, waiting: Promotion) -> None:
        """Take out by hand what no release brought."""
        platform = self.town.platform()
        with platform.at(f"http://{waiting.environment}.test") as world:
            names = APPS[waiting.solution]
            world.apps = {key: app for key, app in world.apps.items() if app.name not in names}
            world.revision += 1
        platform.close()
        self._do(self.people[0], Resume())

    def _edited(self) -> DriftFinding | None:
        """Look whether what is somewhere still is what was deployed, as people do where it may not be."""
        self._do(self.people[2], ScanDrift())
        busy = {d.environment for d in self._find(Deployment, states=(DeploymentState.RUNNING,))}
        found = self._find(DriftFinding, states=(DriftState.OPEN,))
        return next((f for f in found if f.environment not in busy), None)

    def _is_to_be_asked_again(self, promotion: Promotion) -> bool:
        given_up = promotion.state is PromotionState.FAILED and promotion.note.startswith("given up")
        return given_up or promotion.state in _AGAIN

    def _ask(self, act: Act, reason: str) -> None:
        if act.version:
            asked = self._do(self.people[0], Promote(f"{act.solution}@{act.version}", "prod", reason=reason))
        else:
            asked = self._do(self.people[2], Rollback(act.solution, "prod", reason))
        for promotion in asked.promotions:
            self._heard("promotion", promotion)

    def _ask_for_earlier_stages(self, waiting: Promotion) -> None:
        """Ask for the stage before once more where it ended badly: asking again is what people do then."""
        if waiting.kind is not DeploymentKind.FORWARD or waiting.state is not PromotionState.WAITING:
            return
        before = [p for p in self._find(Promotion, solution=waiting.solution) if p.stage == "test"]
        same = [p for p in before if p.version == waiting.version]
        if same and self._is_to_be_asked_again(same[-1]):
            self._do(self.people[0], Promote(f"{waiting.solution}@{waiting.version}", "test", reason=waiting.reason))

    def _look_at_lock(self, waiting: Promotion) -> None:
        """Look again whether prod is locked: when it was asked for, prod may not have answered."""
        if waiting.state is PromotionState.WAITING and waiting.decisions:
            with contextlib.suppress(PlatformError):
                self._do(self.people[0], LookAtLock(waiting.environment))

    def _reconcile(self, stuck: Deployment) -> None:
        """Look what is there and say it, as an honest person would; half of it is finished by hand."""
        step = next((s for s in reversed(stuck.steps) if s.state is not StepState.DONE), None)
        platforms = [p.name for p in stuck.plan if p.by_platform]
        is_ours = step is None or step.name not in platforms
        happened = is_ours or self._look(stuck, step, platforms)
        if self.town.is_haunted and step is not None and step.name == READ_BACK:
            self._finish_by_hand(stuck, platforms)
        self._do(self.people[2], Reconcile(stuck.solution, stuck.environment, happened, "I looked"))

    def _finish_by_hand(self, stuck: Deployment, platforms: list[str]) -> None:
        """Make by hand what a deployment was to make, over what somebody who came back from the dead put there."""
        platform, access, wanted = self._at_hand(stuck)
        for name in platforms:
            platform.perform(access, wanted, name, platform.intend(access, wanted, name))
        platform.close()

    def _at_hand(self, stuck: Deployment) -> tuple[CountingPlatform, Access, Wanted]:
        """Return the platform as a person reaches it, who calls its vendor until somebody answers."""
        with self.engine.store.reading() as reading:
            environment = rules_in_force(reading).strategy.environment(stuck.environment)
            release = reading.get(Release, f"{stuck.solution}@{stuck.version}") if stuck.package else None
        wanted = wanted_for(
            self.engine,
            solution=stuck.solution,
            release=release,
            environment=environment.name,
            configuration=stuck.configuration,
        )
        platform = self.town.platform()
        with platform.at(environment.url) as world:
            world._faults.clear()  # noqa: SLF001 - the product knows no other way to be mended
            world.slowness = 0
        return platform, access_to(self.engine, environment), wanted

    def _look(self, stuck: Deployment, step: Step, platforms: list[str]) -> bool:
        platform, access, wanted = self._at_hand(stuck)
        while (found := platform.look_up(access, wanted, step.name, step.intent)) is Found.RUNNING:
            pass
        if found is Found.UNTOUCHED and any(stuck.is_done(name) for name in platforms):
            platform.perform(access, wanted, step.name, platform.intend(access, wanted, step.name))
            found = Found.REACHED
        platform.close()
        return found is Found.REACHED

    def _do(self, person: str, request: Request[Any]) -> Any:
        if self.has_lock:
            return LocalSession(self.town.root, (), person, _engine=self.engine).run(request)
        return _do_without_lock(self.engine, LocalSession(self.town.root, (), person, _engine=self.engine), request)

    def _find(self, kind: type[Any], **filters: Any) -> tuple[Any, ...]:
        with self.engine.store.reading() as reading:
            return reading.find(kind, **filters)

    def _seen(self) -> str:
        return "; ".join(f"{p.solution}@{p.version} {p.stage} {p.state}: {p.note}" for p in self._find(Promotion)[-4:])

    def _heard(self, what: str, name: str) -> None:
        """Note outside everything what the person was told: from now on it must never be lost."""
        with Path(self.town.folder / "heard").open("ab", buffering=0) as file:
            file.write(f"{what} {name}\n".encode())


def _do_without_lock(engine: Engine, session: LocalSession, request: Request[Any]) -> Any:
    from lampway.engine.cases import CASES

    answer = CASES[type(request)](engine, request, session.actor())
    before = -1
    while before != (now := _succeeded(engine)):
        before = now
        for environment in environments_with_work(engine):
            drain(engine, environment)
    return answer


def _succeeded(engine: Engine) -> int:
    with engine.store.reading() as reading:
        return len(reading.find(Deployment, states=(DeploymentState.SUCCEEDED,)))


def play(town: Town, acts: tuple[Act, ...], wrap: Callable[[Engine], Engine], *, has_lock: bool, ids: str) -> None:
    """Play a story once, in this process. Raises LostError, and StorageError where another process took over."""
    engine = wrap(town.engine(random.Random(ids)))
    engine = replace(engine, holder=f"{ids}:{os.getpid()}")
    Player(town, engine, has_lock).play(acts)
