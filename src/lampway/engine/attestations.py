"""Attesting: the engine signs what it states, beside the events that its statements hang on.

Statements are added in the same transaction as those events, so that neither is there without the other.
"""

from __future__ import annotations

from typing import Any

from lampway.domain import attestation as attestations
from lampway.domain.attestation import ENGINE_NAME, Attestation, EngineKey, Statement
from lampway.domain.certification import Certification
from lampway.domain.deployment import Deployment, DeploymentState, Evidence, Installation
from lampway.domain.digest import digest_bytes, lasting_digest
from lampway.domain.events import AttestationRecorded, EngineKeyRecorded, Event
from lampway.domain.given import signed_in_statement
from lampway.domain.judged import gates_of, parts_of
from lampway.domain.judgement import Eligibility, Facts
from lampway.domain.promotion import Promotion
from lampway.domain.release import Release
from lampway.domain.strategy import Check, Solution
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.store import Reading

_ENDED = (DeploymentState.SUCCEEDED, DeploymentState.FAILED, DeploymentState.ERRORED)


def attest_release(engine: Engine, reading: Reading, release: Release, environment: str) -> tuple[Event, ...]:
    """Return that the engine signed where a release's package comes from."""
    statement = attestations.provenance(release, environment, finished=release.sealed_at)
    return _signed(engine, reading, statement, release, (release.name, ""))


def attest_evidence(
    engine: Engine, reading: Reading, evidence: Evidence, declared: tuple[Solution, Check]
) -> tuple[Event, ...]:
    """Return that the engine signed what a check came to; `declared` is the check as the rules in force have it."""
    release = reading.get(Release, f"{evidence.solution}@{evidence.version}")
    if release is None:
        return ()
    solution, check = declared
    statement = attestations.test_result(release, evidence, check, lasting_digest([check, solution.support]))
    return _signed(engine, reading, statement, release, (evidence.id, evidence.environment))


def attest_verdict(
    engine: Engine,
    reading: Reading,
    promotion: Promotion,
    *,
    allowed: bool,
    judged: tuple[Facts, Eligibility] | None = None,
) -> tuple[Event, ...]:
    """Return that the engine signed its decision about a promotion, with every attestation there was to see.

    `judged` is what the gates were judged from and what that came to, where they decided it.
    """
    release = reading.get(Release, f"{promotion.solution}@{promotion.version}")
    named = promotion.bound.release
    if release is None or named != release.digest:  # a removal: there is nothing to speak of
        return ()
    rules = rules_in_force(reading)
    seen = tuple(a.id for a in reading.find(Attestation, solution=release.solution) if a.release == named)
    verdict = (allowed, engine.now())
    policy = (rules.commit, rules.digest)
    basis = _basis(*judged) if judged else None
    statement = attestations.summary(release, promotion, policy, seen, verdict=verdict, judged=basis)
    return _signed(engine, reading, statement, release, (promotion.id, promotion.environment))


def _basis(facts: Facts, judged: Eligibility) -> dict[str, Any]:
    return {"at": facts.now, "parts": parts_of(facts), "gates": gates_of(judged)}


def attest_deployment(engine: Engine, reading: Reading, key: str, state: DeploymentState) -> tuple[Event, ...]:
    """Return that the engine signed how a deployment ended; nothing where it has not, or never touched anything."""
    done = reading.get(Deployment, key)
    release = reading.get(Release, f"{done.solution}@{done.version}") if done else None
    if done is None or release is None or state not in _ENDED or done.release != release.digest:
        return ()
    statement = attestations.deployment(release, done, str(state), finished=engine.now())
    return _signed(engine, reading, statement, release, (done.id, done.environment))


def attest_certificate(
    engine: Engine, reading: Reading, given: Certification, release: Release, runs: tuple[Installation, ...]
) -> tuple[Event, ...]:
    """Return that the engine signed that an owner confirmed a solution; the release is what is spoken of."""
    statement = attestations.certificate(release, given, runs)
    return _signed(engine, reading, statement, release, (given.id, ""))


def attest_signed_in(
    engine: Engine, reading: Reading, statement: Statement, release: Release, promotion: Promotion
) -> tuple[Event, ...]:
    """Return that the engine signed that somebody who was signed in decided, where they signed nothing themselves."""
    return _signed(engine, reading, statement, release, (promotion.id, promotion.environment))


def attest_given(
    engine: Engine, reading: Reading, said: Statement, place: tuple[str, str], by: tuple[Release | None, str]
) -> tuple[str, tuple[Event, ...]]:
    """Return that the engine signed that somebody who was signed in gave something, and the id of that statement.

    `said` is what they would have signed, `place` what it is about and where; `by` the release that it is about, if it
    is about one, and how they were signed in.
    """
    release, via = by
    about, environment = place
    statement = signed_in_statement(said, via)
    key = engine.signing.public_key()
    signed = (ENGINE_NAME, key, engine.signing.sign(statement.payload()))
    made = kept(statement, release, (about, environment), signed) if release else kept_alone(statement, about, signed)
    told = AttestationRecorded(made)
    is_known = reading.get(EngineKey, key) is not None
    return made.id, (told,) if is_known else (EngineKeyRecorded(key), told)


def kept(statement: Statement, release: Release, place: tuple[str, str], by: tuple[str, str, str]) -> Attestation:
    """Return a signed statement as it is kept: `place` is what it is about and where, `by` signer, key, envelope."""
    about, environment = place
    signer, key, envelope = by
    return Attestation(
        id=digest_bytes(envelope.encode()),
        predicate=statement.predicate_type,
        release=release.digest,
        solution=release.solution,
        version=release.version,
        environment=environment,
        about=about,
        signer=signer,
        key=key,
        envelope=envelope,
    )


def kept_alone(statement: Statement, about: str, by: tuple[str, str, str]) -> Attestation:
    """Return a signed statement about no release as it is kept; `by` is signer, key and envelope."""
    signer, key, envelope = by
    return Attestation(
        id=digest_bytes(envelope.encode()),
        predicate=statement.predicate_type,
        release="",
        solution="",
        version="",
        environment="",
        about=about,
        signer=signer,
        key=key,
        envelope=envelope,
    )


def _signed(
    engine: Engine, reading: Reading, statement: Statement, release: Release, place: tuple[str, str]
) -> tuple[Event, ...]:
    key = engine.signing.public_key()
    envelope = engine.signing.sign(statement.payload())
    told = AttestationRecorded(kept(statement, release, place, (ENGINE_NAME, key, envelope)))
    is_known = reading.get(EngineKey, key) is not None
    return (told,) if is_known else (EngineKeyRecorded(key), told)
