"""The verdict over one story: what the worlds counted against what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chaos.story import Act
from chaos.town import PLACES, Town
from lampway.app import LocalSession
from lampway.domain.deployment import Deployment, DeploymentState, Installation, StepState
from lampway.domain.events import DecisionMade, PromotionRequested, Tagged
from lampway.domain.promotion import OPEN_STATES, Promotion, PromotionState
from lampway.engine.context import Engine
from lampway.engine.drift import RevertDrift, ScanDrift
from lampway.testing.world import World

Unit = tuple[str, str, str]


@dataclass(slots=True)
class Verdict:
    """What was found; every list is empty where all is well."""

    lost: list[str] = field(default_factory=list)
    """What was asked for, told or recorded, and is not there."""
    twice: list[str] = field(default_factory=list)
    """Units that were applied more often than the ledger says."""
    interleaved: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    """The chain, the records, or the journal does not fit."""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        named = (("lost", self.lost), ("twice", self.twice), ("interleaved", self.interleaved), ("damage", self.damage))
        return [f"{name}: {line}" for name, lines in named for line in lines]


def judge(town: Town, acts: Sequence[Act]) -> Verdict:
    """Compare the worlds, the ledger and what people were told. Changes nothing but what `_look_around` mends."""
    engine, platform = town.engine(), town.platform()
    verdict = Verdict()
    try:
        events = [recorded.event for recorded in engine.store.events()]
        with engine.store.reading() as reading:
            promotions, deployments = reading.find(Promotion), reading.find(Deployment)
            installed = reading.find(Installation)
        verdict.damage += [f"{d.place}: {d.what}" for d in (*engine.store.verify().damage, *engine.store.compare())]
        verdict.damage += _unfinished(deployments, promotions)
        verdict.lost += _unheard(town, events)
        verdict.lost += _untagged(engine, installed, events, acts)
        for place in PLACES[1:]:
            with platform.at(f"http://{place}.test") as world:
                _align(verdict, place, world, [d for d in deployments if d.environment == place], town)
        _look_around(verdict, town, engine)
        verdict.counts["deployments"] = len(deployments)
        verdict.counts["reconciled"] = sum(1 for event in events if event.kind == "reconciled")
        verdict.counts["recovered"] = sum(1 for d in deployments for s in d.steps if s.detail.get("recovered"))
    finally:
        engine.store.close()
        platform.close()
    return verdict


_LOOKS = 5
"""How often is looked where nobody answers: faults that the story never came to are still waiting there."""


def _look_around(verdict: Verdict, town: Town, engine: Engine) -> None:
    """Hold what is there against what is recorded.

    Where a process that came back from the dead could still change something, that shows as drift; deploying once more
    what is recorded mends it, and nothing stays that nobody sees.
    """
    session = LocalSession(town.root, (), "mia", _engine=engine)
    for _ in range(_LOOKS):
        scanned = session.run(ScanDrift())
        if not any(one.error for one in scanned):
            break  # an outage that met nobody until now is met by a look, and is over after it
    found = [f for one in scanned for f in one.findings]
    if town.is_haunted and found:
        verdict.counts["seen as drift"] = len(found)
        for solution, environment in dict.fromkeys((f.solution, f.environment) for f in found):
            LocalSession(town.root, (), "rita", _engine=engine).run(RevertDrift(solution, environment))
        found = [f for one in session.run(ScanDrift()) for f in one.findings]
    verdict.lost += [f"{f.environment}: {f.changes[0]}" for f in found]
    verdict.lost += [f"{one.environment} cannot be looked at: {one.error}" for one in scanned if one.error]


def _unfinished(deployments: Sequence[Deployment], promotions: Sequence[Promotion]) -> Iterator[str]:
    for deployment in deployments:
        if deployment.state in (DeploymentState.RUNNING, DeploymentState.RECONCILE):
            yield f"deployment {deployment.id} is {deployment.state}"
        if deployment.state is DeploymentState.SUCCEEDED and not all(
            deployment.is_done(p.name) for p in deployment.plan
        ):
            yield f"deployment {deployment.id} succeeded with steps that are not done"
        if deployment.state is DeploymentState.SUCCEEDED and [s.name for s in deployment.steps] != [
            p.name for p in deployment.plan
        ]:
            yield f"deployment {deployment.id} took its steps in another order than planned"
    for promotion in promotions:
        if promotion.state in OPEN_STATES:
            yield f"promotion {promotion.id} is still {promotion.state}: {promotion.note}"


def _unheard(town: Town, events: Sequence[object]) -> Iterator[str]:
    """Yield what people were told and the ledger does not know."""
    file = town.folder / "heard"
    told = set(file.read_text().splitlines()) if file.exists() else set()
    known = {f"promotion {e.promotion.id}" for e in events if isinstance(e, PromotionRequested)}
    known |= {f"decision {e.promotion}" for e in events if isinstance(e, DecisionMade)}
    for line in sorted(told - known):
        yield f"somebody was told of {line}, and the ledger does not know it"


def _untagged(
    engine: Engine, installed: Sequence[Installation], events: Sequence[object], acts: Sequence[Act]
) -> Iterator[str]:
    shipped = {f"{a.solution}/v{a.version}" for a in acts if a.version and a.ends[0] is PromotionState.SUCCEEDED}
    in_git, in_ledger = set(engine.source.tagged("")), [e.tag for e in events if isinstance(e, Tagged)]
    for tag in sorted(shipped - in_git):
        yield f"tag {tag} is not in git"
    for tag in sorted(shipped - set(in_ledger)):
        yield f"tag {tag} is not in the ledger"
    if engine.store.due():
        yield f"still to be said: {engine.store.due()}"
    if not installed:
        yield "nothing is installed anywhere"


def _align(verdict: Verdict, place: str, world: World, deployments: Sequence[Deployment], town: Town) -> None:
    """Hold what was applied there, in order, against the steps that the ledger says are done."""
    expected = [unit for d in deployments for unit in _units(d, is_blind=not town.has_precondition)]
    applied: list[Unit] = list(world.applied)
    verdict.counts["units"] = verdict.counts.get("units", 0) + len(applied)
    if world.interleaved:
        verdict.interleaved.append(f"{place}: {world.interleaved} changes were begun during another one")
    at = 0
    for unit, may_be_missing in expected:
        if town.is_haunted and unit in applied[at:]:
            verdict.counts["came late"] = verdict.counts.get("came late", 0) + applied[at:].index(unit)
            at += applied[at:].index(unit)  # what was sent by whoever came back: see `_look_around`
        if at < len(applied) and applied[at] == unit:
            at += 1
        elif not may_be_missing:
            verdict.lost.append(f"{place}: {unit} is done in the ledger; there: {applied[at : at + 1]}")
    if town.is_haunted:
        verdict.counts["came late"] = verdict.counts.get("came late", 0) + len(applied[at:])
        return
    verdict.twice += [f"{place}: {unit} was applied, and the ledger knows of no such step" for unit in applied[at:]]


def _units(deployment: Deployment, *, is_blind: bool) -> Iterator[tuple[Unit, bool]]:
    """Yield what a deployment applied, and whether it may be missing: a change of nothing is none."""
    for planned in deployment.plan:
        step = deployment.step(planned.name)
        if planned.by_platform and step is not None and step.state is StepState.DONE:
            changes = step.intent["before"] != step.intent["after"]
            if changes or is_blind:
                yield (step.name, deployment.solution, deployment.version), not changes
