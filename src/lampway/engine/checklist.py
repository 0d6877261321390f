"""Answering a stage's checklist: each item by whom it is for, kept with the promotion and shown to who decides."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.checklist import REPLIES, Answer, ChecklistLine
from lampway.domain.duties import ChecklistItem
from lampway.domain.events import Actor, ChecklistAnswered
from lampway.domain.gates import checklist
from lampway.domain.judgement import Facts
from lampway.domain.rights import answer_objection
from lampway.domain.strategy import Stage
from lampway.engine.context import Engine, Request
from lampway.engine.promote import find_promotion
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


def show_checklist(engine: Engine, request: Checklist, actor: Actor) -> tuple[ChecklistLine, ...]:
    """Return the checklist as it stands after these answers. Raises NotFoundError, RefusedError, UsageError.

    Either every answer is recorded or none. Whoever an item is not for is refused.
    """
    wanted = [_parse(text, request.note) for text in request.answers]
    if len({item for item, _ in wanted}) < len(wanted):
        raise UsageError("an item is answered twice", hint="answer each item once")
    told = []
    with engine.store.transaction() as transaction:
        find = open_promotion if wanted else find_promotion
        promotion = find(transaction, request.promotion, engine.now())
        facts = facts_of(transaction, promotion, engine.now())
        for item, reply in wanted:
            answer = _answer(engine, facts, (item, reply, request.note.strip()), actor)
            told.append(transaction.append(ChecklistAnswered(promotion.id, answer), actor))
        current = find_promotion(transaction, promotion.id, engine.now())
        lines = checklist(facts_of(transaction, current, engine.now()))
    engine.tell(told)
    return lines


def _parse(text: str, note: str) -> tuple[str, str]:
    item, _, reply = text.partition("=")
    reply = reply.strip().lower()
    if not item.strip() or reply not in REPLIES:
        raise UsageError(f"not an answer: {text[:80]!r}", hint=f"write ITEM=REPLY; replies are: {', '.join(REPLIES)}")
    if reply != "yes" and not note.strip():
        raise UsageError(f"an answer of {reply} needs a note", hint="add --note '...'")
    return item.strip(), reply


def _answer(engine: Engine, facts: Facts, given: tuple[str, str, str], actor: Actor) -> Answer:
    name, reply, note = given
    item = _item(facts.stage, name)
    why = answer_objection(facts, item, actor.person)
    if why:
        raise RefusedError(why, hint="lampway checklist shows who answers what")
    person = facts.strategy.person(actor.person)
    by = person.id if person else actor.person
    return Answer(name, reply, by, engine.now(), note, actor.authenticated)


def _item(stage: Stage, name: str) -> ChecklistItem:
    for item in stage.checklist:
        if item.item == name:
            return item
    known = ", ".join(item.item for item in stage.checklist) or "none"
    raise NotFoundError(f"no item {name} on the checklist of stage {stage.name}", hint=f"there is: {known}")
