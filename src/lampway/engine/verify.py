"""Verifying an evidence file: no store, no network, nothing taken on trust but the keys that are handed in.

Each check says in words what it looked at. Where something is missing, nothing becomes more allowed by it: every
deployment must have its approvals, its summary and its statements, or the file does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from lampway.domain import attestation as kinds
from lampway.domain import events
from lampway.domain.attestation import ENGINE_NAME, PATIENCE, Attestation, Statement, read_statement, subjects_of
from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.digest import digest, digest_bytes
from lampway.domain.events import Event, Recorded
from lampway.domain.evidence import Content, Row, read_content, split_seal
from lampway.domain.gates import judge
from lampway.domain.judgement import Facts, GateState
from lampway.domain.promotion import Decision, DeploymentKind, Promotion
from lampway.domain.release import Release
from lampway.domain.rights import objection
from lampway.domain.strategy import GateRule, Person, Stage
from lampway.engine.ports import Signing
from lampway.errors import LampwayError, UsageError

E = TypeVar("E", bound=Event)
_LEEWAY = timedelta(seconds=60)
"""How far apart the engine's own clock readings for one fact may lie."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    check: str
    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Tools:
    """What verifying needs from outside: how to read a row, and how to look at a signature."""

    decode: Callable[[Row], Recorded]
    signing: Signing


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the auditor brings along."""

    people: tuple[Person, ...]
    """Whose keys may have signed what, from a people.yaml the auditor trusts."""
    engine_key: str = ""
    """The engine's public key, known from elsewhere; empty to take the file's word for it."""
    package: bytes | None = None
    """The package in hand, to be compared with the one that the evidence is about."""


@dataclass(frozen=True, slots=True)
class _File:
    """An evidence file whose seal and rows hold, taken apart."""

    content: Content
    told: tuple[Recorded, ...]
    trusted: Trusted
    tools: Tools
    release: Release
    engine_keys: dict[str, int] = field(default_factory=dict)
    """Public key to the row that first spoke of it."""

    def all(self, kind: type[E]) -> list[tuple[Recorded, E]]:
        return [(r, r.event) for r in self.told if isinstance(r.event, kind)]

    def rules_at(self, seq: int) -> events.StrategyApplied | None:
        return next((e for r, e in reversed(self.all(events.StrategyApplied)) if r.seq < seq), None)

    def promotions(self) -> dict[str, Promotion]:
        return {e.promotion.id: e.promotion for _, e in self.all(events.PromotionRequested)}

    def statements(self, kind: str, about: str = "") -> list[tuple[Recorded, Attestation, Statement]]:
        found = []
        for row, event in self.all(events.AttestationRecorded):
            one = event.attestation
            if one.predicate == kind and about in ("", one.about):
                found.append((row, one, read_statement(self.tools.signing.open(one.envelope).payload)))
        return found


def verify_evidence(data: bytes, trusted: Trusted, tools: Tools) -> tuple[Checked, ...]:
    """Return every check with what came of it. Whatever cannot be read is a check that does not hold."""
    try:
        _match_seal(data, tools)
        content = read_content(data)
        _match_head(content, tools)
        file = _take_apart(content, trusted, tools)
        _verify_seal(file)
    except LampwayError as error:
        return (Checked("the file is whole", False, error.message),)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return (Checked("the file is whole", False, f"not readable: {type(error).__name__}"),)
    found = [Checked("the file is whole", True, f"{len(content.rows)} rows, as they were sealed"), _engine_key(file)]
    for name, check in _CHECKS.items():
        try:
            faults = list(check(file))
        except (LampwayError, ValueError, TypeError, KeyError, AttributeError) as error:
            faults = [f"cannot be judged: {error}"]
        found += [Checked(name, False, fault) for fault in faults] or [Checked(name, True, _HOLDS[name])]
    return (*found, *_remarks(file)) if all(one.holds for one in found) else tuple(found)


def _match_seal(data: bytes, tools: Tools) -> None:
    """Look first whether anything was changed at all: that takes no more than a hash."""
    covered, seal = split_seal(data)
    said = read_statement(tools.signing.open(seal).payload)
    if said.predicate_type != kinds.EVIDENCE or said.subjects[0].digest != digest_bytes(covered):
        raise UsageError("it was changed after it was sealed")


def _match_head(content: Content, tools: Tools) -> None:
    head = content.head
    covered = digest_bytes(content.covered)
    if kinds.sealing(head.solution, head.version, covered, (head.row, head.hash)) != read_statement(
        tools.signing.open(content.seal).payload
    ):
        raise UsageError("its seal is about something else")


def _take_apart(content: Content, trusted: Trusted, tools: Tools) -> _File:
    told = tuple(tools.decode(row) for row in content.rows)
    sealed = [
        r.event.release
        for r in told
        if isinstance(r.event, events.ReleaseSealed) and r.event.digest == content.head.release
    ]
    if len(sealed) != 1:
        raise UsageError("the release that it is about is not in it")
    keys: dict[str, int] = {}
    for recorded in told:
        if isinstance(recorded.event, events.EngineKeyRecorded):
            keys.setdefault(recorded.event.key, recorded.seq)
    return _File(content, told, trusted, tools, sealed[0], keys)


def _verify_seal(file: _File) -> None:
    envelope = file.tools.signing.open(file.content.seal)
    wanted = [file.trusted.engine_key] if file.trusted.engine_key else list(file.engine_keys)
    if not any(file.tools.signing.is_signed_by(envelope, key) for key in wanted):
        raise UsageError("its seal is not signed with the engine's key")


def _engine_key(file: _File) -> Checked:
    if file.trusted.engine_key:
        return Checked("the engine's key is the one you know", True, file.trusted.engine_key)
    reason = f"the engine's key was not compared: add --engine-key; the file says {', '.join(file.engine_keys)}"
    return Checked("remark", True, reason)


def _rows(file: _File) -> Iterator[str]:
    """Yield what is wrong with the rows as rows."""
    before: Row | None = None
    head = file.content.head
    for row in file.content.rows:
        if row.linked() != row.hash:
            yield f"row {row.seq} was changed after it was written"
        if before is not None and row.seq <= before.seq:
            yield f"row {row.seq} is out of order"
        if before is not None and row.seq == before.seq + 1 and row.prev != before.hash:
            yield f"row {row.seq} does not follow from the row before it"
        if before is not None and datetime.fromisoformat(row.at) < datetime.fromisoformat(before.at):
            yield f"row {row.seq} is older than the row before it"
        before = row
    if before is not None and (before.seq > head.row or (before.seq == head.row and before.hash != head.hash)):
        yield f"row {before.seq} lies beyond the end of the ledger"


def _subject(file: _File) -> Iterator[str]:
    """Yield where this is not about the release and the package in hand."""
    release, head = file.release, file.content.head
    if release.digest != head.release or release.name != f"{head.solution}@{head.version}":
        yield f"the release is {release.name} with digest {release.digest}, not what the file is about"
    package = file.trusted.package
    if package is not None and digest_bytes(package) != release.package.digest:
        yield f"the package in hand is {digest_bytes(package)}, the evidence is about {release.package.digest}"


def _signatures(file: _File) -> Iterator[str]:
    """Yield every attestation that is not signed by whom it must be, or speaks of something else."""
    for row, event in file.all(events.AttestationRecorded):
        one = event.attestation
        place = f"attestation in row {row.seq} by {one.signer}"
        envelope = file.tools.signing.open(one.envelope)
        if digest_bytes(one.envelope.encode()) != one.id:
            yield f"{place}: its digest is another"
        if not file.tools.signing.is_signed_by(envelope, one.key):
            yield f"{place}: the signature is not by the key it names"
        said = read_statement(envelope.payload)
        if said.predicate_type != one.predicate or said.subjects != subjects_of(file.release):
            yield f"{place}: it does not speak of {file.release.name}"
        yield from (f"{place}: {reason}" for reason in [_wrong_key(file, row, one)] if reason)


def _wrong_key(file: _File, row: Recorded, one: Attestation) -> str:
    if one.predicate != kinds.APPROVAL:
        first = file.engine_keys.get(one.key)
        is_engines = one.signer == ENGINE_NAME and first is not None and first < row.seq
        return "" if is_engines else "it is not signed by the engine"
    person = next((p for p in file.trusted.people if p.id == one.signer), None)
    if person is None:
        return f"{one.signer} is nobody in the people.yaml you brought"
    key = next((k for k in person.keys if k.key == one.key), None)
    if key is None:
        return f"it is signed with a key that is not {one.signer}'s in the people.yaml you brought"
    return "" if key.is_valid(row.at) else f"the key did not count on {row.at[:10]}"


def _decisions(file: _File) -> Iterator[str]:
    """Yield every signed decision that is not what was signed."""
    asked = file.promotions()
    signed = {one.id: (one, said) for _, one, said in file.statements(kinds.APPROVAL)}
    for row, event in file.all(events.DecisionMade):
        decision, promotion = event.decision, asked.get(event.promotion)
        if promotion is None:
            yield f"row {row.seq} decides about a promotion that nobody asked for"
            continue
        if not decision.key:
            if decision.authenticated:
                yield f"row {row.seq} says {decision.by} was proved, without a signature"
            continue
        one, said = signed.pop(decision.attestation, (None, None))
        if one is None or said is None or (one.signer, one.key) != (decision.by, decision.key):
            yield f"row {row.seq}: what {decision.by} decided is not what they signed"
            continue
        as_signed = replace(decision, at=str(said.predicate.get("decidedOn")))
        roles = tuple(said.predicate.get("roles", ()))
        if kinds.approval(file.release, promotion, as_signed, roles) != said:
            yield f"row {row.seq}: what {decision.by} decided is not what they signed"
        if _apart(as_signed.at, row.at) > PATIENCE:
            yield f"row {row.seq}: signed at {as_signed.at}, recorded at {row.at}"
    yield from (f"{one.signer} signed a decision that is not recorded" for one, _ in signed.values())


def _started(file: _File) -> Iterator[tuple[Recorded, Deployment, Promotion]]:
    asked = file.promotions()
    for row, event in file.all(events.DeploymentStarted):
        if event.deployment.promotion not in asked:
            raise UsageError(f"deployment {event.deployment.id} carries out what nobody asked for")
        if event.deployment.release:
            yield row, event.deployment, asked[event.deployment.promotion]


def _judged_at(file: _File, row: Recorded, promotion: Promotion) -> str:
    """Return when the engine gave the judgement that this deployment began with; never far from the row itself."""
    moves = file.all(events.PromotionMoved)
    times = [e.judged_at for r, e in moves if r.seq < row.seq and e.promotion == promotion.id and e.judged_at]
    return times[-1] if times and _apart(times[-1], row.at) <= _LEEWAY else row.at


def _rules(file: _File, row: Recorded) -> events.StrategyApplied:
    rules = file.rules_at(row.seq)
    if rules is None:
        raise UsageError(f"no rules were in force at row {row.seq}")
    return rules


def _stage(file: _File, row: Recorded, promotion: Promotion) -> Stage:
    """Return the promotion's stage, under the rules in force at this row."""
    return _rules(file, row).strategy.stage(promotion.solution, promotion.stage)


