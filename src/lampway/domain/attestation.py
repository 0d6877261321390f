"""Attestations: in-toto statements about releases as plain data, and what each predicate of ours says.

What we own lives under one name, `OURS`; for everything else the published predicate types are used as they are.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from lampway.domain.certification import Certification
from lampway.domain.deployment import CheckOutcome, Deployment, Evidence, Installation
from lampway.domain.digest import canonical
from lampway.domain.promotion import Decision, Promotion
from lampway.domain.release import Release
from lampway.domain.strategy import Check
from lampway.errors import UsageError

OURS = "urn:lampway:attestation:"
"""Stands before everything that no standard has a name for."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
APPROVAL = f"{OURS}approval:v1"
DEPLOYMENT = f"{OURS}deployment:v1"
EVIDENCE = f"{OURS}evidence:v1"
CERTIFICATE = f"{OURS}certificate:v1"
DELEGATION = f"{OURS}delegation:v1"
WAIVER = f"{OURS}waiver:v1"
CHECKLIST = f"{OURS}checklist:v1"
TESTED = f"{OURS}tested:v1"
CHECKPOINT = f"{OURS}checkpoint:v1"
UNLOCK = f"{OURS}unlock:v1"
RETIREMENT = f"{OURS}retirement:v1"
SIGNED_IN = f"{OURS}signed-in:v1"
GIVEN_SIGNED_IN = f"{OURS}given-signed-in:v1"
BY_PEOPLE = (APPROVAL, DELEGATION, WAIVER, CHECKLIST, TESTED, UNLOCK)
"""Predicate types of what people sign; everything else is the engine's."""
_BY_THE_ENGINE = (
    PROVENANCE,
    TEST_RESULT,
    SUMMARY,
    DEPLOYMENT,
    EVIDENCE,
    CERTIFICATE,
    CHECKPOINT,
    RETIREMENT,
    SIGNED_IN,
    GIVEN_SIGNED_IN,
)
PREDICATES = (*_BY_THE_ENGINE, *BY_PEOPLE)
"""Every predicate type there is here; any other is refused."""
JUDGED = "lampway_judged"
"""Field of a summary that is ours: `at`, `parts` (name to digest of every part of the facts) and `gates`."""
TRANSFORMED = "transformations"
"""Field of a provenance, among its internal parameters: how the package was edited before it was sealed."""
ENGINE_ID = "urn:lampway:engine"
"""Names the engine as builder and verifier."""
ENGINE_NAME = "lampway"
"""Stands where a person's id would, for what the engine signs."""
PATIENCE = timedelta(minutes=15)
"""How old a person's signature may be when it is recorded, and how far a clock elsewhere may be ahead."""
LARGEST = 256 * 1024
"""Bytes a statement may have."""
_LISTED = 300
"""How many places of an edit a statement lists; the release it speaks of names all of them."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
WORDS: dict[str, str] = {
    PROVENANCE: "how it was made",
    TEST_RESULT: "what a check came to",
    SUMMARY: "how the gates were judged",
    DEPLOYMENT: "how it was deployed",
    EVIDENCE: "what is kept as evidence",
    CERTIFICATE: "that it is still needed",
    APPROVAL: "a decision",
    DELEGATION: "who approves for whom",
    WAIVER: "an accepted exception",
    CHECKLIST: "answers to a checklist",
    TESTED: "what a tester tried",
    UNLOCK: "that an environment was opened",
    RETIREMENT: "that it was retired",
    SIGNED_IN: "who was signed in and decided",
    GIVEN_SIGNED_IN: "who was signed in and gave something",
}
"""What each kind of statement says, in words."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement speaks of."""

    name: str
    digest: str
    """`sha256:<hex>`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said about which digests. Matched by digest; names are for people."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Any]

    def payload(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical(
            {
                "_type": STATEMENT,
                "subject": [{"name": s.name, "digest": _digest(s.digest)} for s in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )


@dataclass(frozen=True, slots=True)
class Attestation:
    """A signed statement as it is kept: the envelope as it was signed, and what to find it by."""

    id: str
    """Digest of the envelope's text."""
    predicate: str
    """Its predicate type."""
    release: str
    """Digest of the release it is about."""
    solution: str
    version: str
    environment: str
    """Empty where it is about no environment, as provenance is."""
    about: str
    """Id of the promotion, deployment or evidence it hangs on; the release's name for provenance."""
    signer: str
    """Id of a person; `lampway` for the engine."""
    key: str
    """The public key it was signed with."""
    envelope: str
    """The DSSE envelope, byte for byte."""


