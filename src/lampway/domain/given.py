"""What people give besides decisions, as they sign it: delegations, waivers, answers, and what came of their tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lampway.domain.attestation import (
    CHECKLIST,
    DELEGATION,
    GIVEN_SIGNED_IN,
    TESTED,
    UNLOCK,
    WAIVER,
    Statement,
    Subject,
    subjects_of,
)
from lampway.domain.checklist import Answer
from lampway.domain.deployment import Evidence
from lampway.domain.digest import digest
from lampway.domain.promotion import Promotion
from lampway.domain.quorum import Delegation
from lampway.domain.release import Release
from lampway.domain.strategy import Strategy
from lampway.domain.unlocking import Unlocking
from lampway.domain.waiver import Waiver


class Given(Protocol):
    """What somebody gave at a moment, with their signature or without."""

    @property
    def by(self) -> str:
        """Id of the person."""
        ...

    @property
    def at(self) -> str:
        """When it was recorded."""
        ...

    @property
    def key(self) -> str:
        """The public key it was signed with; empty for none."""
        ...

    @property
    def authenticated(self) -> bool:
        """Whether the person was proved to be who they say."""
        ...


def unproved(strategy: Strategy, given: Given) -> str:
    """Return why no signature stands behind what was given, in words that follow on its name; empty if one does."""
    person = strategy.person(given.by)
    if not given.key or not given.authenticated:
        return "is not signed"
    if person is None or not any(k.key == given.key and k.is_valid(given.at) for k in person.keys):
        return f"is signed with a key that was not theirs to use on {given.at[:10]}"
    return ""


def delegation_statement(given: Delegation, at: str) -> Statement:
    """Return that somebody lets another person approve for them, as they sign it at a moment."""
    predicate = {
        "person": given.by,
        "to": given.to,
        "from": given.start,
        "until": given.until,
        "reason": given.reason,
        "decidedOn": at,
    }
    return Statement(delegation_subjects(predicate), DELEGATION, predicate)


def delegation_subjects(predicate: dict[str, Any]) -> tuple[Subject, ...]:
    """Return what a delegation speaks of: no release, only itself."""
    return (Subject("delegation", digest(predicate)),)


def waiver_statement(release: Release, promotion: Promotion, waiver: Waiver, at: str) -> Statement:
    """Return that a second person accepts an exception, as they sign it: both persons are named."""
    predicate = {
        **_place(promotion),
        "gate": waiver.gate,
        "reason": waiver.reason,
        "until": waiver.until,
        "requestedBy": promotion.requested_by,
        "person": waiver.by,
        "decidedOn": at,
    }
    return Statement(subjects_of(release), WAIVER, predicate)


def checklist_statement(release: Release, promotion: Promotion, answers: Sequence[Answer], at: str) -> Statement:
    """Return what one person answered to a checklist at once, as they sign it."""
    predicate = {
        **_place(promotion),
        "answers": [{"item": a.item, "reply": a.reply} for a in answers],
        "note": answers[0].note,
        "person": answers[0].by,
        "decidedOn": at,
    }
    return Statement(subjects_of(release), CHECKLIST, predicate)


def tested_statement(release: Release, evidence: Evidence, at: str) -> Statement:
    """Return what a tester says came of a check, as they sign it."""
    said = evidence.attested
    files = said.files if said else ()
    predicate = {
        "environment": evidence.environment,
        "deployment": evidence.deployment,
        "check": evidence.check,
        "outcome": str(evidence.outcome),
        "cases": said.cases if said else "",
        "dataSet": said.data_set if said else "",
        "dataDigest": evidence.data_digest,
        "files": [{"name": f.name, "digest": f.digest, "size": f.size} for f in files],
        "person": said.by if said else "",
        "decidedOn": at,
    }
    return Statement(subjects_of(release), TESTED, predicate)


def unlock_statement(one: Unlocking, person: str, note: str, at: str) -> Statement:
    """Return the word of the second person about an unlocking, as they sign it: confirmed, or with a note reviewed."""
    predicate = {
        "unlocking": one.id,
        "environment": one.environment,
        "askedBy": one.by,
        "reason": one.reason,
        "seconds": int(one.length),
        "word": "reviewed" if note else "confirmed",
        "note": note,
        "person": person,
        "decidedOn": at,
    }
    return Statement(unlock_subjects(predicate), UNLOCK, predicate)


def unlock_subjects(predicate: dict[str, Any]) -> tuple[Subject, ...]:
    """Return what such a word speaks of: no release, only itself."""
    return (Subject("unlocking", digest(predicate)),)


def signed_in_statement(said: Statement, via: str) -> Statement:
    """Return what the engine says of something that its giver did not sign: who was signed in, how, and what they gave.

    `said` is what they would have signed.
    """
    predicate = {"kind": said.predicate_type, "given": said.predicate, "signedInBy": via}
    return Statement(said.subjects, GIVEN_SIGNED_IN, predicate)


def _place(promotion: Promotion) -> dict[str, Any]:
    return {
        "promotion": {"id": promotion.id, "digest": promotion.bound.digest},
        "environment": promotion.environment,
        "stage": promotion.stage,
    }
