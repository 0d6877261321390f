"""What a ledger holds: releases and whole promotions as events, the same ones every time."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from bench import flows
from lampway.cli import demo_flows
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import CheckOutcome, Deployment, DeploymentState, Evidence, PlannedStep, StepState
from lampway.domain.digest import digest
from lampway.domain.events import (
    DecisionMade,
    DeploymentFinished,
    DeploymentStarted,
    Event,
    EvidenceRecorded,
    Installed,
    PromotionMoved,
    PromotionRequested,
    ReleaseSealed,
    StepFinished,
    StepStarted,
    Verified,
)
from lampway.domain.package import Inventory, PackageReference, Scope
from lampway.domain.promotion import Bound, Decision, DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.platforms.nodered.package import NodeRedFormat, build_package

AT = "2026-01-05T09:00:00.000+00:00"
CONFIGURATION = ConfigurationSet(
    {"ERP_URL": "https://erp.example.org/orders"}, {"Orders": {"ERP_KEY": "env:ERP_KEY_OF_PROD"}}
)
_STEPS = ("pre-flight", "keep", "deploy flows", "read-back", "verify", "record")


@functools.cache
def inventory(nodes: int = 0) -> Inventory:
    """Return what is in a solution of so many nodes; without a number, in the demo's order intake of ten."""
    scope = Scope("orders", "1.0.0", ("Orders",))
    package = flows.package(nodes) if nodes else build_package(demo_flows.orders(), scope, credential_fields={})
    return NodeRedFormat().inspect(package).inventory


def release(solution: str, number: int, nodes: int = 0) -> Release:
    """Return a release of this solution, sealed after `number` others."""
    held = inventory(nodes)
    return Release(
        solution=solution,
        version=f"1.{number}.0",
        packages=(PackageReference(digest([solution, number]), 5_000, "node-red", held.fingerprint),),
        inventory=held,
        commit=digest(["commit", solution, number])[7:47],
        makers=("ada",),
        editors_unknown=True,
        sealed_by="ada",
        sealed_at=AT,
        previous=f"1.{number - 1}.0" if number else "",
    )


def promotion_events(number: int, *, solutions: int = 50, nodes: int = 0) -> Iterator[Event]:
    """Return everything a release leaves in the ledger on its way into one environment: about 25 events.

    The `solutions` take turns.
    """
    sealed = release(f"solution-{number % solutions}", number // solutions, nodes)
    name = f"{number:08x}"
    promotion, deployment = _promotion(name, sealed), _deployment(name, sealed)
    yield ReleaseSealed(sealed, sealed.digest)
    yield PromotionRequested(promotion)
    yield DecisionMade(name, Decision("ben", True, "", AT, promotion.bound.digest))
    yield PromotionMoved(name, PromotionState.READY, "every gate is open", _GATES)
    yield PromotionMoved(name, PromotionState.RUNNING, "deploying")
    yield DeploymentStarted(deployment)
    for step in _STEPS:
        yield from _step_events(step, deployment, sealed)
    yield DeploymentFinished(name, DeploymentState.SUCCEEDED, "verified")
    yield PromotionMoved(name, PromotionState.SUCCEEDED, "verified")


_GATES = tuple(
    {"gate": gate, "state": "passed", "reason": "as it should be", "next": ""}
    for gate in ("previous-stage", "approval", "findings", "configuration", "drift", "rollback-plan")
)


def _promotion(name: str, sealed: Release) -> Promotion:
    return Promotion(
        id=name,
        solution=sealed.solution,
        version=sealed.version,
        stage="prod",
        environment="prod",
        kind=DeploymentKind.FORWARD,
        bound=Bound(sealed.digest, CONFIGURATION.digest, "", "remove", digest("rules")),
        configuration=CONFIGURATION,
        requested_by="ada",
        requested_at=AT,
        state=PromotionState.WAITING,
    )


def _deployment(name: str, sealed: Release) -> Deployment:
    return Deployment(
        id=name,
        promotion=name,
        solution=sealed.solution,
        version=sealed.version,
        environment="prod",
        kind=DeploymentKind.FORWARD,
        release=sealed.digest,
        package=sealed.package.digest,
        configuration=CONFIGURATION,
        plan=tuple(PlannedStep(step, step == "deploy flows", f"{step} in prod") for step in _STEPS),
        fence=1,
        started_at=AT,
    )


def _step_events(step: str, deployment: Deployment, sealed: Release) -> Iterator[Event]:
    intent = {f"{what}_{when}": digest([what, when]) for what in ("own", "revision") for when in ("before", "intended")}
    yield StepStarted(deployment.id, step, 1, 1, intent if step == "deploy flows" else {})
    match step:
        case "read-back":
            yield Installed(deployment.id)
        case "verify":
            yield EvidenceRecorded(_evidence(deployment, sealed))
        case "record":
            yield Verified(deployment.id)
        case _:
            pass
    yield StepFinished(deployment.id, step, StepState.DONE, {"kept": sealed.package.digest} if step == "keep" else {})


def _evidence(deployment: Deployment, sealed: Release) -> Evidence:
    return Evidence(
        id=f"evidence-{deployment.id}",
        solution=sealed.solution,
        version=sealed.version,
        release=sealed.digest,
        environment="prod",
        check="order-is-booked",
        kind="functional",
        outcome=CheckOutcome.PASSED,
        summary="POST /orders: 201 as expected",
        at=AT,
        seconds=0.02,
        deployment=deployment.id,
    )
