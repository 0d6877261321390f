"""What stops a release, what waits for time, and gates made of others: pure, and closed when in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_gates import APPROVAL, AT, FACTS, PROD, RELEASE, RULES, SECRET, TEST, yes

from lampway.domain.gates import judge
from lampway.domain.judgement import OPENING, Facts, GateResult, GateState
from lampway.domain.promotion import DeploymentKind
from lampway.domain.stops import Hold, HoldState, Stay, Veto, may_lift, standing
from lampway.domain.strategy import GateRule, Person, Pipeline, Stage
from lampway.domain.windows import Freeze, Window

G = GateState
NOW = "2026-01-09T18:00:00.000+00:00"
FINE, CLOSED, WAITS = GateRule("findings"), GateRule("rollback-target"), GateRule("previous-stage")
HOLD = Hold("h", "orders", "prod", "the year is closed", "ana", AT)
VETO = Veto("orders", "1.0.0", RELEASE.digest, "prod", "it lost an order", "ana", AT)
WORKING = Window(("mon", "tue", "wed", "thu", "fri"), "08:00", "17:00", "Europe/Berlin")
ANY_KIND = pytest.mark.parametrize("kind", list(DeploymentKind))


def facts(*gates: GateRule, **more: object) -> Facts:
    stage = replace(PROD, gates=gates or (FINE,))
    stage = replace(stage, **{k: more.pop(k) for k in ("windows", "expires") if k in more})
    rules = replace(RULES, pipelines=(Pipeline("standard", "dev", (TEST, stage)),), freezes=more.pop("freezes", ()))
    return replace(FACTS, stage=stage, strategy=rules, **{"now": NOW, "is_first": False, **more})


def told(judged: Facts, gate: str) -> list[GateResult]:
    return [g for g in judge(judged).gates if g.gate == gate]


@ANY_KIND
@pytest.mark.parametrize(
    ("hold", "stops"),
    [
        (HOLD, True),
        (replace(HOLD, solution=""), True),
        (replace(HOLD, environment=""), True),
        (replace(HOLD, solution="", environment="", emergency=True), True),
        (replace(HOLD, solution="billing"), False),
        (replace(HOLD, environment="test"), False),
        (replace(HOLD, state=HoldState.LIFTED), False),
        (replace(HOLD, until="2026-01-09T18:00:00.001+00:00"), True),
        (replace(HOLD, until=NOW), False),
    ],
)
def test_a_hold_stops_every_lane_where_it_stands(kind: DeploymentKind, hold: Hold, stops: bool) -> None:
    judged = facts(kind=kind, holds=(hold,))
    assert judge(judged).allowed is not stops
    assert [g.state for g in told(judged, hold.gate)] == [G.FAILED] * stops


@ANY_KIND
def test_a_veto_closes_every_lane_but_the_way_out(kind: DeploymentKind) -> None:
    assert [g.state for g in told(facts(kind=kind, veto=VETO), "veto")] == [G.FAILED]
    assert judge(facts(kind=kind, veto=VETO, removes=True)).allowed


def test_where_the_time_is_unknown_what_ends_by_itself_still_stands() -> None:
    assert replace(HOLD, until="2000-01-01T00:00:00+00:00").stands("")


def test_a_hold_and_an_emergency_stop_say_who_why_and_how_to_lift_them() -> None:
    everything = replace(HOLD, solution="", environment="", emergency=True)
    assert everything.words == "emergency stop of every environment by ana: the year is closed"
    assert everything.cure == "lampway start --all --reason ..."
    until = replace(HOLD, until="2026-01-12T00:00:00+00:00")
    assert until.words == "hold on orders in prod until Mon 2026-01-12 00:00 UTC by ana: the year is closed"
    assert until.cure == "lampway unhold orders --environment prod"
    assert [h.emergency for h in standing((HOLD, everything), "orders", "prod", NOW)] == [True, False]


def test_whoever_set_a_hold_lifts_it_or_who_answers_for_releases() -> None:
    def person(name: str, *roles: str) -> Person:
        return Person(name, name, (), roles)

    assert may_lift(HOLD, person("ana"))
    assert may_lift(HOLD, person("rita", "release-manager"))
    assert may_lift(HOLD, person("pam", "platform-admin"))
    assert not may_lift(HOLD, person("mia", "maker", "approver"))


def test_a_window_says_when_it_opens_and_stops_no_rollback() -> None:
    (window,) = told(facts(windows=(WORKING,)), "window")
    assert (window.state, window.reason) == (G.PENDING, "closed; opens Mon 08:00 Europe/Berlin")
    assert not judge(facts(windows=(WORKING,))).allowed
    assert judge(facts(windows=(WORKING,), kind=DeploymentKind.ROLLBACK)).allowed
    open_now = facts(windows=(WORKING,), now="2026-01-09T09:00:00+00:00")
    assert [g.state for g in told(open_now, "window")] == [G.PASSED]
    assert judge(open_now).allowed


def test_a_freeze_waits_for_its_end_and_stops_no_rollback() -> None:
    freeze = Freeze("2026-01-09T00:00:00+01:00", "2026-01-12T00:00:00+01:00", "audit", ("prod",), "Europe/Berlin")
    (frozen,) = told(facts(freezes=(freeze,)), "freeze")
    assert (frozen.state, frozen.next) == (G.PENDING, "ends Mon 2026-01-12 00:00 Europe/Berlin")
    assert told(facts(freezes=(replace(freeze, environments=("test",)),)), "freeze") == []
    assert judge(facts(freezes=(freeze,), kind=DeploymentKind.ROLLBACK)).allowed


@pytest.mark.parametrize("gate", ["window", "freeze", "expiry"])
def test_a_calendar_without_a_time_is_closed(gate: str) -> None:
    freeze = Freeze("2020-01-01T00:00:00+00:00", "2020-01-02T00:00:00+00:00", "long ago")
    judged = facts(windows=(WORKING,), freezes=(freeze,), expires=60.0, now="")
    assert [g.state for g in told(judged, gate)] == [G.INCONCLUSIVE]
    assert not judge(judged).allowed


def test_calendars_alone_open_nothing() -> None:
    judged = replace(facts(windows=(Window(WORKING.days, "00:00", "24:00"),)), stage=Stage("prod", "prod", ()))
    assert judge(judged).gates == ()
    assert not judge(judged).allowed


@pytest.mark.parametrize(
    ("stays", "state"),
    [
        ((), G.PENDING),
        ((Stay("test", "2026-01-09T16:00:00+00:00"),), G.PASSED),
        ((Stay("test", "2026-01-09T16:00:01+00:00"),), G.PENDING),
        ((Stay("dev", "2026-01-01T16:00:00+00:00"),), G.PENDING),
        ((Stay("test", "2026-01-01T10:00:00+00:00", "2026-01-01T11:59:59+00:00"),), G.PENDING),
        ((Stay("test", "2026-01-01T10:00:00+00:00", "2026-01-01T12:00:00+00:00"),), G.PASSED),
        ((Stay("test", "2026-01-01T10:00:00+00:00", "2026-01-01T11:00:00+00:00"), Stay("test", NOW)), G.PENDING),
    ],
)
def test_soak_is_unbroken_time_in_the_stage_before(stays: tuple[Stay, ...], state: GateState) -> None:
    (result,) = told(facts(GateRule("soak", wait=7200.0), stays=stays), "soak")
    assert result.state is state
    assert result.state in OPENING or result.next


def test_soak_tells_when_it_opens() -> None:
    (result,) = told(facts(GateRule("soak", wait=7200.0), stays=(Stay("test", "2026-01-09T17:00:00+00:00"),)), "soak")
    assert result.reason == "1 h of 2 h in test; opens Fri 19:00 UTC"


def test_soak_without_a_stage_before_or_a_time_is_closed() -> None:
    rule = GateRule("soak", wait=1.0)
    assert told(facts(rule, now=""), "soak")[0].state is G.INCONCLUSIVE
    first = replace(TEST, gates=(rule,))
    judged = facts(rule)
    rules = replace(judged.strategy, pipelines=(Pipeline("standard", "dev", (first, PROD)),))
    assert told(replace(judged, stage=first, strategy=rules), "soak")[0].state is G.INCONCLUSIVE


@given(st.floats(1, 1e6), st.floats(-1e6, 1e6))
def test_soak_never_opens_before_its_time(wait: float, lasted: float) -> None:
    since = datetime.fromisoformat(NOW) - timedelta(seconds=lasted)
    (result,) = told(facts(GateRule("soak", wait=wait), stays=(Stay("test", since.isoformat()),)), "soak")
    if result.state is G.PASSED:
        assert lasted >= wait - 1e-5


def test_an_approval_that_has_grown_old_counts_no_more() -> None:
    rule = replace(APPROVAL, max_age=7 * 86400.0)
    judged = facts(rule, decisions=(yes("ana"),))
    assert told(judged, "approval")[0].state is G.PASSED
    assert told(replace(judged, now="2026-02-01T00:00:00+00:00"), "approval")[0].state is G.PENDING
    assert told(replace(judged, now=""), "approval")[0].state is G.PENDING


def test_a_promotion_that_waited_too_long_is_closed() -> None:
    judged = facts(expires=7 * 86400.0, requested_at=AT)
    assert told(judged, "expiry") == []
    (late,) = told(replace(judged, now="2026-01-12T09:00:00.001+00:00"), "expiry")
    assert (late.state, late.next) == (G.FAILED, "ask again: lampway promote orders@1.0.0 --to prod")


def any_of(*rules: GateRule) -> GateRule:
    return GateRule("any", rules=rules)


def all_of(*rules: GateRule) -> GateRule:
    return GateRule("all", rules=rules)


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (any_of(), G.FAILED),
        (all_of(), G.FAILED),
        (any_of(any_of()), G.FAILED),
        (any_of(FINE, CLOSED), G.PASSED),
        (all_of(FINE, CLOSED), G.FAILED),
        (any_of(CLOSED, WAITS), G.PENDING),
        (all_of(CLOSED, WAITS), G.FAILED),
        (all_of(FINE, WAITS), G.PENDING),
        (any_of(CLOSED, all_of(FINE, FINE)), G.PASSED),
        (any_of(CLOSED, all_of(FINE, WAITS)), G.PENDING),
        (any_of(GateRule("lock"), CLOSED), G.INCONCLUSIVE),
    ],
)
def test_gates_made_of_others(rule: GateRule, state: GateState) -> None:
    (result,) = judge(facts(rule)).gates
    assert result.state is state
    assert len(result.parts) == len(rule.rules)
    assert result.state in OPENING or result.next


rules = st.recursive(
    st.sampled_from([FINE, CLOSED, WAITS, GateRule("lock"), APPROVAL]),
    lambda inner: st.builds(lambda kind, made: GateRule(kind, rules=tuple(made)), st.sampled_from(["any", "all"]),
                            st.lists(inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


def is_open(rule: GateRule) -> bool:
    match rule.gate:
        case "any":
            return any(map(is_open, rule.rules))
        case "all":
            return bool(rule.rules) and all(map(is_open, rule.rules))
        case _:
            return rule == FINE


@given(rules)
def test_however_gates_are_composed_what_opens_is_what_logic_says_and_empty_is_closed(rule: GateRule) -> None:
    (result,) = judge(facts(rule)).gates
    assert (result.state in OPENING) is is_open(rule)
    assert judge(facts(rule)).allowed is is_open(rule)
    assert list(result.leaves())


def test_an_approval_within_another_gate_governs_the_stage_too() -> None:
    def governing(people: tuple[Person, ...]) -> str:
        judged = facts(any_of(APPROVAL, FINE))
        return replace(judged.strategy, people=people).governing("orders", judged.stage)

    less = tuple(p for p in RULES.people if p.id != "bob")
    assert governing(RULES.people) != governing(less)
    assert [r.gate for r in facts(any_of(all_of(APPROVAL), FINE)).stage.rules_of("approval")] == ["approval"]


def test_only_what_still_matters_is_among_the_leaves() -> None:
    (opened,) = judge(facts(any_of(APPROVAL, FINE))).gates
    assert [leaf.gate for leaf in opened.leaves()] == ["any"]
    blocked = facts(any_of(APPROVAL, FINE), release=replace(RELEASE, findings=(SECRET,)))
    (closed,) = judge(blocked).gates
    assert [leaf.gate for leaf in closed.leaves()] == ["approval", "findings"]
