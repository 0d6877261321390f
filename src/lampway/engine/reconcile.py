"""Reconciling: a person says what happened where engine and platform disagree, or gives up on an answer."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import Deployment, DeploymentState, StepState
from lampway.domain.events import Actor, DeploymentFinished, PromotionMoved, Reconciled
from lampway.domain.promotion import Promotion, PromotionState
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError


@dataclass(frozen=True, slots=True)
class Reconcile(Request[str]):
    """Say whether the step that is in doubt happened."""

    solution: str
    environment: str
    happened: bool
    """True: go on from there. False: it did not; the deployment is given up."""
    reason: str


def reconcile(engine: Engine, request: Reconcile, actor: Actor) -> str:
    """Record what a person saw, and free the environment. Returns the deployment's id.

    Raises NotFoundError when nothing waits for that, UsageError without a reason.
    """
    reason = require_reason(request.reason)
    with engine.store.transaction() as transaction:
        _require_known(transaction, actor)
        found = transaction.find(
            Deployment,
            environment=request.environment,
            solution=request.solution,
            states=(DeploymentState.RECONCILE,),
        )
        if not found:
            raise NotFoundError(
                f"nothing of {request.solution} waits to be reconciled in {request.environment}", hint="lampway status"
            )
        deployment = found[0]
        step = next((s.name for s in reversed(deployment.steps) if s.state is not StepState.DONE), "")
        told = [transaction.append(Reconciled(deployment.id, step, request.happened, reason), actor)]
        told.append(transaction.append(PromotionMoved(deployment.promotion, PromotionState.RUNNING, reason), actor))
        if not request.happened:
            note = f"given up: {reason}"
            told.append(transaction.append(DeploymentFinished(deployment.id, DeploymentState.FAILED, note), actor))
            moved = PromotionMoved(deployment.promotion, PromotionState.FAILED, note)
            told.append(transaction.append(moved, actor))
    engine.tell(told)
    return deployment.id


def give_up(engine: Engine, promotion: Promotion, reason: str, actor: Actor) -> None:
    """Leave a deployment that does not come to its end to a person. Raises RefusedError, UsageError without a reason.

    Whoever still works on it can record nothing there any more. What it did is not known: `reconcile` says it.
    """
    why = f"given up by {actor.person}: {require_reason(reason)}"
    with engine.store.transaction() as transaction:
        _require_known(transaction, actor)
        current = transaction.get(Promotion, promotion.id) or promotion
        if current.state is not PromotionState.RUNNING:
            raise RefusedError(f"promotion {current.id} is {current.state} by now: {current.note}")
        finished = DeploymentFinished(current.deployment, DeploymentState.RECONCILE, why)
        moved = PromotionMoved(current.id, PromotionState.RECONCILE, why)
        told = [transaction.append(event, actor) for event in (finished, moved)]
    engine.tell(told)


def _require_known(reading: Reading, actor: Actor) -> None:
    if rules_in_force(reading).strategy.person(actor.person) is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