@dataclass(frozen=True, slots=True)
class EngineKey:
    """A public key that the engine signs with."""

    key: str
    since: str


def read_statement(payload: bytes) -> Statement:
    """Return the statement in these bytes. Raises UsageError for whatever is not exactly one of ours."""
    found = read_object(payload, LARGEST)
    if set(found) != {"_type", "subject", "predicateType", "predicate"} or found["_type"] != STATEMENT:
        raise UsageError("not an in-toto statement of version 1")
    kind, predicate, subjects = found["predicateType"], found["predicate"], found["subject"]
    if kind not in PREDICATES:
        raise UsageError(f"unknown kind of attestation: {str(kind)[:80]}")
    if not isinstance(predicate, dict) or not isinstance(subjects, list) or not subjects:
        raise UsageError("a statement needs subjects and a predicate")
    return Statement(tuple(_read_subject(s) for s in subjects), kind, predicate)


def read_object(data: bytes, largest: int) -> dict[str, Any]:
    """Return the one JSON object in these bytes. Raises UsageError; strict about everything JSON leaves open."""
    if len(data) > largest:
        raise UsageError(f"larger than {largest // 1024} KiB")
    try:
        found = json.loads(data.decode(), object_pairs_hook=_no_twins, parse_constant=_no_constant)
        if b"\\u" in data:
            json.dumps(found, ensure_ascii=False).encode()  # half a character has no UTF-8
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not readable as JSON: {str(error)[:80]}") from None
    if not isinstance(found, dict):
        raise UsageError("not a JSON object")
    return found


def provenance(release: Release, environment: str, *, finished: str) -> Statement:
    """Return where a release's package comes from."""
    source = {"uri": f"git+commit:{release.commit}", "digest": {"gitCommit": release.commit}}
    parameters = {"solution": release.solution, "version": release.version, "environment": environment}
    predicate = {
        "buildDefinition": {
            "buildType": f"urn:lampway:build:{release.package.platform}:v1",
            "externalParameters": parameters,
            "internalParameters": {
                "makers": sorted(release.makers),
                "editorsUnknown": release.editors_unknown,
                **({TRANSFORMED: transformed(release)} if release.transformations else {}),
            },
            "resolvedDependencies": [source] if release.commit else [],
        },
        "runDetails": {
            "builder": {"id": ENGINE_ID},
            "metadata": {"invocationId": release.name, "finishedOn": finished},
        },
    }
    return Statement(subjects_of(release), PROVENANCE, predicate)


def transformed(release: Release) -> list[dict[str, Any]]:
    """Return how the package of a release was edited before it was sealed, as its provenance says it."""
    return [
        {
            "kind": str(t.kind),
            "form": str(t.form),
            "before": _digest(t.before),
            "after": _digest(t.after),
            "blanked": [{"place": b.place, "name": b.name} for b in t.blanked[:_LISTED]],
            **({"more": len(t.blanked) - _LISTED} if len(t.blanked) > _LISTED else {}),
        }
        for t in release.transformations
    ]


def test_result(release: Release, evidence: Evidence, check: Check, digest: str) -> Statement:
    """Return what a check came to; `digest` is that of the check as it was declared, with the files it runs from.

    What could not be run counts as failed, because the predicate knows nothing in between.
    """
    passed = evidence.outcome is CheckOutcome.PASSED
    predicate = {
        "result": "PASSED" if passed else "FAILED",
        "configuration": [
            {"name": f"{check.kind} check {check.name} in {evidence.environment}", "digest": _digest(digest)}
        ],
        "passedTests": [check.name] if passed else [],
        "warnedTests": [],
        "failedTests": [] if passed else [check.name],
    }
    return Statement(subjects_of(release), TEST_RESULT, predicate)


def approval(release: Release, promotion: Promotion, decision: Decision, roles: tuple[str, ...]) -> Statement:
    """Return what a person decided, as they sign it."""
    predicate = {
        "promotion": {"id": promotion.id, "digest": decision.digest},
        "environment": promotion.environment,
        "stage": promotion.stage,
        "rules": promotion.bound.rules,
        "rollback": promotion.bound.rollback,
        "evidence": list(decision.evidence),
        "decision": "approved" if decision.approved else "rejected",
        "reason": decision.reason,
        "person": decision.by,
        "roles": list(roles),
        "decidedOn": decision.at,
        **({"onBehalfOf": decision.on_behalf_of} if decision.on_behalf_of else {}),
    }
    return Statement(subjects_of(release), APPROVAL, predicate)


