"""Talking about a promotion: a question goes back, an answer comes, and the request goes on."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor, Remarked
from lampway.domain.promotion import Promotion, Remark
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.store import Reading
from lampway.engine.waive import open_promotion
from lampway.errors import RefusedError, UsageError

_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Talk(Request[Promotion]):
    """Ask about a promotion, or answer what was asked."""

    promotion: str
    """Its id, or `solution[@version]`."""
    text: str
    is_question: bool


def talk(engine: Engine, request: Talk, actor: Actor) -> Promotion:
    """Record a question or an answer; the promotion waits as before. Raises RefusedError, UsageError, NotFoundError."""
    text = request.text.strip()
    if not text or len(text) > _LONGEST:
        what = f"at most {_LONGEST} characters" if text else "something"
        raise UsageError(f"say {what}, not {len(text)} characters", hint="lampway ask PROMOTION 'which orders?'")
    with engine.store.transaction() as transaction:
        promotion = open_promotion(transaction, request.promotion, engine.now())
        if not request.is_question and promotion.open_question is None:
            raise RefusedError(f"nothing is asked about promotion {promotion.id}", hint="lampway ask asks")
        remark = Remark(_who(transaction, actor), text, engine.now(), request.is_question)
        told = [transaction.append(Remarked(promotion.id, remark), actor)]
        after = transaction.get(Promotion, promotion.id) or promotion
    engine.tell(told)
    return after


def _who(reading: Reading, actor: Actor) -> str:
    person = rules_in_force(reading).strategy.person(actor.person)
    if person is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them to people.yaml")
    return person.id
