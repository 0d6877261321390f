"""How far a promotion is: cheap to ask again and again, for whoever watches. Reading only."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import Deployment, Evidence, Step, StepState
from lampway.domain.digest import canonical, to_plain
from lampway.domain.events import Actor
from lampway.domain.promotion import OPEN_STATES, Promotion, PromotionState
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.facts import Case, case_of, eligibility
from lampway.engine.promote import find_promotion
from lampway.engine.steps import VERIFY
from lampway.engine.store import Reading

_LONGEST = 500
_BEFORE = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """A step of the plan, and where it stands."""

    name: str
    summary: str
    by_platform: bool
    state: str
    """planned, started, done or failed."""
    attempt: int
    started_at: str
    finished_at: str
    log: tuple[str, ...] = ()
    """What is recorded of it, a line each: what the platform told, and what checks came to."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a promotion is."""

    promotion: str
    state: str
    note: str
    deployment: str
    """Id of the newest deployment that carries it out; empty for none yet."""
    steps: tuple[ProgressStep, ...]
    watch: str
    is_over: bool
    """Whether nothing more becomes of it."""
    in_doubt: str
    """The step of which nobody knows whether it happened; empty for none."""
    waits_for: tuple[str, ...] = ()
    """The gates that are not open yet, each with its state and why, while it waits; then what it waits for there."""
    before: tuple[str, ...] = ()
    """Earlier stages to which the same release is under way, each with where it stands."""


@dataclass(frozen=True, slots=True)
class ShowProgress(Request[Progress]):
    """Ask how far a promotion is: its deployment, step by step."""

    promotion: str
    """Its id, or `solution[@version]`."""


def show_progress(engine: Engine, request: ShowProgress, actor: Actor) -> Progress:
    """Return where a promotion and the steps of its deployment stand. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        promotion = find_promotion(reading, request.promotion, engine.now())
        done = reading.get(Deployment, promotion.deployment) if promotion.deployment else None
        told = reading.find(Evidence, solution=promotion.solution) if done else ()
        evidence = tuple(e for e in told if done and e.deployment == done.id)
        waits = promotion.state in _BEFORE
        case = case_of(reading, promotion) if waits else None
        waits_for = _waits_for(reading, case, engine.now()) if case else _hindered(promotion, done)
        before = _earlier(reading, promotion, case) if case else ()
    unsure = [s.name for s in done.steps if s.state is StepState.STARTED] if done else []
    return Progress(
        promotion=promotion.id,
        state=str(promotion.state),
        note=promotion.note,
        deployment=promotion.deployment,
        steps=_steps(done, evidence) if done else (),
        watch=done.watch if done else "",
        is_over=promotion.state not in OPEN_STATES,
        in_doubt=unsure[-1] if promotion.state == "reconcile" and unsure else "",
        waits_for=waits_for,
        before=before,
    )


def _waits_for(reading: Reading, case: Case, now: str) -> tuple[str, ...]:
    return tuple(f"{gate.gate} {gate.state}: {gate.reason}" for gate in eligibility(reading, case, now).closed)


def _hindered(promotion: Promotion, done: Deployment | None) -> tuple[str, ...]:
    """Return what a deployment that is under way waits for in its environment."""
    runs = promotion.state is PromotionState.RUNNING and done is not None
    return (done.waits_for,) if runs and done and done.waits_for else ()


def _earlier(reading: Reading, promotion: Promotion, case: Case) -> tuple[str, ...]:
    """Return where the same release is on its way to the stages before, in words."""
    before = rules_in_force(reading).strategy.stages_before(promotion.solution, case.stage)
    found = {p.stage: p for p in reading.find(Promotion, solution=promotion.solution, states=OPEN_STATES)}
    told = []
    for stage in before:
        other = found.get(stage.name)
        if other is None or other.version != promotion.version:
            continue
        done = reading.get(Deployment, other.deployment) if other.deployment else None
        last = done.steps[-1] if done and done.steps else None
        told.append(f"{stage.name}: {other.state}{f', {last.name} {last.state}' if last else ''}")
    return tuple(told)


def _steps(done: Deployment, evidence: tuple[Evidence, ...]) -> tuple[ProgressStep, ...]:
    found = []
    for planned in done.plan:
        step = done.step(planned.name)
        found.append(
            ProgressStep(
                name=planned.name,
                summary=planned.summary,
                by_platform=planned.by_platform,
                state=str(step.state) if step else "planned",
                attempt=step.attempt if step else 0,
                started_at=step.started_at if step else "",
                finished_at=step.finished_at if step else "",
                log=_log(step, evidence if planned.name == VERIFY else ()) if step else (),
            )
        )
    return tuple(found)


def _log(step: Step, evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    found = [f"{name}: {_told(value)}" for name, value in step.detail.items() if value not in ("", (), [], {}, None)]
    found += [f"check {e.check} {e.outcome}: {e.summary}" for e in evidence]
    return tuple(found)


def _told(value: object) -> str:
    text = value if isinstance(value, str) else canonical(to_plain(value)).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
