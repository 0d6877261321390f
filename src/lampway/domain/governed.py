"""Projection of what owners answer for: campaigns, questions, switches and retirements. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from lampway.domain import events
from lampway.domain.certification import Certification
from lampway.domain.due import Passed
from lampway.domain.recertification import ASKED, Campaign, Question, QuestionState, with_answer, with_review
from lampway.domain.retirement import Retirement, RetirementState
from lampway.domain.switches import Switch, SwitchState
from lampway.errors import StorageError

if TYPE_CHECKING:
    from lampway.domain.projection import Records

T = TypeVar("T")

GOVERNED: tuple[type, ...] = (Campaign, Question, Switch, Retirement)
"""Kinds of record."""
ABOUT = (
    events.CampaignOpened
    | events.RungTaken
    | events.QuestionAnswered
    | events.AnswerReviewed
    | events.ReviewReminded
    | events.SwitchAsked
    | events.SwitchBegun
    | events.Switched
    | events.SwitchDelayed
    | events.RetirementRequested
    | events.RetirementApproved
    | events.RetirementBegun
    | events.RetirementDelayed
    | events.RemovalAsked
    | events.RetirementEnded
    | events.CertificateClosed
)
"""The facts that are folded here."""


def project_governed(recorded: events.Recorded, records: Records) -> None:
    """Fold one of these facts into the records. Raises StorageError when it does not follow from what came before."""
    match recorded.event:
        case events.SwitchAsked() | events.SwitchBegun() | events.Switched() | events.SwitchDelayed():
            _switch(recorded, records)
        case events.CertificateClosed(certification=key):
            given = _need(records, Certification, key)
            records.put(key, replace(given, until=recorded.at))
        case (
            events.CampaignOpened()
            | events.RungTaken()
            | events.QuestionAnswered()
            | events.AnswerReviewed()
            | events.ReviewReminded()
        ):
            _question(recorded, records)
        case _:
            _retirement(recorded, records)


def _question(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.CampaignOpened(campaign=campaign, questions=questions):
            records.put(campaign.id, campaign)
            for question in questions:
                records.put(question.id, question)
        case events.RungTaken(question=key, then=then):
            question = _need(records, Question, key)
            records.put(key, replace(question, taken=(*question.taken, then), since=recorded.at))
        case events.QuestionAnswered() as event:
            question = _need(records, Question, event.question)
            records.put(question.id, with_answer(question, event.answer, reviewed=event.review))
        case events.AnswerReviewed() as event:
            question = _need(records, Question, event.question)
            looked = with_review(question, event.by, recorded.at, event.said, accepted=event.accepted)
            records.put(question.id, looked)
        case events.ReviewReminded(key=key, due=due):
            records.put(key, Passed(key, due))
        case _:
            pass


def _switch(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.SwitchAsked(switch=switch):
            records.put(switch.id, switch)
        case events.SwitchBegun(switch=key):
            switch = _need(records, Switch, key)
            records.put(key, replace(switch, begun=switch.begun or recorded.at))
        case events.Switched(switch=key, is_on=is_on, note=note):
            switch = _need(records, Switch, key)
            state = SwitchState.ON if is_on else SwitchState.OFF
            records.put(key, replace(switch, state=state, at=recorded.at, note=note))
        case events.SwitchDelayed(switch=key, by_hand=by_hand, note=note):
            switch = _need(records, Switch, key)
            hand = SwitchState.ON_BY_HAND if switch.wants_on else SwitchState.OFF_BY_HAND
            records.put(key, replace(switch, state=hand if by_hand else switch.state, note=note))
        case _:
            pass


def replaced_switch(records: Records, key: str, *, removed: bool) -> None:
    """Bring a switch up to date once something was deployed over it, which runs: what shall be off goes off again."""
    switch = records.get(Switch, key)
    if switch is None:
        return
    if removed or switch.wants_on:
        records.delete(Switch, key)
    elif switch.state is SwitchState.OFF:
        records.put(key, replace(switch, state=SwitchState.TO_OFF, begun=""))


def _retirement(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.RetirementRequested(retirement=retirement):
            records.put(retirement.id, retirement)
        case events.RetirementApproved(retirement=key, consent=consent):
            retirement = _need(records, Retirement, key)
            records.put(key, replace(retirement, consents=(*retirement.consents, consent)))
        case events.RetirementBegun() as event:
            retirement = _need(records, Retirement, event.retirement)
            begun = replace(retirement, state=RetirementState.WAITING, places=event.places, archive=event.archive)
            records.put(retirement.id, replace(begun, remove_at=event.remove_at))
        case events.RetirementDelayed() as event:
            retirement = _need(records, Retirement, event.retirement)
            put_off = replace(retirement, state=RetirementState.WAITING, note=event.note, remove_at=event.remove_at)
            records.put(retirement.id, put_off)
        case events.RemovalAsked() as event:
            retirement = _need(records, Retirement, event.retirement)
            removing = replace(retirement, state=RetirementState.REMOVING, removals=event.promotions, note="")
            records.put(retirement.id, removing)
        case events.RetirementEnded() as event:
            _ended(_need(records, Retirement, event.retirement), event, recorded, records)
        case _:
            pass


def _ended(retirement: Retirement, event: events.RetirementEnded, recorded: events.Recorded, records: Records) -> None:
    ended = replace(retirement, state=event.state, note=event.reason, ended_at=recorded.at)
    records.put(retirement.id, replace(ended, ended_by=recorded.actor.person))
    question = records.get(Question, retirement.cause) if retirement.cause else None
    if question is not None and question.state in ASKED and event.state is RetirementState.DONE:
        records.put(question.id, replace(question, state=QuestionState.RETIRED))


def _need(records: Records, kind: type[T], key: str) -> T:
    record = records.get(kind, key)
    if record is None:
        raise StorageError(f"the ledger speaks of a {kind.__name__.lower()} that it never recorded: {key}")
    return record
