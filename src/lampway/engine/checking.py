"""Running checks against what is installed, and keeping what they told as evidence.

A check that fails where it had passed takes the right to move on away, in the transaction that records it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lampway.domain.attestation import Attestation
from lampway.domain.deployment import CheckOutcome, Evidence
from lampway.domain.events import ENGINE, Actor, AttestationRecorded, Event, EvidenceRecorded, PromotionMoved, Recorded
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.secret import Secret, is_reference, mask, mask_bytes
from lampway.domain.standing import required, turned_bad
from lampway.domain.strategy import Check, Environment, Solution, Stage, Strategy
from lampway.engine import abilities
from lampway.engine import platform as port
from lampway.engine.attestations import attest_evidence
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.ports import CheckResult
from lampway.engine.store import Reading, Transaction
from lampway.errors import LampwayError

KEPT = 1_048_576
"""Bytes kept of what a check printed, and of the report it wrote."""
_REVOCABLE = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


@dataclass(frozen=True, slots=True)
class Site:
    """Where checks are run: one release in one environment, with everything they need."""

    engine: Engine
    solution: Solution
    release: Release
    environment: str
    access: port.Access
    platform: port.Platform
    installed: port.Installed
    files: Mapping[str, bytes]
    """What commands run from."""
    secrets: tuple[Secret, ...]
    """Masked wherever text is kept."""
    deployment: str


def run_check(site: Site, declared: Check) -> Evidence:
    """Run one check and return what it told, masked; what it printed is kept by digest. Recorded nowhere yet.

    A check that cannot be run gives errored evidence. Raises StorageError where nothing can be kept.
    """
    engine, secrets = site.engine, site.secrets
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    place = strategy.environment(site.environment)
    try:
        check, more = _with_secrets(engine, replace(declared, networks=strategy.check_networks))
        secrets = (*secrets, *more)
        result = _smoke(site, check) if check.platform else _run(site, check)
    except LampwayError as error:
        result = CheckResult(CheckOutcome.ERRORED, f"it cannot be run: {error}", 0.0)
    evidence = Evidence(
        id=engine.new_id(),
        solution=site.solution.name,
        version=site.release.version,
        release=site.release.digest,
        environment=site.environment,
        check=declared.name,
        kind=declared.kind,
        outcome=result.outcome,
        summary=mask(printable(result.summary), secrets),
        at=engine.now(),
        seconds=round(result.seconds, 3),
        deployment=site.deployment,
        output=_keep(engine, result.output, secrets),
        report=_keep(engine, result.report, secrets),
    )
    return with_data(evidence, place)


def with_data(evidence: Evidence, place: Environment, named: str = "", digest: str = "") -> Evidence:
    """Return evidence that says which data there was: as the environment declares it, or as somebody named it.

    A digest that was declared is of the data set that was declared, and counts for no other.
    """
    known = place.data_set if place.data_set and named in ("", place.data_set.name) else None
    name = named or (known.name if known else "")
    return replace(evidence, data=place.data, data_set=name, data_digest=digest or (known.digest if known else ""))


def printable(text: str) -> str:
    """Return text without what would act on a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _run(site: Site, check: Check) -> CheckResult:
    facts = {
        "SOLUTION": site.solution.name,
        "VERSION": site.release.version,
        "ENVIRONMENT": site.environment,
        "URL": site.access.public_url,
    }
    return site.engine.checks.run(check, site.access.public_url, site.files, facts)


def _smoke(site: Site, check: Check) -> CheckResult:
    platform = site.platform
    if not isinstance(platform, abilities.SmokeRunnable):
        return CheckResult(CheckOutcome.ERRORED, f"{platform.name} has no {check.platform} run", 0.0)
    before = site.engine.clock.now()
    ran = platform.smoke_run(site.access, site.installed, check.timeout)
    took = (site.engine.clock.now() - before).total_seconds()
    outcome = CheckOutcome.PASSED if ran.passed else CheckOutcome.FAILED
    return CheckResult(outcome, ran.summary, took, output=ran.log.encode())


def _keep(engine: Engine, data: bytes, secrets: tuple[Secret, ...]) -> str:
    """Keep what a check told, masked first and cut then, and return its digest; empty for nothing."""
    return engine.packages.put(mask_bytes(data, secrets)[:KEPT]) if data else ""


def _with_secrets(engine: Engine, check: Check) -> tuple[Check, tuple[Secret, ...]]:
    """Return the check with the references in its headers resolved, and the secrets that this brought in."""
    headers: Mapping[str, str] = check.http.get("headers") or {}
    found = {name: engine.secrets.resolve(value) for name, value in headers.items() if is_reference(value)}
    if not found:
        return check, ()
    given = {**headers, **{name: secret.reveal() for name, secret in found.items()}}
    return replace(check, http={**check.http, "headers": given}), tuple(found.values())


def add_evidence(
    engine: Engine,
    transaction: Transaction,
    evidence: Evidence,
    actor: Actor,
    *,
    declared: tuple[Solution, Check],
    signed: Attestation | None = None,
) -> list[Recorded]:
    """Record evidence, signed, and void what waits on the strength of what it takes back.

    `declared` is the solution and the check as the rules in force had them when it was collected, `signed` what the
    tester signed.
    """
    before = transaction.find(Evidence, solution=evidence.solution)
    told = [transaction.append(EvidenceRecorded(evidence), actor)]
    told += [transaction.append(AttestationRecorded(signed), actor)] if signed else []
    if turned_bad(before, evidence):
        told += [transaction.append(event, ENGINE) for event in _revoked(transaction, evidence)]
    statements = attest_evidence(engine, transaction, evidence, declared)
    told += [transaction.append(event, ENGINE) for event in statements]
    return told


def _revoked(reading: Reading, evidence: Evidence) -> list[Event]:
    strategy = rules_in_force(reading).strategy
    why = f"evidence turned bad: check *{evidence.check}* failed in {evidence.environment}: {evidence.summary}"
    return [
        PromotionMoved(promotion.id, PromotionState.VOIDED, why)
        for promotion in reading.find(Promotion, solution=evidence.solution, states=_REVOCABLE)
        if promotion.kind is DeploymentKind.FORWARD
        and promotion.bound.release == evidence.release
        and _relies(strategy, promotion, evidence)
    ]


def _relies(strategy: Strategy, promotion: Promotion, evidence: Evidence) -> bool:
    """Return whether a gate of the promotion's stage asks for this check in this environment."""
    stage = _stage_of(strategy, promotion)
    if stage is None:
        return False
    before = {s.environment for s in strategy.stages_before(promotion.solution, stage)}
    solution = strategy.solution(promotion.solution)
    asked = {c.name for rule in stage.rules_of("checks") for c in required(solution, rule)}
    return evidence.environment in before and evidence.check in asked


def _stage_of(strategy: Strategy, promotion: Promotion) -> Stage | None:
    if not any(s.name == promotion.solution for s in strategy.solutions):
        return None
    stages = strategy.pipeline_of(promotion.solution).every_stage
    return next((s for s in stages if s.name == promotion.stage), None)


def worst_of(found: Sequence[Evidence]) -> Evidence | None:
    """Return the first evidence that failed, else the first that could not be judged, else None."""
    for outcome in (CheckOutcome.FAILED, CheckOutcome.ERRORED):
        for evidence in found:
            if evidence.outcome is outcome:
                return evidence
    return None