def _needed(rule: GateRule) -> GateRule | None:
    """Return what a gate asks of people in any case; None for what may be open without anybody's yes."""
    if rule.gate == "approval":
        return rule
    parts = [_needed(part) for part in rule.rules]
    needed = tuple(part for part in parts if part is not None)
    if not needed or (rule.gate == "any" and len(needed) < len(parts)):
        return None
    return replace(rule, rules=needed)


def _facts(file: _File, row: Recorded, promotion: Promotion, now: str) -> Facts:
    """Return what the engine's own judgement of the approvals looked at, now, from the rows before this one."""
    rules = _rules(file, row)
    stage = _stage(file, row, promotion)
    approvals = tuple(rule for gate in stage.gates if (rule := _needed(gate)) is not None)
    between = _between(file, promotion)
    return Facts(
        strategy=rules.strategy,
        solution=promotion.solution,
        stage=replace(stage, gates=approvals),
        release=file.release,
        kind=promotion.kind,
        requested_by=promotion.requested_by,
        promotion=promotion.id,
        digest=promotion.bound.digest,
        decisions=_decided(file, row, promotion),
        makers=tuple(sorted({maker for release in between for maker in release.makers})),
        editors_unknown=any(release.editors_unknown for release in between),
        now=now,
        requested_at=promotion.requested_at,
        allowed_by=promotion.allowed_by,
    )


