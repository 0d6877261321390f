"""Looking at what people gave besides decisions: each thing is what its giver signed, and nothing signed is missing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lampway.domain import attestation as kinds
from lampway.domain import events
from lampway.domain.attestation import PATIENCE, Attestation, Statement
from lampway.domain.checklist import Answer
from lampway.domain.events import Recorded
from lampway.domain.given import (
    checklist_statement,
    delegation_statement,
    tested_statement,
    unlock_statement,
    waiver_statement,
)
from lampway.domain.promotion import Promotion
from lampway.engine.dossier import Dossier, apart


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
    """Yield every delegation, waiver, answer and test that is not what was signed."""
    left: dict[str, tuple[Attestation, Statement]] = {}
    for kind in kinds.BY_PEOPLE:
        if kind != kinds.APPROVAL:
            left |= {one.id: (one, said) for _, one, said in file.statements(kind)}
    signed, used = dict(left), set()
    for thing in _things(file):
        place = f"row {thing.row.seq}: {thing.what} by {thing.by}"
        used.add(thing.attestation)
        if not thing.attestation:
            if thing.key:
                yield f"{place} names a key and no signature"
            continue
        one, said = signed.get(thing.attestation, (None, None))
        if one is None or said is None or (one.signer, one.key) != (thing.by, thing.key):
            yield f"{place} is not what they signed"
            continue
        at = str(said.predicate.get("decidedOn"))
        if thing.expected(at) != said:
            yield f"{place} is not what they signed"
        if apart(at, thing.row.at) > PATIENCE:
            yield f"{place} was signed at {at}, recorded at {thing.row.at}"
    yield from (f"{one.signer} signed what is not recorded" for key, (one, _) in left.items() if key not in used)


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
