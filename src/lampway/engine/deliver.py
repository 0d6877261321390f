"""Delivering: what the outbox says is due to be told goes out, at least once, later again where it did not arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lampway.domain.digest import digest, short, to_plain
from lampway.domain.events import Actor
from lampway.domain.notify import ATTEMPTS, Channel, Envelope, Notice, NoticeKind, Notify, retry_at
from lampway.domain.strategy import RulesInForce
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.notices import KIND
from lampway.engine.ports import Message, Secrets, Way
from lampway.engine.store import Due
from lampway.errors import BrokenError, DeliveryError, LampwayError, NotFoundError, RefusedError


@dataclass(frozen=True, slots=True)
class Pending:
    """A notice that has not arrived yet."""

    id: str
    channel: str
    kind: str
    title: str
    people: tuple[str, ...]
    state: str
    """waiting, retrying or failed."""
    attempts: int
    next_at: str
    """When it is tried next; empty for one that is not tried any more."""
    error: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round of delivering came to."""

    sent: int
    failed: int
    """How many did not arrive. A channel that fails is left alone for the rest of the round."""
    next_at: str
    """When the next one is due; empty for none."""


@dataclass(frozen=True, slots=True)
class ShowNotices(Request[tuple[Pending, ...]]):
    """Ask what is still to be told."""


@dataclass(frozen=True, slots=True)
class SendNotices(Request[Delivered]):
    """Bring out what is due to be told."""

    again: bool = False
    """Also what was given up, and what would only be tried later."""


@dataclass(frozen=True, slots=True)
class TryChannel(Request[str]):
    """Send one message through a channel, now."""

    channel: str


def show_notices(engine: Engine, request: ShowNotices, actor: Actor) -> tuple[Pending, ...]:
    """Return every notice that has not arrived, oldest first."""
    del request, actor
    return tuple(_pending(entry, due.attempts) for due, entry in _entries(engine))


def _pending(entry: Envelope, attempts: int) -> Pending:
    state = "failed" if entry.is_final else "retrying" if entry.error else "waiting"
    return Pending(
        id=entry.id,
        channel=entry.channel,
        kind=entry.notice.kind,
        title=entry.notice.title,
        people=entry.notice.people,
        state=state,
        attempts=attempts,
        next_at="" if entry.is_final else entry.next_at,
        error=entry.error,
    )


def send_notices(engine: Engine, request: SendNotices, actor: Actor) -> Delivered:
    """Bring out whatever is due, each at least once. Raises nothing for what does not arrive: it stays due.

    Before each try it is recorded when the next one would be, so that a process that dies, or a second one that works
    at the same time, does no harm: at worst something arrives twice, with the same id.
    """
    del actor
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    notify = rules.strategy.notify if rules else None
    now, sent = engine.now(), 0
    down: list[str] = []
    for group in _groups(_entries(engine), now, again=request.again):
        channel = group[0][1].channel
        arrived = None if channel in down else _try(engine, notify, group)
        sent += arrived is True
        down += [channel] if arrived is False else []
    left = [entry.next_at for _, entry in _entries(engine) if not entry.is_final]
    return Delivered(sent, len(down), min(left, default=""))


def _entries(engine: Engine) -> list[tuple[Due, Envelope]]:
    return [(due, envelope_of(due.doc)) for due in engine.store.due() if due.kind == KIND]


def envelope_of(doc: Mapping[str, Any]) -> Envelope:
    """Return an envelope from the form in which the outbox keeps it."""
    notice = {**doc["notice"], "people": tuple(doc["notice"]["people"])}
    return Envelope(**{**doc, "notice": Notice(**notice)})


def _groups(entries: Sequence[tuple[Due, Envelope]], now: str, *, again: bool) -> list[list[tuple[Due, Envelope]]]:
    """Return what is due now: one by one, and what is to be sent as one together."""
    groups: dict[str, list[tuple[Due, Envelope]]] = {}
    for due, entry in entries:
        is_due = entry.next_at <= now and not entry.is_final
        may_hurry = again and (entry.is_final or bool(entry.error))
        if is_due or may_hurry:
            groups.setdefault(f"{entry.channel} {entry.batch}" if entry.batch else due.key, []).append((due, entry))
    return list(groups.values())


