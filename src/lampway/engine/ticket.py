"""Change tickets: giving a promotion the name of the change that it belongs to elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor
from lampway.domain.promotion import Promotion
from lampway.engine.context import Engine, Request
from lampway.engine.promote import refuse_ticket, with_ticket
from lampway.engine.recheck import require_person
from lampway.engine.waive import open_promotion


@dataclass(frozen=True, slots=True)
class GiveTicket(Request[Promotion]):
    """Give a promotion that waits its change ticket."""

    promotion: str
    """Its id, or `solution[@version]`."""
    ticket: str


def give_ticket(engine: Engine, request: GiveTicket, actor: Actor) -> Promotion:
    """Record the ticket and return the promotion with it. Raises UsageError, NotFoundError, RefusedError.

    Anybody in people.yaml may give one; the ledger says who did. Once somebody has approved by one it stays.
    """
    refuse_ticket(request.ticket)
    with engine.store.transaction() as transaction:
        require_person(transaction, actor)
        promotion = open_promotion(transaction, request.promotion, engine.now())
        told = [transaction.append(event, actor) for event in with_ticket(promotion, request.ticket)]
        found = transaction.get(Promotion, promotion.id) or promotion
    engine.tell(told)
    return found