def _between(file: _File, promotion: Promotion) -> list[Release]:
    """Return the releases whose content a deployment brought: after what ran there, up to this one."""
    sealed = [e.release for _, e in file.all(events.ReleaseSealed)]
    digests = [release.digest for release in sealed]
    end = digests.index(file.release.digest) + 1
    before = promotion.bound.installed.partition("+")[0]
    start = digests.index(before) + 1 if before in digests else 0
    return sealed[start:end] if start < end else [file.release]


def _decided(file: _File, row: Recorded, promotion: Promotion) -> tuple[Decision, ...]:
    made = file.all(events.DecisionMade)
    return tuple(e.decision for r, e in made if r.seq < row.seq and e.promotion == promotion.id)


def _quorum(file: _File) -> Iterator[str]:
    """Yield every deployment that the approvals there were do not allow, judged as the engine judges."""
    for row, _, promotion in _started(file):
        facts = _facts(file, row, promotion, _judged_at(file, row, promotion))
        if promotion.kind is not DeploymentKind.FORWARD or facts.stage.gates:
            for gate in judge(facts).gates:
                if gate.state not in (GateState.PASSED, GateState.WARNED, GateState.WAIVED):
                    told = f"{gate.gate} {gate.state}: {gate.reason}{_limit(facts)}"
                    yield f"{promotion.stage}, promotion {promotion.id}: {told}"
        if promotion.bound.release != file.release.digest:
            yield f"promotion {promotion.id} is bound to another release"


