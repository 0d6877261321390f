"""Whoever has the ledger and nothing else comes to the same judgement as the engine did at the time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from team import PROD_GATES, Team, with_gates
from test_ledger import ACTIONS

from lampway.domain.digest import to_plain
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.strategy import GateRule, Strategy
from lampway.domain.windows import Window
from lampway.engine.facts import case_of, eligibility
from lampway.errors import LampwayError
from lampway.storage.sql import open_memory
from lampway.testing.world import CrashError


def demanding(rules: Strategy) -> Strategy:
    """Return rules in which everything that looks at the time has a say."""
    either = GateRule("any", rules=(GateRule("soak", wait=120.0), GateRule("checks", kinds=("functional",))))
    (path,) = with_gates(rules, "prod", (*PROD_GATES, either)).pipelines
    window = Window(("mon", "tue"), "09:00", "12:00", "UTC")
    stages = tuple(replace(s, windows=(window,), expires=1800.0) if s.name == "prod" else s for s in path.stages)
    return replace(rules, pipelines=(replace(path, stages=stages),))


def recompute(team: Team) -> int:
    """Judge every start again from the events before it, in a store of its own; return how many there were."""
    fresh, count = open_memory(team.clock), 0
    with fresh.transaction() as rebuilt:
        for recorded in team.store.events():
            event = recorded.event
            if event.kind == "promotion-moved" and event.state is PromotionState.READY:
                case = case_of(rebuilt, rebuilt.get(Promotion, event.promotion))
                judged = eligibility(rebuilt, case, event.judged_at)
                assert judged.allowed
                assert [to_plain(gate) for gate in judged.gates] == list(event.gates)
                count += 1
            rebuilt.fold(recorded)
    fresh.close()
    return count


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 20)), min_size=20, max_size=35))
def test_every_start_is_judged_the_same_from_the_ledger_alone(new_team: Team, life: list[tuple[str, int]]) -> None:
    team = new_team.copy()
    team.govern(demanding(team.rules))
    for name, number in (("release", 0), ("prod", 0), ("approve", 0), *life):
        team.clock.move(minutes=1)
        try:
            ACTIONS[name](team, number)
        except (LampwayError, CrashError):
            continue
    assert recompute(team) >= 1
    team.store.close()


def test_a_store_from_before_says_nothing_of_the_time_and_is_read_all_the_same() -> None:
    from lampway.storage.codec import event_from

    body = '{"promotion": "p", "state": "ready", "reason": "every gate is open", "gates": []}'
    assert event_from("promotion-moved", 1, body, where="").judged_at == ""
