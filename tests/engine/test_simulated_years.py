"""Years of campaigns, reminders, certificates: each comes once, none is left out, beside a model that only counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from governing import CALENDAR, DAY, SAID, governed, run_until, told
from team import Team

from lampway.domain.recertification import Cadence, Consequence, Question, RecertificationRules, Rung
from lampway.domain.schedules import DriftSchedule, Schedules
from lampway.engine.certify import Recertify
from lampway.engine.schedules import fire_due, plan_everywhere

YEARS = 6
MONTHS, ANSWER, GRACE = 3, 10, (5, 7)
LADDER = tuple(
    Rung(then, days * DAY) for then, days in zip((Consequence.REMIND, Consequence.ESCALATE), GRACE, strict=True)
)
ANSWERED_AFTER = (3, 12, 20, 30)
"""Days after which the owner answers, campaign by campaign, over and over: in time, late, reminded, escalated."""


def rules_of(zone: str, at: str) -> RecertificationRules:
    return RecertificationRules("2026-01-31", (Cadence("medium", MONTHS, ANSWER * DAY),), LADDER, at=at, zone=zone)


def openings(zone: str, at: str) -> list[datetime]:
    """Return when campaigns open, counted on a calendar on the wall: always the last day of the month."""
    found = []
    year, month = 2026, 1
    for _ in range(YEARS * 12 // MONTHS):
        first_of_next = date(year + month // 12, month % 12 + 1, 1)
        day = (first_of_next - timedelta(days=1)).day
        wall = datetime(year, month, day, int(at[:2]), int(at[3:]), tzinfo=ZoneInfo(zone))
        found.append(wall.astimezone(UTC))
        year, month = year + (month + MONTHS - 1) // 12, (month + MONTHS - 1) % 12 + 1
    return found


@pytest.mark.parametrize(
    ("zone", "at"), [("Europe/Vienna", "02:30"), ("America/New_York", "01:30"), ("Europe/Vienna", "23:59")]
)
def test_six_years_of_campaigns_are_those_of_the_model(shipped: Team, zone: str, at: str) -> None:
    team = shipped
    team.govern(governed(team.rules, rules_of(zone, at)))
    slots = openings(zone, at)
    reminders, escalations, ends = [], [], []
    for number, slot in enumerate(slots):
        after = ANSWERED_AFTER[number % len(ANSWERED_AFTER)]
        answered = slot + timedelta(days=after)
        run_until(team, answered)
        team.do(Recertify("orders", **SAID), "mia" if number % 2 else "rita" if after > ANSWER + sum(GRACE) else "mia")
        following = slots[number + 1] if number + 1 < len(slots) else None
        ends.append(following + timedelta(days=ANSWER) if following else None)
        late = [slot + timedelta(days=ANSWER + sum(GRACE[: n + 1])) for n in range(2)]
        reminders += [late[0]] if late[0] <= answered else []
        escalations += [late[1]] if late[1] <= answered else []
    opened = [datetime.fromisoformat(r.at) for r in told(team, "campaign-opened")]
    assert opened == slots
    assert len(team.find(Question)) == len(slots) == 24
    rungs = [(r.event.then, datetime.fromisoformat(r.at)) for r in told(team, "rung-taken")]
    assert [at for then, at in rungs if then == "remind"] == reminders
    assert [at for then, at in rungs if then == "escalate"] == escalations
    assert len(rungs) == len(reminders) + len(escalations)
    promised = [datetime.fromisoformat(r.event.certification.until) for r in told(team, "certified")]
    assert promised[:-1] == ends[:-1]
    answers = [slot + timedelta(days=ANSWERED_AFTER[n % 4]) for n, slot in enumerate(slots)]
    ran_out = [end for end, renewed in zip(ends, answers[1:], strict=False) if end and end < renewed]
    certificates = [r for r in told(team, "ran-out") if r.event.what == "certification"]
    assert [datetime.fromisoformat(r.at) for r in certificates] == ran_out
    assert max(Counter(r.event.key for r in certificates).values()) == 1


def test_beside_nightly_scans_and_after_downtime_nothing_is_told_twice(shipped: Team) -> None:
    """Five years, in which nobody works in every second summer; nights are counted on the wall."""
    zone = "America/New_York"
    table = DriftSchedule("30 2 * * sun", zone, ("prod",))
    rules = governed(shipped.rules, rules_of(zone, "02:30"))
    shipped.govern(replace(rules, schedules=Schedules(drift=(table,))))
    since = len(shipped.kinds())
    end = datetime(2031, 1, 5, tzinfo=UTC)
    while shipped.clock.time < end:
        year = shipped.clock.time.year
        run_until(shipped, min(datetime(year, 6, 1, tzinfo=UTC), end))
        if year % 2:
            shipped.clock.time = datetime(year, 9, 15, tzinfo=UTC)
            plan_everywhere(shipped.engine, CALENDAR)
            list(fire_due(shipped.engine, CALENDAR))
        run_until(shipped, min(datetime(year + 1, 1, 5, tzinfo=UTC), end))
    slots = [r.event.campaign.slot for r in told(shipped, "campaign-opened")]
    assert len(slots) == len(set(slots))
    expected = {o.isoformat(timespec="milliseconds") for o in openings(zone, "02:30") if o < end}
    missed = {"2027-07-31", "2029-07-31"}
    assert {s[:10] for s in set(slots) ^ expected} <= missed, "what was missed stands in the campaign after downtime"
    assert len(told(shipped, "rung-taken")) == 2, "who owes an answer is asked once, reminded once, escalated once"
    nights = Counter(
        datetime.fromisoformat(r.at).astimezone(ZoneInfo(zone)).date()
        for r in told(shipped, "environment-observed")
        if r.actor.person == "lampway" and r.seq > since
    )
    assert {d: n for d, n in nights.items() if n > 1} == {}
