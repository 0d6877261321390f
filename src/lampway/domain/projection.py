"""Projection: how each event changes the records that answer questions. Pure, and the only place that knows.

Folding the whole ledger from nothing gives the same records as keeping them up to date event by event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, TypeAlias, TypeVar

from lampway.domain import events
from lampway.domain.accounts import after_sign_in
from lampway.domain.apart import APART, project_apart
from lampway.domain.attestation import Attestation, EngineKey
from lampway.domain.certification import Certification
from lampway.domain.checkpoint import Checkpoint
from lampway.domain.deployment import (
    Deployment,
    DeploymentState,
    DriftFinding,
    DriftState,
    Evidence,
    Installation,
    KnownGood,
    LockRecord,
    Obstacle,
    Step,
    StepState,
)
from lampway.domain.due import Passed
from lampway.domain.governed import ABOUT, GOVERNED, project_governed, replaced_switch
from lampway.domain.health import HealthWatch, WatchState, after_look
from lampway.domain.invitations import Invitation
from lampway.domain.passkeys import Passkey
from lampway.domain.promotion import Promotion, may_move
from lampway.domain.quorum import Delegation
from lampway.domain.readiness import ReadinessAnswer
from lampway.domain.release import Release
from lampway.domain.stops import Hold, HoldState, Veto, veto_key
from lampway.domain.strategy import RulesInForce
from lampway.domain.tokens import ApiToken
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.errors import StorageError

T = TypeVar("T")

RECORDS: tuple[type, ...] = (
    RulesInForce,
    Release,
    Promotion,
    Deployment,
    Installation,
    KnownGood,
    Evidence,
    DriftFinding,
    LockRecord,
    Hold,
    Veto,
    Delegation,
    Attestation,
    EngineKey,
    Certification,
    Checkpoint,
    Passed,
    ReadinessAnswer,
    HealthWatch,
    ApiToken,
    Passkey,
    Invitation,
    Unlocking,
    *GOVERNED,
    *APART,
)
"""Every kind of record."""


class Records(Protocol):
    """Where projections are kept while an event is folded in."""

    def get(self, kind: type[T], key: str) -> T | None:
        """Return the record, or None."""
        ...

    def open_drift(self, environment: str, solution: str) -> tuple[DriftFinding, ...]:
        """Return the findings of what still is to be seen there."""
        ...

    def put(self, key: str, record: object) -> None:
        """Keep the record in place of the one under this key."""
        ...

    def delete(self, kind: type, key: str) -> None:
        """Forget the record, if there is one."""
        ...


def project(recorded: events.Recorded, records: Records) -> None:  # noqa: C901, PLR0912, PLR0915 - a case per kind
    """Fold one event into the records. Raises StorageError when the event does not follow from what came before."""
    at = recorded.at
    match recorded.event:
        case events.StrategyApplied() as event:
            before = records.get(RulesInForce, "current")
            revoked, claimed = (before.revocations, before.claimed) if before else ((), ())
            by = recorded.actor.person
            rules = RulesInForce(event.strategy, event.commit, event.digest, by, at, revoked, claimed)
            records.put("current", rules)
        case events.ReleaseSealed(release=release):
            records.put(release.name, release)
        case events.Adopted() as event:
            _adopted(event, recorded, records)
        case events.PromotionRequested(promotion=promotion):
            records.put(promotion.id, promotion)
        case events.DecisionMade() as event:
            promotion = _need(records, Promotion, event.promotion)
            records.put(promotion.id, replace(promotion, decisions=(*promotion.decisions, event.decision)))
        case events.PromotionMoved() as event:
            _moved(event, records)
        case events.EvidenceRecorded(evidence=evidence):
            records.put(evidence.id, evidence)
        case events.EnvironmentObserved() | events.Tagged() | events.Seeded() | events.LedgerVerified():
            pass  # facts for the auditor; no record answers from them
        case events.CheckpointMade() as event:
            if event.root:  # those made before there were trees say nothing that anybody goes on from
                made = Checkpoint(event.seq, event.hash, event.at, event.root, event.envelope, event.peaks)
                records.put(made.tag, made)
        case events.PackagesRemoved():
            pass  # likewise
        case events.DriftFound() | events.DriftResolved() | events.LockObserved():
            _observation(recorded, records)
        case events.GateWaived() | events.Remarked() | events.ChecklistAnswered() | events.TicketGiven():
            _beside_decision(recorded.event, records)
        case events.ApprovalAsked(promotion=key):
            records.put(key, replace(_need(records, Promotion, key), asked_at=at))
        case events.Certified(certification=certification):
            records.put(certification.id, certification)
        case events.Delegated() | events.DelegationEnded():
            _delegation(recorded, records)
        case events.Revoked(revocation=revocation):
            rules = _need(records, RulesInForce, "current")
            records.put("current", replace(rules, revocations=(*rules.revocations, revocation)))
        case events.RolesClaimed(person=person, roles=roles, until=until):
            rules = _need(records, RulesInForce, "current")
            held = after_sign_in(rules.claimed, person, roles, (at[:10], until))
            records.put("current", replace(rules, claimed=tuple(held)))
        case events.AttestationRecorded() | events.EngineKeyRecorded():
            _signature(recorded, records)
        case events.RanOut(key=key, due=due) | events.Reminded(key=key, due=due):
            records.put(key, Passed(key, due))
        case events.ReadinessAnswered(answer=answer):
            records.put(answer.item, answer)
        case events.TokenIssued() | events.TokenRevoked() | events.PasskeyRegistered() | events.PasskeyRemoved():
            _token(recorded, records)
        case events.InvitationMade() | events.InvitationUsed() | events.InvitationRevoked():
            _invitation(recorded, records)
        case _:
            _deployment(recorded, records)


_Beside: TypeAlias = events.GateWaived | events.Remarked | events.ChecklistAnswered | events.TicketGiven


def _beside_decision(event: _Beside, records: Records) -> None:
    promotion = _need(records, Promotion, event.promotion)
    match event:
        case events.GateWaived(waiver=waiver):
            told = replace(promotion, waivers=(*promotion.waivers, waiver))
        case events.Remarked(remark=remark):
            told = replace(promotion, remarks=(*promotion.remarks, remark))
        case events.TicketGiven(ticket=ticket):
            told = replace(promotion, ticket=ticket)
        case events.ChecklistAnswered(answer=answer):
            told = replace(promotion, answers=(*promotion.answers, answer))
    records.put(promotion.id, told)


def _token(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.TokenIssued(token=token):
            records.put(token.id, token)
        case events.TokenRevoked(token=key):
            records.put(key, replace(_need(records, ApiToken, key), revoked_at=recorded.at))
        case events.PasskeyRegistered(passkey=passkey):
            records.put(passkey.id, passkey)
        case events.PasskeyRemoved(passkey=key):
            records.put(key, replace(_need(records, Passkey, key), removed_at=recorded.at))
        case _:
            pass


def _invitation(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.InvitationMade(invitation=invitation):
            records.put(invitation.id, invitation)
        case events.InvitationUsed(invitation=key):
            records.put(key, replace(_need(records, Invitation, key), used_at=recorded.at))
        case events.InvitationRevoked(invitation=key):
            records.put(key, replace(_need(records, Invitation, key), revoked_at=recorded.at))
        case _:
            pass


def _delegation(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.Delegated(delegation=delegation):
            records.put(delegation.id, delegation)
        case events.DelegationEnded(delegation=key):
            records.put(key, replace(_need(records, Delegation, key), ended_at=recorded.at))
        case _:
            pass


def _observation(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.DriftFound(finding=finding):
            records.put(finding.id, finding)
            _mark_drift(records, finding.environment, finding.solution)
        case events.DriftResolved() as event:
            _resolved(event, recorded, records)
        case events.LockObserved() as event:
            lock = LockRecord(event.environment, event.state, event.summary, event.cure, recorded.at)
            records.put(event.environment, replace(lock, label=event.label, mislabelled=event.mislabelled))
        case _:
            pass


def _unlocking(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.UnlockAsked(unlocking=unlocking) | events.Unlocked(unlocking=unlocking):
            records.put(unlocking.id, unlocking)
        case events.UnlockFailed() as event:
            told = _need(records, Unlocking, event.unlocking)
            records.put(told.id, replace(told, until=recorded.at, note=event.reason))
        case events.RelockFailed() as event:
            told = _need(records, Unlocking, event.unlocking)
            records.put(told.id, replace(told, note=event.reason))
        case events.Relocked() as event:
            told = _need(records, Unlocking, event.unlocking)
            state = UnlockState.UNREVIEWED if told.needs_review else UnlockState.CLOSED
            who = recorded.actor.person
            records.put(told.id, replace(told, state=state, closed_at=recorded.at, closed_by=who, note=event.note))
        case events.UnlockReviewed() as event:
            told = _need(records, Unlocking, event.unlocking)
            state = told.state if told.is_open else UnlockState.CLOSED
            said = replace(told, state=state, reviewed_by=recorded.actor.person, review=event.note)
            said = replace(said, key=event.key, attestation=event.attestation)
            records.put(told.id, replace(said, reviewed_at=recorded.at))
        case _:
            project_apart(recorded, records)


def _stop(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.Held(hold=hold):
            records.put(hold.id, hold)
        case events.HoldLifted() as event:
            hold = _need(records, Hold, event.hold)
            who, why = recorded.actor.person, event.reason
            lifted = replace(hold, state=HoldState.LIFTED, lifted_by=who, lifted_at=recorded.at, lifted_reason=why)
            records.put(hold.id, lifted)
        case events.Vetoed(veto=veto):
            records.put(veto_key(veto.environment, veto.release), veto)
        case governed if isinstance(governed, ABOUT):
            project_governed(recorded, records)
        case _:
            _unlocking(recorded, records)


def _signature(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.AttestationRecorded(attestation=attestation):
            records.put(attestation.id, attestation)
        case events.EngineKeyRecorded(key=key):
            records.put(key, EngineKey(key, recorded.at))
        case _:
            pass


def _deployment(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.DeploymentStarted(deployment=deployment):
            records.put(deployment.id, deployment)
            promotion = _need(records, Promotion, deployment.promotion)
            records.put(promotion.id, replace(promotion, deployment=deployment.id))
        case events.StepStarted() as event:
            _step_started(event, recorded.at, records)
        case events.StepRunning() | events.StepHindered() as event:
            _step_goes_on(event, recorded.at, records)
        case events.StepFinished() as event:
            deployment = _need(records, Deployment, event.deployment)
            records.put(deployment.id, _step_finished(deployment, event.step, event.state, event.detail, recorded.at))
        case events.Reconciled() as event:
            _reconciled(event, recorded.at, records)
        case events.Installed(deployment=key):
            _installed(_need(records, Deployment, key), recorded.at, records)
        case events.Verified(deployment=key, watched=watched):
            _verified(_need(records, Deployment, key), recorded, records, is_good=not watched)
        case events.WatchStarted() | events.WatchLooked() | events.WatchEnded():
            _watch(recorded, records)
        case events.DeploymentFinished() as event:
            deployment = _need(records, Deployment, event.deployment)
            ended = "" if event.state is DeploymentState.RECONCILE else recorded.at
            records.put(deployment.id, replace(deployment, state=event.state, note=event.note, finished_at=ended))
        case _:
            _stop(recorded, records)


def installation_key(environment: str, solution: str) -> str:
    """Return the key of an installation record."""
    return f"{environment}/{solution}"


def _need(records: Records, kind: type[T], key: str) -> T:
    record = records.get(kind, key)
    if record is None:
        raise StorageError(f"the ledger speaks of a {kind.__name__.lower()} that it never recorded: {key}")
    return record


def _adopted(event: events.Adopted, recorded: events.Recorded, records: Records) -> None:
    installation = Installation(
        environment=event.environment,
        solution=event.solution,
        version=event.version,
        release=event.release,
        package=event.package,
        configuration=event.configuration,
        deployment="",
        since=recorded.at,
        verified=True,
    )
    records.put(installation_key(event.environment, event.solution), installation)
    _known_good(installation, recorded, records)


def _known_good(installation: Installation, recorded: events.Recorded, records: Records) -> None:
    key = f"{installation.environment}/{installation.solution}/{recorded.seq}"
    good = KnownGood(
        id=key,
        environment=installation.environment,
        solution=installation.solution,
        version=installation.version,
        release=installation.release,
        package=installation.package,
        configuration=installation.configuration,
        at=recorded.at,
    )
    records.put(key, good)


def _moved(event: events.PromotionMoved, records: Records) -> None:
    promotion = _need(records, Promotion, event.promotion)
    if not may_move(promotion.state, event.state):
        raise StorageError(f"promotion {promotion.id} cannot go from {promotion.state} to {event.state}")
    records.put(promotion.id, replace(promotion, state=event.state, note=event.reason))


def _step_started(event: events.StepStarted, at: str, records: Records) -> None:
    deployment = _need(records, Deployment, event.deployment)
    others = tuple(s for s in deployment.steps if s.name != event.step)
    step = Step(event.step, StepState.STARTED, event.attempt, at, intent=event.intent)
    records.put(deployment.id, replace(deployment, steps=(*others, step), fence=event.fence))


def _step_finished(
    deployment: Deployment, name: str, state: StepState, detail: dict[str, object], at: str
) -> Deployment:
    return _step_changed(deployment, name, state=state, detail=detail, finished_at=at, obstacle=None)


def _step_goes_on(event: events.StepRunning | events.StepHindered, at: str, records: Records) -> None:
    deployment = _need(records, Deployment, event.deployment)
    if isinstance(event, events.StepRunning):
        records.put(deployment.id, _step_changed(deployment, event.step, handle=event.handle, obstacle=None))
        return
    before = deployment.step(event.step)
    seen = before.obstacle.seen if before is not None and before.obstacle is not None else at
    obstacle = Obstacle(event.what, event.since, event.by, seen)
    records.put(deployment.id, _step_changed(deployment, event.step, obstacle=obstacle))


def _step_changed(deployment: Deployment, name: str, **changes: Any) -> Deployment:
    step = deployment.step(name)
    if step is None:
        raise StorageError(f"step {name} of deployment {deployment.id} went on without having started")
    changed = replace(step, **changes)
    return replace(deployment, steps=tuple(changed if s.name == name else s for s in deployment.steps))


def _reconciled(event: events.Reconciled, at: str, records: Records) -> None:
    told = _need(records, Deployment, event.deployment)
    if event.step:
        is_platforms = any(p.by_platform and p.name == event.step for p in told.plan)
        happened = event.reached and is_platforms  # ours are simply taken again
        state = StepState.DONE if happened else StepState.FAILED
        told = _step_finished(told, event.step, state, {"reconciled": event.reason}, at)
    records.put(told.id, replace(told, state=DeploymentState.RUNNING))


def _installed(deployment: Deployment, at: str, records: Records) -> None:
    key = installation_key(deployment.environment, deployment.solution)
    for finding in records.open_drift(deployment.environment, deployment.solution):
        over = replace(finding, state=DriftState.REVERTED, resolved_by="lampway", resolved_at=at)
        records.put(finding.id, replace(over, reason=f"overwritten by deployment {deployment.id}"))
    replaced_switch(records, key, removed=not deployment.package)
    if not deployment.package:
        records.delete(Installation, key)
        return
    installation = Installation(
        environment=deployment.environment,
        solution=deployment.solution,
        version=deployment.version,
        release=deployment.release,
        package=deployment.package,
        configuration=deployment.configuration,
        deployment=deployment.id,
        since=at,
        verified=False,
    )
    records.put(key, installation)


def _watch(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.WatchStarted(watch=watch):
            records.put(watch.id, watch)
            deployment = _need(records, Deployment, watch.id)
            records.put(watch.id, replace(deployment, watch=str(watch.state)))
        case events.WatchLooked() as event:
            watch = _need(records, HealthWatch, event.deployment)
            records.put(watch.id, after_look(watch, event.seen, event.summary, recorded.at))
        case events.WatchEnded() as event:
            watch = _need(records, HealthWatch, event.deployment)
            records.put(watch.id, replace(watch, state=event.state, note=event.note, ended_at=recorded.at))
            deployment = _need(records, Deployment, watch.id)
            records.put(watch.id, replace(deployment, watch=str(event.state)))
            _watched(watch, event.state, recorded, records)
        case _:
            pass


def _watched(watch: HealthWatch, state: WatchState, recorded: events.Recorded, records: Records) -> None:
    """Let what was watched be known-good, or no longer count as verified, where it still is what is installed."""
    key = installation_key(watch.environment, watch.solution)
    here = records.get(Installation, key)
    if here is None or here.deployment != watch.id:
        return
    if state is WatchState.PASSED:
        _known_good(here, recorded, records)
    elif state is WatchState.FAILED:
        records.put(key, replace(here, verified=False))


def _verified(deployment: Deployment, recorded: events.Recorded, records: Records, *, is_good: bool) -> None:
    key = installation_key(deployment.environment, deployment.solution)
    installation = records.get(Installation, key)
    if installation is None:  # removed: there is nothing to be good
        return
    verified = replace(installation, verified=True)
    records.put(key, verified)
    if is_good:
        _known_good(verified, recorded, records)


def _resolved(event: events.DriftResolved, recorded: events.Recorded, records: Records) -> None:
    finding = _need(records, DriftFinding, event.finding)
    done = replace(
        finding,
        state=event.state,
        resolved_by=recorded.actor.person,
        resolved_at=recorded.at,
        reason=event.reason,
    )
    records.put(finding.id, done)
    _mark_drift(records, finding.environment, finding.solution)


def _mark_drift(records: Records, environment: str, solution: str) -> None:
    key = installation_key(environment, solution)
    installation = records.get(Installation, key)
    if installation is not None:
        drifted = any(f.state is DriftState.OPEN for f in records.open_drift(environment, solution))
        records.put(key, replace(installation, drifted=drifted))
