"""Answering a stage's checklist: each item by whom it is for, kept with the promotion and shown to who decides."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from lampway.domain.checklist import REPLIES, Answer, ChecklistLine
from lampway.domain.duties import ChecklistItem
from lampway.domain.events import ENGINE, Actor, AttestationRecorded, ChecklistAnswered, Event
from lampway.domain.gates import checklist
from lampway.domain.given import checklist_statement
from lampway.domain.judgement import Facts
from lampway.domain.promotion import Promotion
from lampway.domain.rights import answer_objection
from lampway.domain.strategy import Stage
from lampway.engine.attestations import attest_given, kept
from lampway.engine.context import Engine, Request
from lampway.engine.promote import find_promotion
from lampway.engine.signed import Draft, by_signature, keys_of, prove, refuse_replayed
from lampway.engine.store import Reading
from lampway.engine.waive import facts_of, open_promotion
from lampway.errors import NotFoundError, RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Checklist(Request[tuple[ChecklistLine, ...]]):
    """Look at a promotion's checklist, answering items of it first."""

    promotion: str
    """Its id, or `solution[@version]`."""
    answers: tuple[str, ...] = ()
    """`item=yes`, `item=no` or `item=n/a` each; none: only look."""
    note: str = ""
    """For the record; needed where an answer is not yes."""
    envelope: str = ""
    """The answers as the person signed them; empty where they were not signed."""


@dataclass(frozen=True, slots=True)
class DraftAnswers(Request[Draft]):
    """Ask for the statement that answers to a checklist would be."""

    promotion: str
    answers: tuple[str, ...]
    note: str = ""


def show_checklist(engine: Engine, request: Checklist, actor: Actor) -> tuple[ChecklistLine, ...]:
    """Return the checklist as it stands after these answers. Raises NotFoundError, RefusedError, UsageError.

    Either every answer is recorded or none. Whoever an item is not for is refused.
    """
    now, told = engine.now(), []
    with engine.store.transaction() as transaction:
        refuse_replayed(transaction, request.envelope)
        promotion, facts, answers = _given(transaction, request, actor, now)
        answers = [replace(answer, authenticated=actor.authenticated) for answer in answers]
        events: list[Event] = []
        vouched: tuple[Event, ...] = ()
        if request.envelope and answers:
            name = answers[0].by
            expect = functools.partial(checklist_statement, facts.release, promotion, answers)
            proof = prove(engine, request.envelope, (name, facts.strategy.person(name)), now, expect)
            place = (promotion.id, promotion.environment)
            statement = kept(proof.statement, facts.release, place, (name, proof.key, request.envelope))
            answers = [replace(a, authenticated=True, key=proof.key, attestation=statement.id) for a in answers]
            events, actor = [AttestationRecorded(statement)], by_signature(actor)
        elif answers and actor.authenticated:
            said = checklist_statement(facts.release, promotion, answers, now)
            place = (promotion.id, promotion.environment)
            made, vouched = attest_given(engine, transaction, said, place, (facts.release, actor.via))
            answers = [replace(a, attestation=made) for a in answers]
        events = [*(ChecklistAnswered(promotion.id, answer) for answer in answers), *events]
        told = [transaction.append(event, actor) for event in events]
        told += [transaction.append(event, ENGINE) for event in vouched]
        current = find_promotion(transaction, promotion.id, now)
        lines = checklist(facts_of(transaction, current, now))
    engine.tell(told)
    return lines


def draft_answers(engine: Engine, request: DraftAnswers, actor: Actor) -> Draft:
    """Return what this person would sign, and with which keys. Records nothing. Raises what answering raises."""
    now = engine.now()
    with engine.store.reading() as reading:
        promotion, facts, answers = _given(reading, request, actor, now)
    if not answers:
        return Draft("", ())
    statement = checklist_statement(facts.release, promotion, answers, now)
    return Draft(statement.payload().decode(), keys_of(facts.strategy.person(answers[0].by), now))


def _given(
    reading: Reading, request: Checklist | DraftAnswers, actor: Actor, now: str
) -> tuple[Promotion, Facts, list[Answer]]:
    wanted = [_parse(text, request.note) for text in request.answers]
    if len({item for item, _ in wanted}) < len(wanted):
        raise UsageError("an item is answered twice", hint="answer each item once")
    find = open_promotion if wanted else find_promotion
    promotion = find(reading, request.promotion, now)
    facts = facts_of(reading, promotion, now)
    return promotion, facts, [_answer(facts, (item, reply, request.note.strip()), actor) for item, reply in wanted]


def _parse(text: str, note: str) -> tuple[str, str]:
    item, _, reply = text.partition("=")
    reply = reply.strip().lower()
    if not item.strip() or reply not in REPLIES:
        raise UsageError(f"not an answer: {text[:80]!r}", hint=f"write ITEM=REPLY; replies are: {', '.join(REPLIES)}")
    if reply != "yes" and not note.strip():
        raise UsageError(f"an answer of {reply} needs a note", hint="add --note '...'")
    return item.strip(), reply


def _answer(facts: Facts, given: tuple[str, str, str], actor: Actor) -> Answer:
    name, reply, note = given
    item = _item(facts.stage, name)
    why = answer_objection(facts, item, actor.person)
    if why:
        raise RefusedError(why, hint="lampway checklist shows who answers what")
    person = facts.strategy.person(actor.person)
    by = person.id if person else actor.person
    return Answer(name, reply, by, facts.now, note)


def _item(stage: Stage, name: str) -> ChecklistItem:
    for item in stage.checklist:
        if item.item == name:
            return item
    known = ", ".join(item.item for item in stage.checklist) or "none"
    raise NotFoundError(f"no item {name} on the checklist of stage {stage.name}", hint=f"there is: {known}")
