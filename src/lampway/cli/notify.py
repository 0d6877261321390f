"""Commands for what people are told: what waits, what did not arrive, and whether a channel works."""

from __future__ import annotations

from lampway.cli.output import emit, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.engine.deliver import SendNotices, ShowNotices, TryChannel


def notify_show(*, json: Json = False) -> int:
    """Show what people are still to be told. Exits with 3 when something was given up.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowNotices())
    if json:
        emit(found)
    elif not found:
        say("nothing waits to be told")
    else:
        rows = [(n.channel, n.title, n.state, str(n.attempts), when(n.next_at) or "-", n.error) for n in found]
        table(rows, ("channel", "notice", "state", "tries", "next", "why it did not arrive"))
    return 3 if any(notice.state == "failed" for notice in found) else 0


def notify_send(*, again: bool = False, json: Json = False) -> int:
    """Bring out what is due to be told. Exits with 3 when something did not arrive.

    Parameters
    ----------
    again
        Also what was given up, and what would only be tried later.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        came = opened.run(SendNotices(again=again))
    if json:
        emit(came)
    else:
        later = f"; the next one is due at {when(came.next_at)} UTC" if came.next_at else ""
        say(f"{came.sent} sent, {came.failed} did not arrive{later}")
    return 3 if came.failed else 0


def notify_test(channel: str, /, *, json: Json = False) -> int:
    """Send one message through a channel of the strategy in force, now.

    Parameters
    ----------
    channel
        Its name below `notify: channels:` in lampway.yaml.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        name = opened.run(TryChannel(channel))
    if json:
        emit({"channel": channel, "id": name})
    else:
        say(f"{channel} took the message {name}")
    return 0