def signed_in(
    release: Release, promotion: Promotion, decision: Decision, roles: tuple[str, ...], *, via: str
) -> Statement:
    """Return what the engine says of a decision that nobody signed: who was signed in, how, and what they decided."""
    said = approval(release, promotion, decision, roles)
    return Statement(said.subjects, SIGNED_IN, {**said.predicate, "signedInBy": via})


def summary(
    release: Release,
    promotion: Promotion,
    policy: tuple[str, str],
    inputs: tuple[str, ...],
    *,
    verdict: tuple[bool, str],
    judged: dict[str, Any] | None = None,
) -> Statement:
    """Return what was decided about a promotion, by which rules (commit and digest) and from which attestations.

    `verdict` is whether it may enter, and when that was decided; `judged` when and from what it was judged, and what
    each gate came to, where gates decided it.
    """
    passed, at = verdict
    predicate = {
        "verifier": {"id": ENGINE_ID},
        "timeVerified": _whole_seconds(at),
        "resourceUri": f"urn:lampway:promotion:{promotion.id}",
        "policy": {"uri": f"git+commit:{policy[0]}", "digest": _digest(policy[1])},
        "inputAttestations": [{"uri": f"urn:lampway:envelope:{i}", "digest": _digest(i)} for i in inputs],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [],
        **({JUDGED: judged} if judged else {}),
    }
    return Statement(subjects_of(release), SUMMARY, predicate)


def deployment(release: Release, done: Deployment, outcome: str, *, finished: str) -> Statement:
    """Return what came of a deployment; `readBack` is the package that was found there afterwards, if any was."""
    seen = done.step("read-back")
    predicate = {
        "deployment": done.id,
        "promotion": done.promotion,
        "environment": done.environment,
        "kind": str(done.kind),
        "outcome": outcome,
        "package": done.package,
        "configuration": done.configuration.digest,
        "readBack": str(seen.detail.get("digest", "")) if seen and done.is_done(seen.name) else "",
        "startedOn": done.started_at,
        "finishedOn": finished,
    }
    return Statement(subjects_of(release), DEPLOYMENT, predicate)


def certificate(release: Release, given: Certification, runs: tuple[Installation, ...]) -> Statement:
    """Return that an owner confirmed that a solution is still needed, and where which release of it ran then."""
    predicate = {
        "certification": given.id,
        "solution": given.solution,
        "person": given.by,
        "role": given.role,
        "reason": given.reason,
        "authenticated": given.authenticated,
        "certifiedOn": given.at,
        "expiresOn": given.until,
        "runs": [{"environment": i.environment, "version": i.version, "release": _digest(i.release)} for i in runs],
    }
    return Statement(subjects_of(release), CERTIFICATE, predicate)


def sealing(solution: str, version: str, content: str, head: tuple[int, str]) -> Statement:
    """Return that a whole evidence file has this digest, and where the ledger ended when it was made."""
    predicate = {"head": {"row": head[0], "hash": head[1]}}
    return Statement((Subject(f"evidence for {solution}@{version}", content),), EVIDENCE, predicate)


def subjects_of(release: Release) -> tuple[Subject, ...]:
    """Return what every statement about a release speaks of: its package and itself."""
    return Subject("package", release.package.digest), Subject(release.name, release.digest)


def _digest(text: str) -> dict[str, str]:
    return {"sha256": text.removeprefix("sha256:")}


def _whole_seconds(at: str) -> str:
    """Return a time as RFC 3339 has it with a Z; rounded down to milliseconds already."""
    return at.replace("+00:00", "Z")


def _read_subject(found: Any) -> Subject:
    if not isinstance(found, dict) or set(found) != {"name", "digest"} or not isinstance(found["name"], str):
        raise UsageError("a subject needs a name and a digest")
    digest = found["digest"]
    if not isinstance(digest, dict) or set(digest) != {"sha256"} or not _SHA256.fullmatch(str(digest["sha256"])):
        raise UsageError("a subject needs a sha256 digest and no other")
    return Subject(found["name"], f"sha256:{digest['sha256']}")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"no number: {text}")
