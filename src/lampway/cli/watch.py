"""`lampway watch`: live edits in an environment, told daily, for anybody and before any pipeline exists."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NoReturn

from lampway.app import find_root, load_working_strategy, open_live_watch
from lampway.cli.output import emit, note, paint, report, say
from lampway.cli.path import Json
from lampway.cli.session import working_folder
from lampway.domain.notify import Channel
from lampway.domain.secret import is_reference
from lampway.domain.spans import parse_span
from lampway.engine.livewatch import LiveEdits, LiveWatch, Place, in_words
from lampway.errors import LampwayError, NotFoundError, UsageError

_NAP = 3600.0


def watch(
    environment: str,
    /,
    *,
    once: bool = False,
    every: str = "1d",
    url: str = "",
    token: str = "",
    user: str = "",
    password: str = "",
    anonymous: bool = False,
    platform: str = "node-red",
    state: str = "",
    channel: str = "",
    apprise: str = "",
    json: Json = False,
) -> int:
    """Say what was edited live in an environment since the last look. Reads only; needs no strategy, only access.

    In a governance repository the name of an environment is enough; anywhere else give --url and how to sign in.
    With --once it exits with 1 when something was edited.

    Parameters
    ----------
    environment
        Its name in environments/, or any name with --url.
    once
        Look once, for a timer of your own; else it stays and looks again and again.
    every
        How often, such as 1d or 2h.
    url
        The platform's admin address.
    token
        Reference to a token that may read: env:NAME, file:PATH or keyring:SERVICE/NAME.
    user
        A user name, with --password.
    password
        Reference to its password.
    anonymous
        The platform asks nobody who they are.
    platform
        The low-code platform.
    state
        The file that keeps the last look; else one in the user's state folder.
    channel
        Also tell it through this channel of lampway.yaml, when something was edited.
    apprise
        Likewise, through this reference to an Apprise URL.
    json
        Print the facts as JSON.
    """
    span = parse_span(every)
    if span is None:
        raise UsageError(f"not a length of time: {every[:40]}", hint="write a number and s, m, h, d or w, such as 1d")
    access = {key: value for key, value in {"token": token, "user": user, "password": password}.items() if value}
    place = _place(environment, Place(environment, platform, url, access), anonymous=anonymous)
    way, networks = _channel(channel, apprise)
    kept = Path(state) if state else None
    opened = open_live_watch(place, kept, root=_root(), channel=way, allow=networks)
    return _told(opened.look(), as_json=json) if once else _stay(opened, span, as_json=json)


def _stay(opened: LiveWatch, span: float, *, as_json: bool) -> NoReturn:
    """Look again and again, until somebody stops it."""
    while True:
        try:
            _told(opened.look(), as_json=as_json)
        except LampwayError as error:  # it may answer tomorrow
            report(error, as_json=as_json)
        end = time.monotonic() + span
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _NAP))


def _root() -> Path | None:
    try:
        return find_root(working_folder())
    except NotFoundError:
        return None


def _place(environment: str, given: Place, *, anonymous: bool) -> Place:
    root = _root()
    if given.url:
        if not given.url.startswith(("http://", "https://")):
            raise UsageError(f"not an address: {given.url[:80]}", hint="as in https://flows.example.com")
        if any(not is_reference(value) for key, value in given.access.items() if key != "user"):
            raise UsageError("secrets are given by reference, never by value", hint="such as env:NAME or file:PATH")
        if not (given.access or anonymous):
            raise UsageError("say how to sign in", hint="--token REF, --user NAME --password REF, or --anonymous")
        return given
    if root is None:
        hint = "give --url and --token, or go to a governance repository"
        raise UsageError(f"nobody knows where {environment} is", hint=hint)
    found = load_working_strategy(root).environment(environment)
    return Place(found.name, found.platform, found.url, found.access, settings=found.settings)


def _channel(name: str, apprise: str) -> tuple[Channel | None, tuple[str, ...]]:
    """Return where edits are told besides, and which networks may be reached for that."""
    if name and apprise:
        raise UsageError("there is one way to tell it, or none", hint="--channel NAME or --apprise REF")
    if apprise and not is_reference(apprise):
        raise UsageError("secrets are given by reference, never by value", hint="such as env:NAME or file:PATH")
    if not name:
        return (Channel("", apprise=apprise) if apprise else None), ()
    root = _root()
    notify = load_working_strategy(root).notify if root else None
    found = notify.channel(name) if notify else None
    if notify is None or found is None:
        raise NotFoundError(f"no channel named *{name}* in lampway.yaml", hint="declare it under notify, channels")
    return found, notify.allow


def _told(edits: LiveEdits, *, as_json: bool) -> int:
    if as_json:
        emit(edits)
    else:
        title, text = in_words(edits)
        say(paint(title, "33") if edits.changes else title)
        for line in text.splitlines() if edits.changes or not edits.since else ():
            say(f"  {line}")
    if edits.changes:
        note("nothing was changed there; to deal with it: lampway adopt, then lampway drift")
    return 1 if edits.changes else 0