def _limit(facts: Facts) -> str:
    """Return what an offline judgement does not know, where that may be why it says no."""
    rules = facts.stage.rules_of("approval")
    if any(rule.risk or rule.cooling for rule in rules) or any(d.on_behalf_of for d in facts.decisions):
        return " (risk classes, the rule for a team of one and delegations are not judged again from a file yet)"
    return ""


def _duties(file: _File) -> Iterator[str]:
    """Yield everybody whose yes was taken although they made it, asked for it or may not decide."""
    for row, _, promotion in _started(file):
        if promotion.kind is not DeploymentKind.FORWARD:
            continue
        for made, event in file.all(events.DecisionMade):
            if event.promotion != promotion.id or made.seq > row.seq:
                continue
            decision, facts = event.decision, _facts(file, made, promotion, event.decision.at)
            rules = _stage(file, made, promotion).rules_of("approval")
            reasons = [objection(rule, facts, decision.by) for rule in rules]
            if all(reasons):
                reason = reasons[0] if reasons else f"{decision.by} decided where no approval is asked for"
                yield f"{promotion.stage}, promotion {promotion.id}: {reason}"


def _policy(file: _File) -> Iterator[str]:
    """Yield where rules are not what their digest says, or a summary names others than were in force."""
    for row, applied in file.all(events.StrategyApplied):
        if digest(applied.strategy) != applied.digest:
            yield f"the rules in row {row.seq} are not what their digest says"
    for row, one, said in file.statements(kinds.SUMMARY):
        rules = file.rules_at(row.seq)
        policy = {"uri": f"git+commit:{rules.commit}", "digest": {"sha256": rules.digest[7:]}} if rules else {}
        if said.predicate["policy"] != policy:
            yield f"the summary for promotion {one.about} names rules that were not in force"


def _chain(file: _File) -> Iterator[str]:
    """Yield what the engine should have stated and did not, or stated otherwise than it is recorded."""
    if len(file.statements(kinds.PROVENANCE, file.release.name)) != 1:
        yield "there is not exactly one provenance of the package"
    for row, _, promotion in _started(file):
        summaries = [s for s in file.statements(kinds.SUMMARY, promotion.id) if s[0].seq > row.seq]
        if not any(s[2].predicate["verificationResult"] == "PASSED" for s in summaries):
            yield f"nothing sums up why promotion {promotion.id} to {promotion.stage} was let through"
    for row, one, said in file.statements(kinds.SUMMARY):
        before = [e.attestation.id for r, e in file.all(events.AttestationRecorded) if r.seq < row.seq]
        if [f"sha256:{i['digest']['sha256']}" for i in said.predicate["inputAttestations"]] != before:
            yield f"the summary for promotion {one.about} does not list every attestation before it"
    for row, event in file.all(events.EvidenceRecorded):
        results = file.statements(kinds.TEST_RESULT, event.evidence.id)
        wanted = "PASSED" if event.evidence.outcome == "passed" else "FAILED"
        if [s[2].predicate["result"] for s in results] != [wanted]:
            yield f"check {event.evidence.check} in row {row.seq} is not attested as it came out"
    yield from _deployments(file)


