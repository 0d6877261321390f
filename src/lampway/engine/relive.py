"""Reliving: an evidence file's rows folded once more, with what could be known whenever something was decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lampway.domain import events
from lampway.domain.events import Recorded
from lampway.domain.judgement import Facts
from lampway.domain.promotion import Bound, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.engine.context import rules_in_force
from lampway.engine.facts import bind, case_of, gather
from lampway.engine.folded import Folded


@dataclass(frozen=True, slots=True)
class Look:
    """What could be known just before one row."""

    row: Recorded
    promotion: Promotion
    facts: Facts | None
    """None where the promotion's release or stage was not in the rules in force."""
    ground: Bound | None = None
    """What the promotion would have been bound to then."""


def relive(told: Iterable[Recorded], release: Release) -> tuple[Look, ...]:
    """Return a look at every decision about this release and at every start of its deployments.

    Raises StorageError where a row does not follow from the ones before it, RefusedError without rules in force.
    """
    records, looks = Folded(), []
    for recorded in told:
        asked = _asks(recorded.event)
        promotion = records.get(Promotion, asked[0]) if asked else None
        if asked and promotion is not None and (promotion.solution, promotion.version) == _name(release):
            looks.append(_look(records, recorded, promotion, asked[1]))
        records.fold(recorded)
    return tuple(looks)


def _name(release: Release) -> tuple[str, str]:
    return release.solution, release.version


def _asks(event: events.Event) -> tuple[str, str] | None:
    """Return the promotion that an event decides about, and when that was judged; None for any other event."""
    match event:
        case events.DecisionMade(promotion=key, decision=decision):
            return key, decision.at
        case events.PromotionMoved(promotion=key, state=PromotionState.READY):
            return key, event.judged_at
        case _:
            return None


def _look(records: Folded, recorded: Recorded, promotion: Promotion, at: str) -> Look:
    case = case_of(records, promotion)
    if case is None:
        return Look(recorded, promotion, None)
    ground = bind(records, rules_in_force(records).strategy, case.stage, case.release)
    return Look(recorded, promotion, gather(records, case, at or recorded.at), ground)