def _try(engine: Engine, notify: Notify | None, group: list[tuple[Due, Envelope]]) -> bool | None:
    """Send what belongs together. Returns whether it arrived; None when another process is at it."""
    if engine.courier is None:
        return None
    now = engine.now()
    tried = []
    with engine.store.transaction() as transaction:
        for due, entry in group:
            attempts = 1 if entry.is_final else due.attempts + 1
            later = to_plain(replace(entry, next_at=retry_at(now, attempts), is_final=False))
            claimed = Due(due.key, due.kind, later, attempts)
            if transaction.advance(due, claimed):
                tried.append((claimed, entry))
    if not tried:
        return None
    try:
        channel = notify.channel(tried[0][1].channel) if notify else None
        if notify is None or channel is None:
            raise DeliveryError(f"no channel named *{tried[0][1].channel}* any more")
        _hand_over(engine, notify, channel, _message(notify, [entry for _, entry in tried]))
    except LampwayError as error:
        _put_back(engine, tried, error)
        return False
    with engine.store.transaction() as transaction:
        for due, _ in tried:
            transaction.forget(due.key)
    return True


def _put_back(engine: Engine, tried: Sequence[tuple[Due, Envelope]], error: LampwayError) -> None:
    asked = error.wait if isinstance(error, DeliveryError) else 0.0
    with engine.store.transaction() as transaction:
        for due, entry in tried:
            gave_up = due.attempts >= ATTEMPTS
            next_at = retry_at(engine.now(), due.attempts, asked=asked)
            kept = replace(entry, next_at=next_at, error=error.message, is_final=gave_up)
            transaction.remember(Due(due.key, due.kind, to_plain(kept), due.attempts))


def _hand_over(engine: Engine, notify: Notify, channel: Channel, message: Message) -> None:
    """Send a message through a channel. Raises DeliveryError, SecretError."""
    if engine.courier is None:
        raise BrokenError("nothing can be sent from here")
    engine.courier.send(way_of(channel, engine.secrets, notify.allow), message, engine.clock.now())


def way_of(channel: Channel, secrets: Secrets, allow: tuple[str, ...]) -> Way:
    """Return how a channel is reached, its secrets resolved now. Raises SecretError."""
    return Way(
        apprise=secrets.resolve(channel.apprise) if channel.apprise else None,
        webhook=channel.webhook,
        secret=secrets.resolve(channel.secret) if channel.secret else None,
        allow=allow,
    )


def _message(notify: Notify, entries: Sequence[Envelope]) -> Message:
    first = entries[0]
    if not first.batch:
        return message_of(notify, first.notice, first.id)
    parts = [message_of(notify, entry.notice, entry.id) for entry in entries]
    title = f"{len(parts)} thing{'s' if len(parts) != 1 else ''} of low risk"
    lines = [f"- {part.title}: {' '.join(part.text.split())}" for part in parts]
    mark = short(digest([first.channel, first.batch]))
    facts = {"notices": [part.facts for part in parts]}
    return Message(
        f"msg_{mark}_digest_{first.channel}", "digest", title, "\n".join(lines), notify.url, first.batch, facts
    )


def message_of(notify: Notify, notice: Notice, name: str) -> Message:
    """Return a notice as it is sent: with a link to its one screen, or with the command to run."""
    link = notify.url + notice.screen if notify.url else ""
    what = f"{notice.release} is {short(notice.digest)}" if notice.digest else ""
    text = "\n".join(part for part in (notice.text, what, link or f"→ {notice.command}") if part)
    return Message(name, notice.kind, notice.title, text, link, notice.at, to_plain(notice))


def try_channel(engine: Engine, request: TryChannel, actor: Actor) -> str:
    """Send a message through one channel now and return its id. Nothing is kept to be tried again.

    Raises NotFoundError, RefusedError, SecretError, DeliveryError.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    notify = strategy.notify
    if strategy.person(actor.person) is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
    channel = notify.channel(request.channel) if notify else None
    if notify is None or channel is None:
        known = ", ".join(c.name for c in notify.channels) if notify else "none"
        raise NotFoundError(f"no channel named *{request.channel}* in force", hint=f"there is: {known}")
    name = f"msg_{engine.new_id()}_test_{channel.name}"
    text = f"{actor.person} tries the channel {channel.name}. Nothing has happened."
    notice = Notice(
        NoticeKind.TEST, "a test of Lampway", text, "lampway notify show", "", engine.now(), (actor.person,)
    )
    _hand_over(engine, notify, channel, message_of(notify, notice, name))
    return name
