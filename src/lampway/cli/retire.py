"""The command that ends a solution, and takes its end back."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.keys import sign_given, signature_line
from lampway.cli.output import emit, say, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.domain.retirement import Retirement, RetirementState
from lampway.engine.questions import RetirementView, ShowRetirements
from lampway.engine.retire import ApproveRetirement, DraftConsent, Retire, UndoRetirement
from lampway.errors import UsageError

_WAITING_FOR_PEOPLE = 4


def retire(
    solution: str = "",
    /,
    *,
    place: Annotated[str, Parameter(name="--in")] = "",
    reason: str = "",
    approve: Annotated[bool, Parameter(negative=())] = False,
    undo: Annotated[bool, Parameter(negative=())] = False,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
    passphrase_file: str = "",
    json: Json = False,
) -> int:
    """End a solution: somebody else approves, it is switched off, waits, and is removed; reversible until then.

    Parameters
    ----------
    solution
        Its name.
    place
        Only in this environment; else wherever it is installed.
    reason
        Why; needed to ask, and to take it back.
    approve
        Approve what somebody else asked for.
    undo
        Take it back: it is switched on again, and what was removed already comes back.
    list_
        Show everything that ends, or has ended.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    if approve + undo + list_ > 1 or bool(solution) is list_:
        hint = "lampway retire SOLUTION --reason '...' | --approve | --undo --reason '...', or lampway retire --list"
        raise UsageError("either one SOLUTION and one thing to do, or --list", hint=hint)
    why_not = ""
    with session(quiet=json) as opened:
        if approve:
            asked = DraftConsent(solution, place)
            request, why_not = sign_given(opened, ApproveRetirement(solution, place), asked, passphrase_file)
            found = opened.run(request)
        elif undo:
            found = opened.run(UndoRetirement(solution, reason, place))
        elif not list_:
            found = opened.run(Retire(solution, reason, place))
        views = opened.run(ShowRetirements())
    if list_:
        return _listed(views, as_json=json)
    view = next(v for v in views if v.retirement.id == found.id)
    if json:
        emit(view)
    else:
        _say(view)
        if approve:
            say(signature_line(why_not, signed=any(c.key for c in view.retirement.consents[-1:])))
    return _WAITING_FOR_PEOPLE if view.missing else 0


def _listed(views: tuple[RetirementView, ...], *, as_json: bool) -> int:
    if as_json:
        emit(views)
        return 0
    for view in views:
        _say(view)
    if not views:
        say("nothing ends, and nothing has ended")
    return 0


def _say(view: RetirementView) -> None:
    one = view.retirement
    say(one.words)
    say(f"  asked for by {one.requested_by} on {when(one.requested_at)}: {one.reason}")
    for consent in one.consents:
        say(f"  approved by {consent.by} on {when(consent.at)}{' (signed)' if consent.key else ''}")
    for line in view.missing:
        say(f"  still missing: {line}")
    if one.archive:
        say(f"  put aside: {len(one.archive)} packages and evidence files")
    _say_next(one)


def _say_next(one: Retirement) -> None:
    scope = f"{one.solution} --in {one.environment}" if one.environment else one.solution
    if one.state is RetirementState.REQUESTED:
        say(f"  somebody else: lampway retire {scope} --approve")
    elif one.state is RetirementState.WAITING:
        say(f"  until then: lampway retire {scope} --undo --reason '...'")
