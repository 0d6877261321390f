"""What owners answer for, in words: one line for each event, as `describe` does for all others."""

from __future__ import annotations

from collections.abc import Mapping

from lampway.domain import events
from lampway.domain.moments import shown
from lampway.domain.retirement import RetirementState


def describe_governing(event: events.Event, names: Mapping[str, str]) -> str:  # noqa: C901, PLR0911 - a line per kind
    """Return what happened, in one line. `names` says what questions, switches and retirements stand for."""
    match event:
        case events.CampaignOpened(campaign=c):
            many = "1 owner" if len(c.asked) == 1 else f"{len(c.asked)} owners"
            return f"campaign {c.id}: {many} asked, answers are due {shown(c.due)}"
        case events.RungTaken():
            coming = f"; {event.following} follows {shown(event.following_at)}" if event.following else ""
            return f"{names.get(event.question, event.question)}: {event.then}: {event.words}{coming}"
        case events.QuestionAnswered(answer=a):
            said = "still needed" if a.needed else "no longer needed"
            note = f": {a.reason}" if a.reason else ""
            return f"{names.get(event.question, event.question)}: {said}, says {a.by}{note}"
        case events.AnswerReviewed():
            said = "accepted" if event.accepted else f"sent back: {event.said}"
            return f"{names.get(event.question, event.question)}: answer {said} by {event.by}"
        case events.ReviewReminded(people=people):
            return f"{names.get(event.question, event.question)}: {', '.join(people)} reminded: an answer waits"
        case events.CertificateClosed():
            return f"certificate {event.certification} ended: {event.reason}"
        case events.SwitchAsked(switch=switch):
            return switch.words
        case events.SwitchBegun():
            return f"{names.get(event.switch, event.switch)}: the platform is asked to switch it"
        case events.Switched():
            note = f": {event.note}" if event.note else ""
            return f"{names.get(event.switch, event.switch)}: switched {'on' if event.is_on else 'off'}{note}"
        case events.SwitchDelayed():
            how = "to be done by hand" if event.by_hand else "not switched yet"
            return f"{names.get(event.switch, event.switch)}: {how}: {event.note}"
        case _:
            return _retirement(event, names)


def _retirement(event: events.Event, names: Mapping[str, str]) -> str:  # noqa: PLR0911 - likewise
    match event:
        case events.RetirementRequested(retirement=r):
            return f"retirement of {r.scope} asked for: {r.reason}"
        case events.RetirementApproved(consent=c):
            return f"retirement of {names.get(event.retirement, event.retirement)} approved by {c.by}"
        case events.RetirementBegun():
            name = names.get(event.retirement, event.retirement)
            return f"{name} is retired: evidence and package put aside, removed on {shown(event.remove_at)}"
        case events.RetirementDelayed():
            return f"retirement of {names.get(event.retirement, event.retirement)} put off: {event.note}"
        case events.RemovalAsked():
            return f"removal of {names.get(event.retirement, event.retirement)} asked for"
        case events.RetirementEnded():
            said = "retired" if event.state is RetirementState.DONE else "not retired after all"
            return f"{names.get(event.retirement, event.retirement)} {said}: {event.reason}"
        case _:
            return event.kind