def _deployments(file: _File) -> Iterator[str]:
    ended = {e.deployment: e.state for _, e in file.all(events.DeploymentFinished)}
    for _, deployment, _ in _started(file):
        state = ended.get(deployment.id)
        if state is not DeploymentState.SUCCEEDED:
            continue
        said = [s[2].predicate for s in file.statements(kinds.DEPLOYMENT, deployment.id)]
        if [p["outcome"] for p in said].count("succeeded") != 1 or said[-1]["outcome"] != "succeeded":
            yield f"deployment {deployment.id} to {deployment.environment} is not attested as it ended"
        elif said[-1]["readBack"] != file.release.package.digest:
            yield f"what was read back from {deployment.environment} is not this package"


_TIMES = {kinds.SUMMARY: "timeVerified", kinds.DEPLOYMENT: "finishedOn"}


def _order(file: _File) -> Iterator[str]:
    """Yield what was said before what it rests on: provenance, tests, approvals, summary, deployment."""
    (sealed,) = [r for r, e in file.all(events.ReleaseSealed) if e.digest == file.content.head.release]
    for row, event in file.all(events.AttestationRecorded):
        if row.seq < sealed.seq:
            yield f"row {row.seq} speaks of the release before it was sealed"
        name = _TIMES.get(event.attestation.predicate)
        said = read_statement(file.tools.signing.open(event.attestation.envelope).payload).predicate
        if name and _apart(said[name].replace("Z", "+00:00"), row.at) > _LEEWAY:
            yield f"row {row.seq} says it was made at {said[name]}, and was recorded at {row.at}"
    for row, deployment, promotion in _started(file):
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


def _apart(one: str, other: str) -> timedelta:
    return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other))


def _remarks(file: _File) -> Iterator[Checked]:
    """Yield what holds and yet should be known."""
    for row, deployment, promotion in _started(file):
        unproved = sorted({d.by for d in _decided(file, row, promotion) if not d.key})
        if unproved:
            what = (
                f"{deployment.environment}: the yes of {', '.join(unproved)} is not signed, and the rules did not ask"
            )
            yield Checked("remark", True, what)
        stage = _stage(file, row, promotion)
        if promotion.kind is DeploymentKind.FORWARD and any(
            rule.gate == "approval" for gate in stage.gates if _needed(gate) != gate for rule in gate.every()
        ):
            what = f"{stage.name}: something else than a yes may have opened it; only the engine's summary tells"
            yield Checked("remark", True, what)
    gaps = file.content.head.row - len(file.content.rows)
    if gaps:
        what = f"{gaps} rows about other things are not in it; audit verify over the ledger with this head covers them"
        yield Checked("remark", True, what)


_CHECKS: dict[str, Callable[[_File], Iterator[str]]] = {
    "the rows are the ledger's": _rows,
    "it is about the thing in hand": _subject,
    "every statement is signed by whom it must be": _signatures,
    "every signed decision is what was signed": _decisions,
    "enough different people said yes": _quorum,
    "nobody decided about their own": _duties,
    "the rules are those that were in force": _policy,
    "every step is attested": _chain,
    "everything happened in order": _order,
}
_HOLDS = {
    "the rows are the ledger's": "each hash covers its row, and adjacent rows follow from each other",
    "it is about the thing in hand": "release and package have the digests that everything speaks of",
    "every statement is signed by whom it must be": "the engine's by the engine, people's with keys valid that day",
    "every signed decision is what was signed": "promotion, evidence, reason and roles are as signed",
    "enough different people said yes": "quorum by person, under the rules in force at the time",
    "nobody decided about their own": "neither makers nor whoever asked",
    "the rules are those that were in force": "digests match, and the summaries name them",
    "every step is attested": "provenance, tests, summaries with all their inputs, deployments as read back",
    "everything happened in order": "sealed, tested, asked for, decided, summed up, deployed",
}
