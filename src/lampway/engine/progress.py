"""How far a promotion is: cheap to ask again and again, for whoever watches. Reading only."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import Deployment, StepState
from lampway.domain.events import Actor
from lampway.domain.promotion import OPEN_STATES
from lampway.engine.context import Engine, Request
from lampway.engine.promote import find_promotion


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
    unsure = [s.name for s in done.steps if s.state is StepState.STARTED] if done else []
    return Progress(
        promotion=promotion.id,
        state=str(promotion.state),
        note=promotion.note,
        deployment=promotion.deployment,
        steps=_steps(done) if done else (),
        watch=done.watch if done else "",
        is_over=promotion.state not in OPEN_STATES,
        in_doubt=unsure[-1] if promotion.state == "reconcile" and unsure else "",
    )


def _steps(done: Deployment) -> tuple[ProgressStep, ...]:
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
            )
        )
    return tuple(found)
