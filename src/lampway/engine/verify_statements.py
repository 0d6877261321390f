"""Looking at what was signed: by whom, about what, in which order, and whether anything is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from lampway.domain import attestation as kinds
from lampway.domain import events
from lampway.domain.attestation import ENGINE_NAME, PATIENCE, Attestation, Statement, read_statement, subjects_of
from lampway.domain.deployment import DeploymentState
from lampway.domain.digest import digest, digest_bytes
from lampway.domain.events import Recorded
from lampway.domain.given import delegation_subjects, unlock_subjects
from lampway.domain.promotion import Promotion
from lampway.engine.dossier import LEEWAY, Dossier, apart


def check_signatures(file: Dossier) -> Iterator[str]:
    """Yield every attestation that is not signed by whom it must be, or speaks of something else."""
    subjects = subjects_of(file.release)
    for row, event in file.all(events.AttestationRecorded):
        one = event.attestation
        place = f"attestation in row {row.seq} by {one.signer}"
        envelope = file.tools.signing.open(one.envelope)
        if digest_bytes(one.envelope.encode()) != one.id:
            yield f"{place}: its digest is another"
        if not file.tools.signing.is_signed_by(envelope, one.key):
            yield f"{place}: the signature is not by the key it names"
        said = read_statement(envelope.payload)
        kind, predicate = one.predicate, said.predicate
        if kind == kinds.GIVEN_SIGNED_IN:
            kind, predicate = predicate["kind"], predicate["given"]
        alone = _ALONE.get(kind)
        wanted = alone(predicate) if alone else subjects
        if said.predicate_type != one.predicate or said.subjects != wanted:
            yield f"{place}: it does not speak of {file.release.name}"
        yield from (f"{place}: {reason}" for reason in [_wrong_key(file, row, one)] if reason)


_ALONE = {kinds.DELEGATION: delegation_subjects, kinds.UNLOCK: unlock_subjects}
"""What speaks of no release, but of itself."""


def _wrong_key(file: Dossier, row: Recorded, one: Attestation) -> str:
    if one.predicate not in kinds.BY_PEOPLE:
        first = file.engine_keys.get(one.key)
        is_engines = one.signer == ENGINE_NAME and first is not None and first < row.seq
        return "" if is_engines else "it is not signed by the engine"
    if one.predicate == kinds.DELEGATION and not _is_used(file, one.about):
        return ""  # it let nobody decide about this release: whose it was is for others to look at
    person = next((p for p in file.trusted.people if p.id == one.signer), None)
    if person is None:
        return f"{one.signer} is nobody in the people.yaml you brought"
    key = next((k for k in person.keys if k.key == one.key), None)
    if key is None:
        return f"it is signed with a key that is not {one.signer}'s in the people.yaml you brought"
    return "" if key.is_valid(row.at) else f"the key did not count on {row.at[:10]}"


def _is_used(file: Dossier, delegation: str) -> bool:
    """Return whether somebody spoke for somebody else by this delegation, or may have."""
    spoken = {(e.decision.on_behalf_of, e.decision.by) for _, e in file.all(events.DecisionMade)}
    lent = {e.delegation.id: (e.delegation.by, e.delegation.to) for _, e in file.all(events.Delegated)}
    return delegation not in lent or lent[delegation] in spoken


def check_decisions(file: Dossier) -> Iterator[str]:
    """Yield every signed decision that is not what was signed."""
    asked = file.promotions()
    signed = {one.id: (one, said) for _, one, said in file.statements(kinds.APPROVAL)}
    vouched = {one.id: (one, said) for _, one, said in file.statements(kinds.SIGNED_IN)}
    for row, event in file.all(events.DecisionMade):
        decision, promotion = event.decision, asked.get(event.promotion)
        if promotion is None:
            yield f"row {row.seq} decides about a promotion that nobody asked for"
            continue
        if not decision.key:
            yield from _vouched(file, vouched, (row, event), promotion)
            continue
        one, said = signed.pop(decision.attestation, (None, None))
        if one is None or said is None or (one.signer, one.key) != (decision.by, decision.key):
            yield f"row {row.seq}: what {decision.by} decided is not what they signed"
            continue
        as_signed = replace(decision, at=str(said.predicate.get("decidedOn")))
        roles = tuple(said.predicate.get("roles", ()))
        if kinds.approval(file.release, promotion, as_signed, roles) != said:
            yield f"row {row.seq}: what {decision.by} decided is not what they signed"
        if apart(as_signed.at, row.at) > PATIENCE:
            yield f"row {row.seq}: signed at {as_signed.at}, recorded at {row.at}"
    yield from (f"{one.signer} signed a decision that is not recorded" for one, _ in signed.values())
    yield from (
        f"the engine speaks of a decision about {one.about} that is not recorded" for one, _ in vouched.values()
    )


def _vouched(
    file: Dossier,
    known: dict[str, tuple[Attestation, Statement]],
    made: tuple[Recorded, events.DecisionMade],
    promotion: Promotion,
) -> Iterator[str]:
    """Yield where the engine says that somebody was signed in, and does not state it, or states something else."""
    row, decision = made[0], made[1].decision
    if not decision.authenticated:
        return
    one, said = known.pop(decision.attestation, (None, None))
    if one is None or said is None:
        yield f"row {row.seq} says {decision.by} was proved, without a signature"
        return
    roles, via = tuple(said.predicate.get("roles", ())), str(said.predicate.get("signedInBy"))
    if kinds.signed_in(file.release, promotion, decision, roles, via=via) != said or via != row.actor.via:
        yield f"row {row.seq}: what {decision.by} decided is not what the engine states"


def check_policy(file: Dossier) -> Iterator[str]:
    """Yield where rules are not what their digest says, or a summary names others than were in force."""
    bodies = {row.seq: row.body for row in file.content.rows}
    for row, applied in file.all(events.StrategyApplied):
        if digest(json.loads(bodies[row.seq])["strategy"]) != applied.digest:  # as written, whatever was added since
            yield f"the rules in row {row.seq} are not what their digest says"
    for row, one, said in file.statements(kinds.SUMMARY):
        rules = file.rules_at(row.seq)
        policy = {"uri": f"git+commit:{rules.commit}", "digest": {"sha256": rules.digest[7:]}} if rules else {}
        if said.predicate["policy"] != policy:
            yield f"the summary for promotion {one.about} names rules that were not in force"


def check_chain(file: Dossier) -> Iterator[str]:
    """Yield what the engine should have stated and did not, or stated otherwise than it is recorded."""
    if len(file.statements(kinds.PROVENANCE, file.release.name)) != 1:
        yield "there is not exactly one provenance of the package"
    yield from _edits(file)
    for row, _, promotion in file.started():
        summaries = [s for s in file.statements(kinds.SUMMARY, promotion.id) if s[0].seq > row.seq]
        if not any(s[2].predicate["verificationResult"] == "PASSED" for s in summaries):
            yield f"nothing sums up why promotion {promotion.id} to {promotion.stage} was let through"
    release = file.release.digest
    made = [(r.seq, e.attestation) for r, e in file.all(events.AttestationRecorded)]
    for row, one, said in file.statements(kinds.SUMMARY):
        before = list(dict.fromkeys(a.id for seq, a in made if seq < row.seq and a.release == release))
        if [f"sha256:{i['digest']['sha256']}" for i in said.predicate["inputAttestations"]] != before:
            yield f"the summary for promotion {one.about} does not list every attestation before it"
    for row, event in file.all(events.EvidenceRecorded):
        results = file.statements(kinds.TEST_RESULT, event.evidence.id)
        wanted = "PASSED" if event.evidence.outcome == "passed" else "FAILED"
        if [s[2].predicate["result"] for s in results] != [wanted]:
            yield f"check {event.evidence.check} in row {row.seq} is not attested as it came out"
    yield from _deployments(file)


def _edits(file: Dossier) -> Iterator[str]:
    """Yield where the provenance tells of other edits of the package than the release."""
    release = file.release
    for _, _, said in file.statements(kinds.PROVENANCE, release.name):
        told = said.predicate["buildDefinition"]["internalParameters"].get(kinds.TRANSFORMED, [])
        if told != kinds.transformed(release):
            yield "the provenance tells of other edits of the package than the release"


def _deployments(file: Dossier) -> Iterator[str]:
    ended = {e.deployment: e.state for _, e in file.all(events.DeploymentFinished)}
    for _, deployment, _ in file.started():
        state = ended.get(deployment.id)
        if state is not DeploymentState.SUCCEEDED:
            continue
        said = [s[2].predicate for s in file.statements(kinds.DEPLOYMENT, deployment.id)]
        if [p["outcome"] for p in said].count("succeeded") != 1 or said[-1]["outcome"] != "succeeded":
            yield f"deployment {deployment.id} to {deployment.environment} is not attested as it ended"
        elif said[-1]["readBack"] != file.release.package.digest:
            yield f"what was read back from {deployment.environment} is not this package"


_TIMES = {kinds.SUMMARY: "timeVerified", kinds.DEPLOYMENT: "finishedOn", kinds.CERTIFICATE: "certifiedOn"}


def check_order(file: Dossier) -> Iterator[str]:
    """Yield what was said before what it rests on: provenance, tests, approvals, summary, deployment."""
    release = file.release.digest
    (sealed,) = [r for r, e in file.all(events.ReleaseSealed) if e.digest == file.content.head.release]
    for row, event in file.all(events.AttestationRecorded):
        if row.seq < sealed.seq and event.attestation.release == release:
            yield f"row {row.seq} speaks of the release before it was sealed"
        name = _TIMES.get(event.attestation.predicate)
        said = file.statement(event.attestation).predicate
        if name and apart(said[name].replace("Z", "+00:00"), row.at) > LEEWAY:
            yield f"row {row.seq} says it was made at {said[name]}, and was recorded at {row.at}"
    for row, moved in file.all(events.PromotionMoved):
        if moved.judged_at and apart(moved.judged_at, row.at) > LEEWAY:
            yield f"row {row.seq} says it was judged at {moved.judged_at}, and was recorded at {row.at}"
    for row, deployment, promotion in file.started():
        asked = [r for r, e in file.all(events.PromotionRequested) if e.promotion.id == promotion.id][-1]
        if asked.seq > row.seq:
            yield f"promotion {promotion.id} was asked for after it was carried out"
        yield from (
            f"promotion {promotion.id} was decided before it was asked for"
            for r, e in file.all(events.DecisionMade)
            if e.promotion == promotion.id and r.seq < asked.seq
        )
        spoken = [r.seq for r, _, _ in file.statements(kinds.DEPLOYMENT, deployment.id)]
        summed = [r.seq for r, _, _ in file.statements(kinds.SUMMARY, promotion.id)]
        if spoken and summed and min(spoken) < min(summed):
            yield f"deployment {deployment.id} was attested before it was allowed"
