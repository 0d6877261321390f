"""Words for tests about what owners answer for: rules, a worker's life, and what was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from team import Team

from lampway.domain.recertification import Cadence, Consequence, RecertificationRules, RetirementRules, Rung
from lampway.domain.strategy import Strategy
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.reach import concerns_everywhere
from lampway.engine.schedules import fire_due, next_moment, plan_environment, plan_everywhere
from lampway.runtime.timetable import CronCalendar

CALENDAR = CronCalendar()
DAY = 86_400.0
LADDER = (
    Rung(Consequence.REMIND, 7 * DAY),
    Rung(Consequence.ESCALATE, 7 * DAY, ("release-manager",)),
    Rung(Consequence.SWITCH_OFF, 14 * DAY),
    Rung(Consequence.RETIRE, 90 * DAY),
)
RULES = RecertificationRules(
    starts="2026-02-01",
    cadences=(Cadence("high", 3, 14 * DAY), Cadence("medium", 12, 30 * DAY)),
    ladder=LADDER,
    zone="Europe/Vienna",
)
SAID = {"purpose": "takes orders", "users": "the desk", "data_class": "internal"}


def governed(rules: Strategy, asked: RecertificationRules | None = RULES, **changes: Any) -> Strategy:
    """Return rules with recertification, in which orders has a backup owner."""
    solutions = tuple(replace(s, backup_owner="rita", **changes) if s.name == "orders" else s for s in rules.solutions)
    return replace(rules, recertification=asked, retirement=RetirementRules(30 * DAY), solutions=solutions)


def work(team: Team) -> None:
    """Do what a worker does at this moment, and nothing later."""
    before = -1
    while before != len(team.kinds()):
        before = len(team.kinds())
        plan_everywhere(team.engine, CALENDAR)
        for name in environments_with_work(team.engine):
            drain(team.engine, name)
            plan_environment(team.engine, name)
        list(fire_due(team.engine, CALENDAR))


def run_until(team: Team, end: datetime) -> None:
    """Let a worker run until then: it sleeps from one due moment to the next, and follows what is recorded."""
    work(team)
    while (left := next_moment(team.engine)) <= (end - team.clock.time).total_seconds():
        team.clock.move(seconds=max(left, 0.001))
        seen = len(team.kinds())
        list(fire_due(team.engine, CALENDAR))
        recorded = list(team.store.events(seen))
        if concerns_everywhere(recorded):
            plan_everywhere(team.engine, CALENDAR)
        for name in environments_with_work(team.engine):
            drain(team.engine, name)
            plan_environment(team.engine, name)
    team.clock.time = end


def run_for(team: Team, **by: float) -> None:
    """Let a worker run for a while."""
    run_until(team, team.clock.time + timedelta(**by))


def told(team: Team, kind: str) -> list[Any]:
    return [recorded for recorded in team.store.events() if recorded.event.kind == kind]


def rungs(team: Team) -> list[str]:
    return [recorded.event.then for recorded in told(team, "rung-taken")]
