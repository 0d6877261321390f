"""Commands about what is still needed: campaigns, recertification, and what was switched off."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.domain.certification import Certification
from lampway.engine.certify import Recertify, ReviewAnswer
from lampway.engine.questions import CampaignsView, QuestionView, ShowCampaigns, ShowQuestion
from lampway.engine.switching import MarkSwitched
from lampway.errors import UsageError


def recertify(
    solution: str = "",
    /,
    *,
    lasting: Annotated[str | None, Parameter(name="--for")] = None,
    reason: str = "",
    purpose: str | None = None,
    users: str | None = None,
    owner: str | None = None,
    backup_owner: str | None = None,
    data_class: str | None = None,
    not_needed: Annotated[bool, Parameter(negative=())] = False,
    show: Annotated[bool, Parameter(negative=())] = False,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
    json: Json = False,
) -> int:
    """Confirm, as its owner or backup owner, that a solution is still needed, or answer a campaign about it.

    Parameters
    ----------
    solution
        Its name.
    lasting
        For how long, from 1d to 732d; else until the next campaign's answers are due, and without campaigns 180d.
    reason
        What it is needed for, or why not; for the record.
    purpose
        Campaign: what it is for, where nobody has said or it has changed.
    users
        Campaign: who works with it, likewise.
    owner
        Campaign: who owns it from now on.
    backup_owner
        Campaign: who may act in the owner's place from now on.
    data_class
        Campaign: how sensitive its data is.
    not_needed
        Campaign: it is no longer needed; its retirement is asked for.
    show
        Show what is asked, and what is known of its use.
    list_
        Show who owes what by when.
    json
        Print the facts as JSON.
    """
    _one_of(solution, show=show, listed=list_, not_needed=not_needed)
    if list_:
        return campaigns(json=json)
    changes = {"owner": owner, "backup_owner": backup_owner, "purpose": purpose, "users": users}
    said = Recertify(solution, lasting, reason, **changes, data_class=data_class, needed=not not_needed)
    with session(quiet=json) as opened:
        given = None if show else opened.run(said)
        view = opened.run(ShowQuestion(solution))
    return _shown(view, as_json=json) if given is None else _answered(given, view, said, as_json=json)


def review(
    solution: str,
    /,
    *,
    accept: Annotated[bool, Parameter(negative=())] = False,
    send_back: Annotated[bool, Parameter(negative=())] = False,
    reason: str = "",
    json: Json = False,
) -> int:
    """Say, as the reviewer, whether an owner's answer counts; until then the owner's clock stands still.

    Parameters
    ----------
    solution
        Its name.
    accept
        It counts.
    send_back
        The owner has to answer again, in the time that is left; takes a reason.
    reason
        Why, for the record.
    json
        Print the facts as JSON.
    """
    if accept is send_back:
        raise UsageError("either --accept or --send-back", hint="keep one of them")
    with session(quiet=json) as opened:
        looked = opened.run(ReviewAnswer(solution, accept, reason))
    emit(looked) if json else say(f"{solution}: {looked.words(looked.asked_at)}")
    return 0


def _answered(given: Certification, view: QuestionView, said: Recertify, *, as_json: bool) -> int:
    if as_json:
        emit(given)
        return 0
    if view.question is not None:
        say(f"{given.solution}: answered; it counts once the reviewer has accepted it")
    elif said.needed:
        say(f"{given.solution} is certified as still needed until {when(given.until)}")
    else:
        say(f"{given.solution} is no longer needed: its retirement is asked for (lampway retire --list)")
    if not given.authenticated:
        say("  note: who you are was not proved; the record says so")
    for line in view.differs:
        say(f"  note: {line}: change it there, and apply the strategy")
    return 0


def _one_of(solution: str, *, listed: bool, **chosen: bool) -> None:
    given = [name for name, is_given in {"list": listed, **chosen}.items() if is_given]
    if len(given) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"one thing at a time: {flags}", hint="keep one of them")
    if not solution and not listed:
        raise UsageError("which SOLUTION?", hint="lampway recertify --list")
    if solution and listed:
        raise UsageError("--list shows all of them", hint=f"lampway recertify {solution} --show")


def _shown(view: QuestionView, *, as_json: bool) -> int:
    if as_json:
        emit(view)
        return 0
    say(f"{view.solution}: {view.words}")
    profile = view.profile
    rows = [
        ("owner", profile.owner),
        ("backup owner", profile.backup_owner or "nobody"),
        ("purpose", profile.purpose or "nobody has said"),
        ("data class", profile.data_class or "nobody has said"),
        ("users", profile.users or "nobody has said"),
        ("certified until", when(view.certified_until) or "never certified"),
    ]
    for name, value in rows:
        say(f"  {name.ljust(16)} {value}")
    say("  known of its use:" if view.usage else "  known of its use: it is installed nowhere")
    for facts in view.usage:
        say(f"    {facts.words}")
    for line in view.differs:
        say(f"  note: {line}")
    return 0


def campaigns(*, json: Json = False) -> int:
    """Show who owes an answer by when, when owners are asked next, and what is switched off or ends.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(ShowCampaigns())
    if json:
        emit(view)
        return 0
    _say_campaigns(view)
    return 0


def _say_campaigns(view: CampaignsView) -> None:
    if view.questions:
        rows = [
            (o.solution, o.by, when(o.due) or "under review", f"{o.following} {when(o.following_at)}".strip(), o.words)
            for o in view.questions
        ]
        table(rows, ("SOLUTION", "ASKED", "DUE", "THEN", ""))
    else:
        say("nobody owes an answer")
    for opening in view.calendar:
        say(f"next: {opening.criticality} on {when(opening.at)}: {', '.join(opening.solutions) or 'no solution'}")
    if not view.calendar:
        say("next: no campaign is declared (recertification in lampway.yaml)")
    for switch in view.switches:
        say(switch.words)
    for retirement in view.retirements:
        say(retirement.words)


def switched(
    solution: str, /, *, place: Annotated[str, Parameter(name="--in")], reason: str, json: Json = False
) -> int:
    """Say, as a platform admin, that a solution was switched off or on by hand, as was asked for.

    Parameters
    ----------
    solution
        Its name.
    place
        The environment.
    reason
        What was done, for the record.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(MarkSwitched(solution, place, reason))
    emit(found) if json else say(found.words)
    return 0
