"""Commands by which people answer for what is on its way: change tickets."""

from __future__ import annotations

from lampway.cli.output import emit, say
from lampway.cli.path import Json, exit_code, promotion_facts, say_promotion
from lampway.cli.session import session
from lampway.engine.ticket import GiveTicket
from lampway.engine.views import ShowPromotion


def ticket(promotion: str, ticket: str, /, *, json: Json = False) -> int:
    """Give a promotion that waits its change ticket; if that was the last gate, the deployment starts.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    ticket
        The ticket, as those who keep tickets write it.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(GiveTicket(promotion, ticket))
        view = opened.run(ShowPromotion(found.id))
    if json:
        emit(promotion_facts(view))
    else:
        say(f"{found.solution}@{found.version} → {found.stage} goes by change ticket {found.ticket}")
        say_promotion(view)
    return exit_code([view])
