"""Reconciling: a person says what happened where engine and platform disagree."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import Deployment, DeploymentState, StepState
from lampway.domain.events import Actor, DeploymentFinished, PromotionMoved, Reconciled
from lampway.domain.promotion import PromotionState
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
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
        if rules_in_force(transaction).strategy.person(actor.person) is None:
            raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
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
        step = next(s.name for s in reversed(deployment.steps) if s.state is not StepState.DONE)
        told = [transaction.append(Reconciled(deployment.id, step, request.happened, reason), actor)]
        told.append(transaction.append(PromotionMoved(deployment.promotion, PromotionState.RUNNING, reason), actor))
        if not request.happened:
            note = f"given up: {reason}"
            told.append(transaction.append(DeploymentFinished(deployment.id, DeploymentState.FAILED, note), actor))
            moved = PromotionMoved(deployment.promotion, PromotionState.FAILED, note)
            told.append(transaction.append(moved, actor))
    engine.tell(told)
    return deployment.id
