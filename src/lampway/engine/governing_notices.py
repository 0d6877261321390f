"""What people are told about what owners answer for: questions, what follows, switches and retirements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lampway.domain import events
from lampway.domain.moments import shown
from lampway.domain.notify import Notice, NoticeKind
from lampway.domain.recertification import Question
from lampway.domain.retirement import Retirement, RetirementState
from lampway.domain.strategy import Strategy
from lampway.domain.switches import Switch
from lampway.engine.store import Reading

TOLD_OF_GOVERNING = frozenset(
    {
        events.CampaignOpened.kind,
        events.RungTaken.kind,
        events.QuestionAnswered.kind,
        events.AnswerReviewed.kind,
        events.ReviewReminded.kind,
        events.SwitchAsked.kind,
        events.Switched.kind,
        events.SwitchDelayed.kind,
        events.RetirementRequested.kind,
        events.RetirementBegun.kind,
        events.RetirementDelayed.kind,
        events.RetirementEnded.kind,
    }
)
"""Kinds of event that may make something due to be told."""
_ADMIN = ("platform-admin",)


def governing_notices(  # noqa: C901 - a case per kind
    reading: Reading, strategy: Strategy, recorded: events.Recorded
) -> Iterator[Notice]:
    """Yield what people are told of one of these events; asked before it is folded in."""
    match recorded.event:
        case events.CampaignOpened(questions=questions):
            for question in questions:
                text = f"Is {question.solution} still needed? Please answer by {shown(question.due)}."
                yield _question(question, "still needed?", text, recorded.at, [question.profile.owner])
        case events.RungTaken() as event:
            yield from _rung(reading, event, recorded.at)
        case events.QuestionAnswered(review=True) as event:
            asked = reading.get(Question, event.question)
            role = strategy.recertification.reviewer if strategy.recertification else ""
            people = [p.id for p in strategy.holders((role,)) if p.id != event.answer.by]
            if asked is not None:
                yield _question(asked, "answer to review", _said(event), recorded.at, people, "campaigns")
        case events.AnswerReviewed(accepted=False) as event:
            asked = reading.get(Question, event.question)
            if asked is not None:
                text = f"{event.by} sent the answer back: {event.said}"
                yield _question(asked, "answer sent back", text, recorded.at, [asked.profile.owner])
        case events.ReviewReminded() as event:
            asked = reading.get(Question, event.question)
            if asked is not None:
                text = "An answer waits for your review; until then its owner's clock stands still."
                yield _question(asked, "answer to review", text, recorded.at, event.people, "campaigns")
        case events.SwitchAsked() | events.Switched() | events.SwitchDelayed():
            yield from _switches(reading, strategy, recorded)
        case _:
            yield from _retirements(reading, strategy, recorded)


def _rung(reading: Reading, event: events.RungTaken, at: str) -> Iterator[Notice]:
    question = reading.get(Question, event.question)
    if question is not None:
        coming = f" On {shown(event.following_at)} follows: {event.following}." if event.following else ""
        title = {"remind": "reminder", "escalate": "escalated"}.get(event.then, event.then)
        yield _question(question, title, f"{event.words}.{coming}", at, event.people)


def _said(event: events.QuestionAnswered) -> str:
    needed = "still needed" if event.answer.needed else "no longer needed"
    return f"{event.answer.by} says: {needed}. {event.answer.reason}".strip()


def _switches(reading: Reading, strategy: Strategy, recorded: events.Recorded) -> Iterator[Notice]:
    match recorded.event:
        case events.SwitchAsked(switch=switch) if switch.note:
            yield _switch(switch, "switch by hand", _by_hand(switch, switch.note), recorded.at, _admins(strategy))
        case events.SwitchDelayed(by_hand=True) as event:
            found = reading.get(Switch, event.switch)
            if found is not None:
                text = _by_hand(found, event.note)
                yield _switch(found, "switch by hand", text, recorded.at, _admins(strategy))
        case events.Switched() as event:
            found = reading.get(Switch, event.switch)
            if found is not None:
                which = "on again" if event.is_on else "off"
                people = [*_owners(strategy, found.solution), *_admins(strategy)]
                yield _switch(found, f"switched {which}", found.reason, recorded.at, people)
        case _:
            pass


def _by_hand(switch: Switch, note: str) -> str:
    which = "on" if switch.wants_on else "off"
    return (
        f"{switch.solution} has to be switched {which} in {switch.environment} by hand: {note}. Then say so: "
        f"lampway switched {switch.solution} --in {switch.environment} --reason '...'"
    )


def _retirements(reading: Reading, strategy: Strategy, recorded: events.Recorded) -> Iterator[Notice]:
    match recorded.event:
        case events.RetirementRequested(retirement=asked):
            people = [*_owners(strategy, asked.solution), *_admins(strategy)]
            text = f"{asked.requested_by} asks to retire {asked.scope}: {asked.reason}. Somebody else approves."
            yield _retirement(asked, "retirement asked for", text, recorded.at, people)
        case events.RetirementBegun() as event:
            yield from _about(reading, strategy, event.retirement, recorded.at, f"removed {shown(event.remove_at)}")
        case events.RetirementDelayed() as event:
            yield from _about(reading, strategy, event.retirement, recorded.at, f"not removed yet: {event.note}")
        case events.RetirementEnded() as event:
            word = "retired" if event.state is RetirementState.DONE else "retirement taken back"
            yield from _about(reading, strategy, event.retirement, recorded.at, f"{word}: {event.reason}")
        case _:
            pass


def _about(reading: Reading, strategy: Strategy, key: str, at: str, text: str) -> Iterator[Notice]:
    found = reading.get(Retirement, key)
    if found is not None:
        people = [found.requested_by, *_owners(strategy, found.solution), *_admins(strategy)]
        known = [p.id for name in people if (p := strategy.person(name)) is not None]
        yield _retirement(found, "retirement", f"{found.scope}: {text}", at, known)


def _owners(strategy: Strategy, solution: str) -> list[str]:
    found = next((s for s in strategy.solutions if s.name == solution), None)
    return [name for name in (found.owner, found.backup_owner) if name] if found else []


def _admins(strategy: Strategy) -> list[str]:
    return [p.id for p in strategy.holders(_ADMIN)]


def _question(  # noqa: PLR0917 - one notice is all of these
    question: Question, title: str, text: str, at: str, people: Iterable[str], command: str = ""
) -> Notice:
    return Notice(
        kind=NoticeKind.CERTIFY,
        title=f"{title}: {question.solution}",
        text=text,
        command=f"lampway {command or f'recertify {question.solution} --show'}",
        screen=f"/solutions/{question.solution}",
        at=at,
        people=_each(people),
        solution=question.solution,
    )


def _switch(switch: Switch, title: str, text: str, at: str, people: Iterable[str]) -> Notice:
    return Notice(
        kind=NoticeKind.SWITCHED,
        title=f"{title}: {switch.solution} in {switch.environment}",
        text=text,
        command="lampway campaigns",
        screen=f"/environments/{switch.environment}",
        at=at,
        people=_each(people),
        solution=switch.solution,
        environment=switch.environment,
    )


def _retirement(retirement: Retirement, title: str, text: str, at: str, people: Iterable[str]) -> Notice:
    return Notice(
        kind=NoticeKind.RETIREMENT,
        title=f"{title}: {retirement.scope}",
        text=text,
        command="lampway retire --list",
        screen=f"/solutions/{retirement.solution}",
        at=at,
        people=_each(people),
        solution=retirement.solution,
        environment=retirement.environment,
    )


def _each(people: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in people if name))
