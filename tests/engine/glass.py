"""Break-glass, in short words: teams that may unlock production, and what there is to see of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from team import Team

from lampway.domain.judgement import GateState
from lampway.domain.notify import Channel, Notify, Route
from lampway.domain.strategy import Strategy, Tier
from lampway.domain.unlocking import Unlocking, UnlockRule
from lampway.engine.relock import tend_unlockings
from lampway.engine.unlock import Unlock
from lampway.engine.views import Explain
from lampway.runtime.timetable import CronCalendar

CALENDAR = CronCalendar()
HOUR = 3600.0
LABEL = "PROD, locked: use lampway"
CHAT = Notify((Channel("chat", apprise="env:CHAT"),), (Route(("chat",)),))


def with_prod_tier(rules: Strategy, **given: Any) -> Strategy:
    return replace(rules, tiers=(*rules.tiers[:-1], Tier("prod", locked=True, **given)))


def unlockable(team: Team, *, alone: bool = True, longest: float = 4 * HOUR) -> Team:
    team.govern(with_prod_tier(team.rules, unlock=UnlockRule(longest, alone)))
    return team


def unlock(team: Team, by: str = "rita", *, hours: float = 2, **more: Any) -> Unlocking:
    return team.run(Unlock("prod", "the warehouse stands still", hours * HOUR, **more), by)


def the_one(team: Team) -> Unlocking:
    return team.find(Unlocking)[-1]


def gates(team: Team) -> dict[str, tuple[GateState, str]]:
    return {g.gate: (g.state, g.reason) for g in team.run(Explain("orders", "prod")).gates}


def tend(team: Team, engine: Any = None) -> list[tuple[bool, str]]:
    return [(r.locked, r.note) for r in tend_unlockings(engine or team.engine)[0]]


def count(team: Team, kind: str) -> int:
    return team.kinds().count(kind)
