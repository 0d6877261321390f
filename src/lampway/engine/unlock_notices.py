"""What break-glass makes due to be told: that it is asked for, open, over, not over, and not reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lampway.domain import events
from lampway.domain.moments import shown
from lampway.domain.notify import Notice, NoticeKind
from lampway.domain.strategy import Strategy
from lampway.domain.unlocking import SECONDS, Unlocking
from lampway.engine.store import Reading

REVIEW = "unlock-review"
"""What runs out when nobody has reviewed an unlocking."""
TOLD_OF_UNLOCKING = (
    events.UnlockAsked.kind,
    events.Unlocked.kind,
    events.UnlockFailed.kind,
    events.Relocked.kind,
    events.RelockFailed.kind,
    events.UnlockReviewed.kind,
    events.RanOut.kind,
)


def unlocking_notices(
    reading: Reading, strategy: Strategy, recorded: events.Recorded, on_call: Iterable[str]
) -> Iterator[Notice]:
    """Yield what is to be told of this event: to whoever is on call, whose doing it is, and who is to look at it."""
    told = tuple(on_call)
    match recorded.event:
        case events.UnlockAsked(unlocking=one):
            yield _notice(one, f"confirm that {one.environment} is unlocked", one.words, recorded.at, [one.second])
        case events.Unlocked(unlocking=one):
            others = _reviewers(strategy, one) if one.needs_review else ()
            title = f"{one.environment} is unlocked until {shown(one.until)}"
            text = one.words + (f"; somebody else reviews that until {shown(one.review_until)}" if others else "")
            yield _notice(one, title, text, recorded.at, [*told, one.by, one.second, *others])
        case events.UnlockFailed() as event:
            yield from _later(reading, recorded, event.unlocking, "could not be unlocked", event.reason, told)
        case events.Relocked() as event:
            yield from _later(reading, recorded, event.unlocking, "is locked again", event.note, told)
        case events.RelockFailed() as event:
            text = f"{event.reason}; it is tried again, and makers may still be able to edit"
            yield from _later(reading, recorded, event.unlocking, "could not be locked again", text, told)
        case events.UnlockReviewed() as event:
            yield from _later(reading, recorded, event.unlocking, "was reviewed", event.note, ())
        case events.RanOut() as event if event.what == REVIEW:
            found = reading.get(Unlocking, event.key.removeprefix(f"{REVIEW}/"))
            for one in [found] if found else []:
                title = f"nobody has reviewed that {one.environment} was unlocked"
                text = f"{event.words}; until somebody does, nothing goes forward there"
                yield _notice(one, title, text, recorded.at, [*told, *_reviewers(strategy, one)])
        case _:
            pass


def _later(  # noqa: PLR0917 - one notice is all of these
    reading: Reading, recorded: events.Recorded, key: str, title: str, text: str, on_call: Iterable[str]
) -> Iterator[Notice]:
    one = reading.get(Unlocking, key)
    if one is not None:
        yield _notice(one, f"{one.environment} {title}", text, recorded.at, [*on_call, one.by, one.second])


def _reviewers(strategy: Strategy, one: Unlocking) -> tuple[str, ...]:
    return tuple(person.id for person in strategy.holders(SECONDS) if person.id != one.by)


def _notice(one: Unlocking, title: str, text: str, at: str, people: Iterable[str]) -> Notice:
    return Notice(
        kind=NoticeKind.UNLOCKED,
        title=title,
        text=text,
        command=f"lampway lock {one.environment} --history",
        screen=f"/environments/{one.environment}",
        at=at,
        people=tuple(dict.fromkeys(name for name in people if name)),
        environment=one.environment,
    )
