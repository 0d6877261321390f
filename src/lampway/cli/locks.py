"""Commands about locks: look, lock, unlock for a while, and who else has looked at that."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.app import Session
from lampway.cli.keys import sign_given, signature_line, what_is_missing
from lampway.cli.output import emit, note, paint, say, when
from lampway.cli.path import WAITING_FOR_PEOPLE, Json
from lampway.cli.session import session
from lampway.domain.moments import shown
from lampway.domain.spans import HINT, parse_span
from lampway.domain.unlocking import Unlocking
from lampway.engine.context import Request
from lampway.engine.locks import LockEnvironment, LockHistory, LockLine, LockSeen, LookAtLock, LookAtLocks
from lampway.engine.unlock import ConfirmUnlock, DraftUnlockWord, ReviewUnlock, Unlock
from lampway.engine.workers import ShowWorkers
from lampway.errors import UnsignedError, UsageError


def lock(environment: str = "", /, *, look: bool = False, history: bool = False, json: Json = False) -> int:
    """See to it that makers cannot edit in an environment, and say how its lock stands. Exits with 1 when they can.

    What was unlocked for a while is locked again at once, and looked at for what was edited meanwhile.

    Parameters
    ----------
    environment
        Where. Without it every environment that must be locked is looked at, and nothing is changed.
    look
        Only look, also while it is unlocked.
    history
        Say instead when its lock was looked at or changed, by whom, and what was seen; from the ledger.
    json
        Print the facts as JSON.
    """
    if history:
        return _history(environment, as_json=json)
    with session(quiet=json) as opened:
        if environment:
            asked = LookAtLock(environment) if look else LockEnvironment(environment)
            found: tuple[LockSeen, ...] = (opened.run(asked),)
        else:
            found = opened.run(LookAtLocks())
    if json:
        emit(found[0] if environment else found)
    else:
        for seen in found:
            _say_lock(seen)
        if not found:
            say("no tier asks for a lock: `locked: true` in lampway.yaml")
    if any(seen.error for seen in found):
        return 3
    return 0 if all(seen.is_well for seen in found) else 1


def _say_lock(seen: LockSeen) -> None:
    if seen.error:
        say(f"{seen.environment}: could not be looked at or locked: {seen.error}")
    seen_at = f" (seen {when(seen.at)})" if seen.error and seen.at else ""
    if seen.at:
        say(f"{seen.environment}: {seen.state}: {seen.summary}{seen_at}")
    if seen.cure and seen.at:
        say(f"  → {seen.cure}")
    for words in seen.unlocked:
        say(paint(f"  {words}", "33"))
    if seen.mislabelled:
        say(paint(f"  label: {seen.mislabelled}", "33"))
    if seen.note:
        say(f"  {seen.note}")


def _history(environment: str, *, as_json: bool) -> int:
    if not environment:
        raise UsageError("whose history", hint="lampway lock ENVIRONMENT --history")
    with session() as opened:
        lines = opened.run(LockHistory(environment))
    if as_json:
        emit(lines)
        return 0
    for line in lines:
        say(f"{when(line.at)}  {line.by.ljust(12)}  {_told(line)}")
    if not lines:
        say(f"nobody has looked yet: lampway lock {environment}")
    return 0


def _told(line: LockLine) -> str:
    return f"{line.state}: {line.what}" if line.state else paint(line.what, "33")


def unlock(
    environment: str,
    /,
    *,
    reason: str = "",
    for_: Annotated[str, Parameter(name="--for")] = "",
    with_: Annotated[str, Parameter(name="--with")] = "",
    confirm: Annotated[bool, Parameter(negative="")] = False,
    review: str = "",
    passphrase_file: str = "",
    json: Json = False,
) -> int:
    """Let makers edit in a locked environment for a while: break-glass. It is locked again by itself.

    One person may, where the tier lets them, and somebody else reviews it within 24 hours; or two people, one who asks
    and one who confirms.

    Parameters
    ----------
    environment
        Where.
    reason
        Why; it goes into the record, and to whoever is told.
    for_
        For how long, such as 2h.
    with_
        Who is to confirm it. Nothing is open before they did.
    confirm
        Confirm what somebody asked you for; its time begins now.
    review
        Say what you found of what one person unlocked alone.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    ways = [name for name, given in (("--for", for_), ("--confirm", confirm), ("--review", review)) if given]
    if len(ways) != 1:
        hint = "--reason '...' --for 2h [--with PERSON], or --confirm, or --review '...'"
        raise UsageError("unlock, confirm or review: one of them" if ways else "for how long", hint=hint)
    if (confirm or review) and (reason or with_):
        raise UsageError(f"{ways[0]} takes neither --reason nor --with", hint="leave them out")
    if not (confirm or review):
        return _ask(Unlock(environment, reason, _seconds(for_), with_), as_json=json)
    return _give_word(environment, review, passphrase_file, as_json=json)


def _give_word(environment: str, review: str, passphrase_file: str, *, as_json: bool) -> int:
    """Say, as the second person, what was asked for: a review, or without one the confirmation."""
    with session(quiet=as_json) as opened:
        asked = DraftUnlockWord(environment, review)
        word: Request[Unlocking]
        if review:
            word, why_not = sign_given(opened, ReviewUnlock(environment, review), asked, passphrase_file)
        else:
            word, why_not = sign_given(opened, ConfirmUnlock(environment), asked, passphrase_file)
        try:
            found = opened.run(word)
        except UnsignedError as error:
            raise what_is_missing(error, why_not) from None
        serves = _is_served(opened, environment)
    if as_json:
        emit(found)
        return 0
    if review:
        say(f"reviewed: {found.words}")
    else:
        _say_unlocking(found, serves=serves)
    say(signature_line(why_not, signed=bool(found.key)))
    return 0


def _ask(request: Unlock, *, as_json: bool) -> int:
    with session(quiet=as_json) as opened:
        asked = opened.run(request)
        serves = _is_served(opened, request.environment)
    if as_json:
        emit(asked)
    else:
        _say_unlocking(asked, serves=serves)
    return 0 if asked.is_open else WAITING_FOR_PEOPLE


def _is_served(opened: Session, environment: str) -> bool:
    """Return whether a worker is there to lock it again."""
    return any(worker.serves(environment) for worker in opened.run(ShowWorkers()))


def _seconds(text: str) -> float:
    seconds = parse_span(text)
    if seconds is None:
        raise UsageError(f"not a length of time: {text[:40]}", hint=HINT)
    return seconds


def _say_unlocking(given: Unlocking, *, serves: bool) -> None:
    say(paint(given.words, "33"))
    if not given.is_open:
        say(f"  {given.second}: lampway unlock {given.environment} --confirm, within the hour")
        return
    say(f"  locked again by itself at {shown(given.until)}; earlier: lampway lock {given.environment}")
    if given.needs_review:
        review = f"lampway unlock {given.environment} --review '...'"
        say(f"  somebody else reviews it until {shown(given.review_until)}: {review}")
    if not serves:
        note("note: no worker is there to lock it again: lampway worker; or lampway resume, when its time is over")
