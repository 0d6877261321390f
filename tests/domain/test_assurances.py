"""Gates about what stands behind a release: each closed unless it is known that what it asks for is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_gates import FACTS, GOOD, PROD, RELEASE, RULES, TEST, drift, evidence

from lampway.domain.certification import Certification
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import CheckOutcome, DriftState, Installation
from lampway.domain.duties import RiskClass
from lampway.domain.gates import GATE_KINDS, judge
from lampway.domain.judgement import OPENING, Facts, GateResult, GateState
from lampway.domain.package import Dependency
from lampway.domain.rehearsal import Rehearsal
from lampway.domain.risk import classify
from lampway.domain.strategy import Check, GateRule, Pipeline, Solution, Strategy
from lampway.domain.waiver import WAIVABLE, Waiver
from lampway.domain.windows import Freeze, Window

G = GateState
NOW = "2026-01-05T12:00:00.000+00:00"
BILLING = Solution("billing", "standard", "max", ("Billing",))
DIGEST = "sha256:" + "a" * 64
DAY = 86_400.0


def at(day: int) -> str:
    return f"2026-01-{day:02}T12:00:00.000+00:00"


def runs(version: str, release: str = "old", *, verified: bool = True, **more: str) -> Installation:
    place = {"environment": "prod", "solution": "orders", **more}
    return Installation(
        **place, version=version, release=release, package="p", configuration=ConfigurationSet(), deployment="d",
        since=NOW, verified=verified,
    )  # fmt: skip


def rules(rule: GateRule, *, data: str = "", **solution: object) -> Strategy:
    stage = replace(PROD, gates=(rule,), waiver_roles=("approver",))
    places = tuple(replace(e, data=data) if e.name == "test" else e for e in RULES.environments)
    orders = replace(RULES.solutions[0], **solution)
    return replace(
        RULES, pipelines=(Pipeline("standard", "dev", (TEST, stage)),), solutions=(orders, BILLING), environments=places
    )


def judged(rule: GateRule, strategy: Strategy | None = None, **facts: object) -> GateResult:
    known = strategy or rules(rule)
    found = judge(replace(FACTS, strategy=known, stage=known.pipelines[0].stages[1], now=NOW, **facts)).gates
    (result,) = [g for g in found if g.gate == rule.gate]
    assert result.reason
    assert result.state in OPENING or result.next
    return result


MANAGED = GateRule("managed")


@pytest.mark.parametrize(("form", "state"), [(None, G.PASSED), (True, G.PASSED), (False, G.FAILED)])
def test_a_package_must_be_managed_where_the_platform_knows_that(form: bool | None, state: GateState) -> None:
    release = replace(RELEASE, inventory=replace(RELEASE.inventory, managed=form))
    result = judged(MANAGED, release=release)
    assert result.state is state
    assert (form is None) is ("no managed form" in result.reason)


REHEARSED = GateRule("rehearsed", max_age=2 * DAY)
OLD, BACK = runs("0.9.0"), replace(GOOD, release="old", version="0.9.0")
DONE = Rehearsal("test", "old", RELEASE.digest, at(4), back="old")


@pytest.mark.parametrize(
    ("there", "done", "state"),
    [
        ((OLD,), (DONE,), G.PASSED),
        ((OLD,), (), G.PENDING),
        ((OLD,), (replace(DONE, at=at(3)),), G.PASSED),
        ((OLD,), (replace(DONE, at=at(2)),), G.EXPIRED),
        ((OLD,), (replace(DONE, at=at(2)), DONE), G.PASSED),
        ((OLD,), (DONE, replace(DONE, at=at(2))), G.PASSED),
        ((OLD,), (replace(DONE, back=""),), G.PENDING),
        ((OLD,), (replace(DONE, back="other"),), G.PENDING),
        ((OLD,), (replace(DONE, old="other"),), G.PENDING),
        ((OLD,), (replace(DONE, new="other"),), G.PENDING),
        ((OLD,), (replace(DONE, environment="prod"),), G.PENDING),
        ((OLD,), (replace(DONE, environment="dev"),), G.PENDING),
        ((), (), G.PASSED),
        ((runs("1.0.0", RELEASE.digest),), (), G.PASSED),
    ],
)
def test_only_exactly_this_upgrade_and_way_back_count_as_a_rehearsal(
    there: tuple[Installation, ...], done: tuple[Rehearsal, ...], state: GateState
) -> None:
    assert judged(REHEARSED, installations=there, rehearsals=done, rollback=BACK).state is state


def test_without_anything_to_go_back_to_there_is_nothing_to_rehearse() -> None:
    assert judged(REHEARSED, installations=(OLD,), rehearsals=(DONE,)).state is G.FAILED


def test_a_rehearsal_of_unknown_age_counts_for_nothing_where_age_matters() -> None:
    known = rules(REHEARSED)
    facts = replace(FACTS, strategy=known, stage=known.pipelines[0].stages[1], now="")
    facts = replace(facts, installations=(OLD,), rehearsals=(DONE,), rollback=BACK)
    assert judge(facts).gates[0].state is G.EXPIRED


@pytest.mark.parametrize(
    ("in_test", "done"),
    [(None, ()), ("old", ()), ("new", (replace(DONE, back=""),)), ("new", ()), ("other", (replace(DONE, back=""),))],
)
def test_one_command_does_what_is_missing(in_test: str | None, done: tuple[Rehearsal, ...]) -> None:
    digest = RELEASE.digest if in_test == "new" else in_test
    there = (OLD, runs("x", digest, environment="test")) if digest else (OLD,)
    found = judged(REHEARSED, installations=there, rehearsals=done, rollback=BACK).next
    assert found == f"lampway rehearse {RELEASE.name} --in test"


NEEDS = GateRule("dependencies")
NEED = Dependency("solution", "billing", "1.2.0")


def there(version: str, **more: object) -> Installation:
    return replace(runs(version, solution="billing"), **more)


@pytest.mark.parametrize(
    ("needs", "installations", "state"),
    [
        ((), (), G.PASSED),
        ((NEED,), (), G.PENDING),
        ((NEED,), (there("1.1.9"),), G.PENDING),
        ((NEED,), (there("1.2.0"),), G.PASSED),
        ((NEED,), (there("1.10.0"),), G.PASSED),
        ((NEED,), (there("1.2.0", environment="test"),), G.PENDING),
        ((NEED,), (there("1.2.0", verified=False),), G.PENDING),
        ((NEED,), (there("latest"),), G.INCONCLUSIVE),
        ((replace(NEED, version=""),), (there("0.0.1"),), G.PASSED),
        ((NEED, replace(NEED, version="2.0")), (there("1.2.0"),), G.PENDING),
        ((NEED, replace(NEED, name="msdyn")), (there("1.2.0"),), G.WARNED),
        ((NEED, replace(NEED, name="msdyn")), (), G.PENDING),
        ((Dependency("plug-in", "soap"),), (), G.PASSED),
    ],
)
def test_what_a_release_needs_must_run_there_in_a_version_that_will_do(
    needs: tuple[Dependency, ...], installations: tuple[Installation, ...], state: GateState
) -> None:
    for release in (
        replace(RELEASE, depends_on=tuple(n for n in needs if n.kind == "solution")),
        replace(RELEASE, inventory=replace(RELEASE.inventory, dependencies=needs)),
    ):
        assert judged(NEEDS, release=release, installations=installations).state is state


@pytest.mark.parametrize(
    ("own", "needed", "state"),
    [
        ((), (), G.PASSED),
        ((), (DriftState.OPEN,), G.FAILED),
        ((), (DriftState.ACCEPTED,), G.WAIVED),
        ((DriftState.ACCEPTED,), (DriftState.OPEN,), G.FAILED),
    ],
)
def test_a_live_edit_of_what_it_needs_blocks_as_its_own_does(
    own: tuple[DriftState, ...], needed: tuple[DriftState, ...], state: GateState
) -> None:
    found = tuple(replace(drift(s), solution="billing") for s in needed)
    result = judged(GateRule("drift"), drift=tuple(map(drift, own)), dependency_drift=found)
    assert result.state is state
    if state is G.FAILED:
        assert "in billing, which it depends on" in result.reason
        assert "lampway drift revert billing --in prod" in result.next


CERTIFIED = GateRule("certified", warn=2 * DAY)


def word(until: str) -> Certification:
    return Certification("c", "orders", "mia", "owner", at(1), until)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, G.FAILED),
        (word(at(5)), G.EXPIRED),
        (word(at(4)), G.EXPIRED),
        (word(at(6)), G.WARNED),
        (word(at(7)), G.WARNED),
        (word(at(8)), G.PASSED),
    ],
)
def test_an_owners_word_holds_until_its_end_and_warns_before(found: Certification | None, state: GateState) -> None:
    result = judged(CERTIFIED, rules(CERTIFIED, backup_owner="bob"), certification=found)
    assert result.state is state
    assert state is G.PASSED or "mia or bob: lampway recertify orders" in result.reason + result.next


def test_an_owners_word_at_a_time_that_nobody_knows_counts_for_nothing() -> None:
    known = rules(CERTIFIED)
    facts = replace(FACTS, strategy=known, stage=known.pipelines[0].stages[1], certification=word(at(8)))
    assert judge(facts).gates[0].state is G.INCONCLUSIVE


DATA = GateRule("data")
SEEN = replace(evidence(CheckOutcome.PASSED), data="masked", data_digest=DIGEST)


@pytest.mark.parametrize(
    ("declared", "told", "state"),
    [
        ("masked", (SEEN,), G.PASSED),
        ("synthetic", (replace(SEEN, data="synthetic"),), G.PASSED),
        ("masked", (replace(SEEN, data=""),), G.PASSED),
        ("masked", (), G.PENDING),
        ("masked", (replace(SEEN, environment="dev"),), G.PENDING),
        ("masked", (replace(SEEN, data_digest=""),), G.INCONCLUSIVE),
        ("", (SEEN,), G.ERRORED),
        ("", (replace(SEEN, data=""),), G.ERRORED),
        ("production", (SEEN,), G.FAILED),
        ("masked", (replace(SEEN, data="production"),), G.FAILED),
        ("", (replace(SEEN, data="production"),), G.FAILED),
        ("none", (SEEN,), G.FAILED),
        ("masked", (replace(SEEN, data="production"), SEEN), G.PASSED),
        ("masked", (SEEN, replace(SEEN, data="production")), G.FAILED),
    ],
)
def test_evidence_counts_only_from_data_that_may_be_tested_with(
    declared: str, told: tuple[object, ...], state: GateState
) -> None:
    assert judged(DATA, rules(DATA, data=declared), evidence=told).state is state


def test_data_without_any_check_proves_nothing() -> None:
    assert judged(DATA, rules(DATA, data="masked", checks=())).state is G.FAILED


def test_the_worst_check_says_on_what_data_the_evidence_was_collected() -> None:
    known = rules(DATA, data="masked", checks=(Check("smoke", "functional"), Check("walk", "uat", attested=True)))
    result = judged(DATA, known, evidence=(SEEN,))
    assert (result.state, result.next[:20]) == (G.PENDING, "lampway check attest")


def test_only_the_checks_that_the_stage_asks_for_matter_to_its_data() -> None:
    known = rules(DATA, data="masked", checks=(Check("smoke", "functional"), Check("walk", "uat", attested=True)))
    stage = known.pipelines[0].stages[1]
    stage = replace(stage, gates=(DATA, GateRule("checks", kinds=("functional",))))
    known = replace(known, pipelines=(Pipeline("standard", "dev", (TEST, stage)),))
    assert judged(DATA, known, evidence=(SEEN,)).state is G.PASSED


TICKET = GateRule("ticket", pattern="CHG-[0-9]{4}")


@pytest.mark.parametrize(
    ("rule", "given", "state"),
    [
        (TICKET, "", G.PENDING),
        (TICKET, "CHG-1234", G.PASSED),
        (TICKET, "CHG-12345", G.FAILED),
        (TICKET, "see CHG-1234", G.FAILED),
        (TICKET, "CHG-1234\n", G.FAILED),
        (GateRule("ticket"), "whatever", G.PASSED),
        (GateRule("ticket"), "x" * 101, G.FAILED),
    ],
)
def test_the_whole_ticket_must_match(rule: GateRule, given: str, state: GateState) -> None:
    assert judged(rule, ticket=given).state is state


# Together


NEW = ("managed", "rehearsed", "dependencies", "certified", "data", "ticket")
WORD = Waiver("", "ana", "agreed", "2026-02-01T00:00:00.000+00:00", NOW)
CLOSED: dict[str, dict[str, object]] = {
    "managed": {"release": replace(RELEASE, inventory=replace(RELEASE.inventory, managed=False))},
    "rehearsed": {"installations": (OLD,), "rollback": BACK},
    "dependencies": {"release": replace(RELEASE, depends_on=(NEED,))},
}


@pytest.mark.parametrize("kind", [*NEW, "soak"])
def test_each_is_waived_by_a_second_person_and_shows_what_it_would_be(kind: str) -> None:
    rule = GateRule(kind, wait=60.0)
    closed = judged(rule, **CLOSED.get(kind, {}))
    assert closed.state not in OPENING
    for waiver, waived in ((replace(WORD, gate=kind), True), (replace(WORD, gate=kind, by="mia"), False)):
        result = judged(rule, waivers=(waiver,), **CLOSED.get(kind, {}))
        assert (result.state is G.WAIVED) is waived
        assert result.original == (f"{closed.state}: {closed.reason}" if waived else "")


@pytest.mark.parametrize(
    ("gate", "timed"),
    [
        ("window", {"windows": (Window(("sun",), "08:00", "09:00", "UTC"),)}),
        ("freeze", {"freezes": (Freeze("2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", "audit"),)}),
    ],
)
def test_a_window_or_a_freeze_is_overridden_only_by_a_waiver(gate: str, timed: dict[str, object]) -> None:
    known = rules(GateRule("configuration"))
    stage = replace(known.pipelines[0].stages[1], windows=timed.get("windows", ()))
    known = replace(known, pipelines=(Pipeline("standard", "dev", (TEST, stage)),), freezes=timed.get("freezes", ()))
    facts = replace(FACTS, strategy=known, stage=stage, now=NOW)
    (closed,) = judge(facts).closed
    assert (closed.gate, closed.state) == (gate, G.PENDING)
    waived = judge(replace(facts, waivers=(replace(WORD, gate=gate),)))
    assert waived.allowed
    assert waived.gates[-1].original.startswith("pending: ")
    for other in (replace(WORD, gate="lock"), replace(WORD, gate=gate, until=NOW), replace(WORD, gate=gate, by="max")):
        told = judge(replace(facts, waivers=(other,), makers=("mia", "max")))
        assert not told.allowed


@given(st.lists(st.sampled_from([*NEW, "configuration", "previous-stage"]), min_size=1, max_size=5), st.booleans())
def test_each_is_part_of_any_and_all_like_every_other(kinds: list[str], ticketed: bool) -> None:
    given_ticket = {"ticket": "T-1"} if ticketed else {}
    alone = [judged(GateRule(kind), **given_ticket).state in OPENING for kind in kinds]
    parts = tuple(GateRule(kind) for kind in kinds)
    assert (judged(GateRule("any", rules=parts), **given_ticket).state in OPENING) is any(alone)
    assert (judged(GateRule("all", rules=parts), **given_ticket).state in OPENING) is all(alone)


def test_made_of_nothing_is_closed() -> None:
    assert {judged(GateRule(kind)).state for kind in ("any", "all")} == {G.FAILED}


def test_every_gate_that_can_be_waived_is_one() -> None:
    assert set(WAIVABLE) <= {*GATE_KINDS, "window", "freeze"}
    assert {"approval", "configuration", "any", "all", "hold", "stop", "veto", "expiry"}.isdisjoint(WAIVABLE)


@pytest.mark.parametrize(("said", "fits"), [("public", True), ("internal", True), ("restricted", False), ("", False)])
def test_how_sensitive_the_data_is_decides_about_risk(said: str, fits: bool) -> None:
    low = RiskClass("low", 1, data_class=("public", "internal"))
    assert (classify((low,), "low", None, 1, data_class=said) == low) is fits


@given(st.sampled_from(NEW), st.sampled_from(["", NOW]))
def test_judging_the_same_facts_twice_says_the_same(kind: str, now: str) -> None:
    known = rules(GateRule(kind))
    facts: Facts = replace(FACTS, strategy=known, stage=known.pipelines[0].stages[1], now=now)
    assert judge(facts) == judge(facts)
