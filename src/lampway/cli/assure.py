"""Commands by which people answer for what is on its way or runs: change tickets and recertification."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, say, when
from lampway.cli.path import Json, exit_code, promotion_facts, say_promotion
from lampway.cli.session import session
from lampway.engine.certify import USUAL, Recertify
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


def recertify(
    solution: str,
    /,
    *,
    lasting: Annotated[str, Parameter(name="--for")] = USUAL,
    reason: str = "",
    json: Json = False,
) -> int:
    """Confirm, as its owner or backup owner, that a solution is still needed.

    Parameters
    ----------
    solution
        Its name.
    lasting
        For how long, from 1d to 732d.
    reason
        What it is needed for, for the record.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        given = opened.run(Recertify(solution, lasting, reason))
    if json:
        emit(given)
        return 0
    say(f"{given.solution} is certified as still needed until {when(given.until)}")
    if not given.authenticated:
        say("  note: who you are was not proved; the record says so")
    return 0
