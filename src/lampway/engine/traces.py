"""Traces: each deployment and each of its steps as a span, from the ledger, with ids that are always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.deployment import Deployment, DeploymentState, StepState
from lampway.domain.events import Actor
from lampway.domain.moments import parse_moment
from lampway.engine.context import Engine, Request, rules_in_force

_GOOD = (DeploymentState.SUCCEEDED,)


@dataclass(frozen=True, slots=True)
class TracedSpan:
    """Something that took time."""

    trace: str
    """32 hex digits: the same for every deployment of one promotion."""
    id: str
    """16 hex digits."""
    parent: str
    """Id of the span it is part of; empty for none."""
    name: str
    start: str
    """ISO time, UTC."""
    end: str
    attributes: dict[str, str | int]
    fault: str = ""
    """Why it did not go well; empty where it did."""


@dataclass(frozen=True, slots=True)
class ShowSpans(Request[tuple[TracedSpan, ...]]):
    """Ask for the deployments that have ended, as spans."""

    solution: str = ""
    since: str = ""
    """A day, from its beginning, or a time with its zone; empty: from the first."""


def show_spans(engine: Engine, request: ShowSpans, actor: Actor) -> tuple[TracedSpan, ...]:
    """Return a span for each deployment that ended since then, followed by one for each of its steps.

    Asking twice gives the same spans with the same ids, so that sending them twice does no harm. Raises NotFoundError,
    UsageError.
    """
    del actor
    since = parse_moment(request.since, "UTC") if request.since else ""
    with engine.store.reading() as reading:
        if request.solution:
            rules_in_force(reading).strategy.solution(request.solution)
        found = reading.find(Deployment, solution=request.solution)
    ended = [d for d in found if d.finished_at and d.finished_at >= since]
    return tuple(span for deployment in ended for span in _spans(deployment))


def _spans(deployment: Deployment) -> Iterator[TracedSpan]:
    trace, root = _id(deployment.promotion, 32), _id(deployment.id, 16)
    yield TracedSpan(
        trace=trace,
        id=root,
        parent="",
        name=f"{deployment.kind} {deployment.solution} → {deployment.environment}",
        start=deployment.started_at,
        end=deployment.finished_at,
        attributes={
            "lampway.solution": deployment.solution,
            "lampway.version": deployment.version,
            "lampway.environment": deployment.environment,
            "lampway.kind": str(deployment.kind),
            "lampway.state": str(deployment.state),
            "lampway.release": deployment.release,
            "lampway.promotion": deployment.promotion,
            "lampway.deployment": deployment.id,
        },
        fault="" if deployment.state in _GOOD else deployment.note or str(deployment.state),
    )
    for step in deployment.steps:
        yield TracedSpan(
            trace=trace,
            id=_id(f"{deployment.id} {step.name}", 16),
            parent=root,
            name=step.name,
            start=step.started_at,
            end=step.finished_at or deployment.finished_at,
            attributes={"lampway.step": step.name, "lampway.state": str(step.state), "lampway.attempt": step.attempt},
            fault="" if step.state is StepState.DONE else f"step {step.state}",
        )


def _id(text: str, digits: int) -> str:
    return hashlib.sha256(f"lampway {text}".encode()).hexdigest()[:digits]
