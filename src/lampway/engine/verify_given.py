"""Looking at what people gave besides decisions: each thing is what its giver signed, and nothing signed is missing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lampway.domain import attestation as kinds
from lampway.domain import events
from lampway.domain.attestation import PATIENCE, Attestation, Statement
from lampway.domain.checklist import Answer
from lampway.domain.events import Recorded
from lampway.domain.given import (
    checklist_statement,
    delegation_statement,
    signed_in_statement,
    tested_statement,
    unlock_statement,
    waiver_statement,
)
from lampway.domain.promotion import Promotion
from lampway.engine.dossier import LEEWAY, Dossier, apart

Known: TypeAlias = dict[str, tuple[Attestation, Statement]]


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something that was given: by whom, with which key and attestation, and what must have been signed."""

    row: Recorded
    what: str
    by: str
    key: str
    attestation: str
    expected: Callable[[str], Statement]


def check_given(file: Dossier) -> Iterator[str]:
    """Yield every delegation, waiver, answer and test that is not what was signed, by its giver or by the engine."""
    signed: Known = {}
    for kind in kinds.BY_PEOPLE:
        if kind != kinds.APPROVAL:
            signed |= {one.id: (one, said) for _, one, said in file.statements(kind)}
    vouched: Known = {one.id: (one, said) for _, one, said in file.statements(kinds.GIVEN_SIGNED_IN)}
    things = list(_things(file))
    for thing in things:
        place = f"row {thing.row.seq}: {thing.what} by {thing.by}"
        if not thing.attestation:
            faults = ["names a key and no signature"] if thing.key else []
        else:
            faults = list(_unlike(thing, signed) if thing.key else _unstated(thing, vouched))
        yield from (f"{place} {fault}" for fault in faults)
    used = {thing.attestation for thing in things}
    for one, _ in (signed | vouched).values():
        if one.id not in used:
            yield f"{one.signer} signed what is not recorded"


def _unlike(thing: _Thing, signed: Known) -> Iterator[str]:
    """Yield where something is not what its giver signed."""
    one, said = signed.get(thing.attestation, (None, None))
    if one is None or said is None or (one.signer, one.key) != (thing.by, thing.key):
        yield "is not what they signed"
        return
    at = str(said.predicate.get("decidedOn"))
    if thing.expected(at) != said:
        yield "is not what they signed"
    if apart(at, thing.row.at) > PATIENCE:
        yield f"was signed at {at}, recorded at {thing.row.at}"


def _unstated(thing: _Thing, vouched: Known) -> Iterator[str]:
    """Yield where something that nobody signed is not what the engine says that somebody who was signed in gave."""
    _, said = vouched.get(thing.attestation, (None, None))
    at = str(said.predicate["given"].get("decidedOn")) if said else ""
    if said is None or signed_in_statement(thing.expected(at), thing.row.actor.via) != said:
        yield "is not what the engine states"
    elif apart(at, thing.row.at) > LEEWAY:
        yield f"was given at {at}, recorded at {thing.row.at}"


def unsigned(file: Dossier) -> Iterator[str]:
    """Yield in words what was given without a signature, with what stands behind it."""
    for thing in _things(file):
        if not thing.key:
            proof = " (who was signed in, says the engine)" if thing.attestation else ""
            yield f"row {thing.row.seq}: {thing.what} by {thing.by}{proof} is not signed"


def _things(file: Dossier) -> Iterator[_Thing]:
    asked = file.promotions()
    for row, lent in file.all(events.Delegated):
        d = lent.delegation
        yield _Thing(row, "the delegation", d.by, d.key, d.attestation, functools.partial(delegation_statement, d))
    for row, waived in file.all(events.GateWaived):
        w = waived.waiver
        expected = functools.partial(waiver_statement, file.release, asked[waived.promotion], w)
        yield _Thing(row, f"the waiver of {w.gate}", w.by, w.key, w.attestation, expected)
    for row, tested in file.all(events.EvidenceRecorded):
        e, said = tested.evidence, tested.evidence.attested
        if said is not None:
            what = f"what came of {e.check}"
            expected = functools.partial(tested_statement, file.release, e)
            yield _Thing(row, what, said.by, said.key, said.attestation, expected)
    yield from _unlockings(file)
    yield from _answers(file, asked)


def _unlockings(file: Dossier) -> Iterator[_Thing]:
    """Yield the words of second people: those that opened an environment, and those said afterwards."""
    opened = {}
    for row, event in file.all(events.Unlocked):
        one = opened[event.unlocking.id] = event.unlocking
        if one.confirmed:
            expected = functools.partial(unlock_statement, one, one.second, "")
            yield _Thing(row, "the word about an unlocking", one.second, one.key, one.attestation, expected)
    for row, said in file.all(events.UnlockReviewed):
        reviewed = opened.get(said.unlocking)
        if reviewed is not None:
            expected = functools.partial(unlock_statement, reviewed, row.actor.person, said.note)
            yield _Thing(row, "the review", row.actor.person, said.key, said.attestation, expected)


def _answers(file: Dossier, asked: dict[str, Promotion]) -> Iterator[_Thing]:
    """Yield answers: what was signed at once is one thing."""
    together: dict[tuple[str, str], tuple[Recorded, list[Answer]]] = {}
    for row, event in file.all(events.ChecklistAnswered):
        name = event.answer.attestation or f"row {row.seq}"
        together.setdefault((event.promotion, name), (row, []))[1].append(event.answer)
    for (promotion, _), (row, answers) in together.items():
        first = answers[0]
        key = first.key if all((a.by, a.key) == (first.by, first.key) for a in answers) else ""
        expected = functools.partial(checklist_statement, file.release, asked[promotion], answers)
        yield _Thing(row, "the checklist", first.by, key, first.attestation, expected)
