"""Commands by which people except, ask, stand in, answer, and see who waits for whom."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.duties import checklist_lines
from lampway.cli.keys import sign_given, signature_line
from lampway.cli.output import emit, note, say, table, when
from lampway.cli.path import Json, exit_code, promotion_facts, say_promotion
from lampway.cli.session import session
from lampway.engine.checklist import Checklist, DraftAnswers
from lampway.engine.delegate import Delegate, Delegations, DraftDelegation, EndDelegation
from lampway.engine.revoke import Revoke
from lampway.engine.talk import Talk
from lampway.engine.views import ShowPromotion
from lampway.engine.waiting import ShowWaits, Wait
from lampway.engine.waive import DraftWaiver, Waive
from lampway.errors import UsageError


def waive(
    promotion: str, gate: str, /, *, until: str, reason: str = "", passphrase_file: str = "", json: Json = False
) -> int:
    """Let a promotion pass one gate although it is closed; it shows as waived, never as passed.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    gate
        The gate, as `explain` names it.
    until
        When the exception ends: a day such as 2027-05-01, to its end, or a time with its zone.
    reason
        Why; always needed.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        key = opened.run(ShowPromotion(promotion)).promotion.id
        asked = DraftWaiver(key, gate, reason, until)
        request, why_not = sign_given(opened, Waive(key, gate, reason, until), asked, passphrase_file)
        waived = opened.run(request)
        view = opened.run(ShowPromotion(key))
    if json:
        emit(promotion_facts(view))
    else:
        say(f"gate {waived.gate} waived until {when(waived.until)}: {waived.reason}")
        say(signature_line(why_not, signed=bool(waived.key)))
        say_promotion(view)
    return exit_code([view])


def ask(promotion: str, question: str, /, *, json: Json = False) -> int:
    """Ask something about a promotion; it waits as before, and whoever asked for it sees the question.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    question
        In words.
    json
        Print the facts as JSON.
    """
    return _talk(Talk(promotion, question, is_question=True), as_json=json)


def answer(promotion: str, text: str, /, *, json: Json = False) -> int:
    """Answer what was asked about a promotion.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    text
        In words.
    json
        Print the facts as JSON.
    """
    return _talk(Talk(promotion, text, is_question=False), as_json=json)


def _talk(request: Talk, *, as_json: bool) -> int:
    with session(quiet=as_json) as opened:
        found = opened.run(request)
    if as_json:
        emit(found.remarks)
    else:
        word = "asked" if request.is_question else "answered"
        say(f"{word}: {found.solution}@{found.version} → {found.stage} ({found.id}) waits as before")
    return 0


def delegate(
    *,
    to: str = "",
    start: Annotated[str, Parameter(name="--from")] = "",
    until: str = "",
    reason: str = "",
    end: str = "",
    passphrase_file: str = "",
    json: Json = False,
) -> int:
    """Let another person approve in your place for a while; it is never passed on.

    Parameters
    ----------
    to
        Who: an id of people.yaml.
    start
        From when: a day such as 2027-05-01, or a time with its zone.
    until
        To when: a day, to its end, or a time with its zone.
    reason
        Why; always needed.
    end
        Take this delegation back, by its id, instead of giving one.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    given = {"--to": to, "--from": start, "--until": until}
    if end and any(given.values()):
        raise UsageError("either --end or a new delegation, not both", hint="lampway delegations")
    missing = [name for name, value in given.items() if not value]
    if not end and missing:
        hint = "lampway delegate --to PERSON --from DAY --until DAY --reason '...'"
        raise UsageError(f"missing: {', '.join(missing)}", hint=hint)
    with session(quiet=json) as opened:
        if end:
            found, why_not = opened.run(EndDelegation(end)), ""
        else:
            asked = DraftDelegation(to, start, until, reason)
            request, why_not = sign_given(opened, Delegate(to, start, until, reason), asked, passphrase_file)
            found = opened.run(request)
    if json:
        emit(found)
    elif end:
        say(f"{found.to} no longer approves for {found.by}; what was decided stands")
    else:
        say(f"{found.to} may approve for {found.by} from {when(found.start)} until {when(found.until)} ({found.id})")
        say(signature_line(why_not, signed=bool(found.key)))
    return 0


def delegations(*, everything: bool = False, json: Json = False) -> int:
    """Show who may approve for whom, and when.

    Parameters
    ----------
    everything
        Also what is over.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(Delegations(everything))
    if json:
        emit(found)
    elif not found:
        say("nobody approves for anybody else")
    else:
        rows = [(d.id, f"{d.to} for {d.by}", when(d.start), when(d.ended_at or d.until), d.reason) for d in found]
        table(rows, ("id", "who", "from", "until", "reason"))
    return 0


