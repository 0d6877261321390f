"""What time has made due: the one use case that whatever drives time calls, be it `resume`, a timer or a worker."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor
from lampway.engine.campaigns import tend_retirements
from lampway.engine.context import Engine, Request
from lampway.engine.deliver import SendNotices, send_notices
from lampway.engine.health import Looked, tend_watches
from lampway.engine.hotfixed import tend_hotfixes
from lampway.engine.relock import Relock, tend_unlockings
from lampway.engine.sandboxes import tend_sandboxes


@dataclass(frozen=True, slots=True)
class Done:
    """What was due and has been done."""

    looked: tuple[Looked, ...]
    sent: int
    """Notices that arrived."""
    next_at: str
    """When something is due next; empty for never."""
    watched: bool
    """Whether something is still being watched."""
    relocked: tuple[Relock, ...] = ()
    """What was over and was locked again, or could not be."""
    sandboxes: tuple[str, ...] = ()
    """What became of sandboxes and hotfixes, in words."""


@dataclass(frozen=True, slots=True)
class RunDue(Request[Done]):
    """Do what time has made due. Asking twice does it once."""

    lanes: tuple[str, ...] = ()
    """Only there is locked again what is over; empty for everywhere. A worker does it where it works."""


def run_due(engine: Engine, request: RunDue, actor: Actor) -> Done:
    """Look at what is watched and at what is unlocked, end what was removed, and bring out what people are to be told.

    Raises nothing for what goes badly there.
    """
    looked, next_look = tend_watches(engine)
    relocked, next_lock = tend_unlockings(engine, request.lanes)
    tend_retirements(engine)
    arrived = tend_hotfixes(engine)
    tended = tend_sandboxes(engine)
    _forget_parked(engine)
    sent = send_notices(engine, SendNotices(), actor)
    due = [moment for moment in (next_look, next_lock, sent.next_at, tended.next_at) if moment]
    lines = (*(f"sandbox {n}: its time was over, it is gone" for n in tended.ended), *tended.failed, *arrived)
    return Done(looked, sent.sent, min(due, default=""), bool(next_look), relocked=relocked, sandboxes=lines)


def _forget_parked(engine: Engine) -> None:
    """Let go of what people sent and did not sign in time. Nothing is written where nothing has ended."""
    now = engine.now()
    with engine.store.reading() as reading:
        has_ended = reading.has_parked(now)
    if has_ended:
        with engine.store.transaction() as transaction:
            transaction.unpark(before=now)