def checklist(
    promotion: str,
    /,
    *,
    reply: Annotated[tuple[str, ...], Parameter(name="--answer")] = (),
    note: str = "",
    passphrase_file: str = "",
    json: Json = False,
) -> int:
    """Show a promotion's checklist, or answer items of it.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    reply
        ITEM=yes, ITEM=no or ITEM=n/a; may be given several times.

    Note:
        For the record; needed where an answer is not yes.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        request, why_not = Checklist(promotion, tuple(reply), note), ""
        if reply:
            asked = DraftAnswers(promotion, tuple(reply), note)
            request, why_not = sign_given(opened, request, asked, passphrase_file)
        found = opened.run(request)
    if json:
        emit(found)
    elif not found:
        say("this stage has no checklist")
    for line in () if json else checklist_lines(found):
        say(line)
    if reply and not json:
        say(signature_line(why_not, signed=bool(request.envelope)))
    return 0


def metrics_waiting(solution: str, /, *, json: Json = False) -> int:
    """Show how long promotions of a solution waited for people, by gate and by person.

    Parameters
    ----------
    solution
        Its name.
    json
        Print the facts as JSON; times are in seconds.
    """
    with session() as opened:
        found = opened.run(ShowWaits(solution))
    if json:
        emit(found)
        return 0
    for title, waits in (("gate", found.gates), ("person", found.people)):
        if waits:
            table([_row(wait) for wait in waits], (title, "times", "median", "longest", "in all"))
    for wait in found.now:
        say(f"waits now: {wait.release} → {wait.stage} for its {wait.gate}, {span(wait.seconds)} ({wait.promotion})")
    if not (found.gates or found.people or found.now):
        say(f"nothing of {solution} ever waited for people")
    return 0


def _row(wait: Wait) -> tuple[str, ...]:
    return wait.name, str(wait.times), *(span(seconds) for seconds in (wait.median, wait.longest, wait.total))


def span(seconds: float) -> str:
    """Return a length of time in its two largest units, for people."""
    left = round(seconds)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or "0s"


def key_revoke(
    key: str = "", /, *, reason: str, why: str = "lost", of: str = "", since: str = "", json: Json = False
) -> int:
    """Say that a key was lost or replaced. What was signed with it since then counts no more, from this moment.

    Parameters
    ----------
    key
        The public key, `ed25519:...`; may be left out where the person has one only.
    reason
        In words; always needed.
    why
        lost or rotated.
    of
        Whose: an id of people.yaml; else yours.
    since
        Since when it may have been in other hands: a day, or a time with its zone; else from now on.
    json
        Print the facts as JSON.
    """
    if why == "left":
        raise UsageError("a key does not leave", hint="lampway leave PERSON --reason '...'")
    return _revoke(Revoke(why, reason, person=of, key=key, since=since), as_json=json)


def leave(person: str = "", /, *, reason: str, since: str = "", json: Json = False) -> int:
    """Say that somebody left. Nothing that they decide since then counts, whatever people.yaml still says.

    Parameters
    ----------
    person
        Who: an id of people.yaml; else you.
    reason
        In words; always needed.
    since
        Since when: a day, or a time with its zone; else from now on.
    json
        Print the facts as JSON.
    """
    return _revoke(Revoke("left", reason, person=person, since=since), as_json=json)


def _revoke(request: Revoke, *, as_json: bool) -> int:
    with session(quiet=as_json) as opened:
        found = opened.run(request)
    if as_json:
        emit(found)
        return 0
    say(f"{found.words}: counts no more since {when(found.since)}")
    note("say the same in people.yaml, and have it applied: lampway strategy apply")
    return 0
