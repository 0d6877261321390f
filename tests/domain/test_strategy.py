"""The strategy: what governs a stage, and nothing else, changes its digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lampway.domain.strategy import (
    Check,
    Environment,
    GateRule,
    Person,
    Pipeline,
    Solution,
    Stage,
    Strategy,
    Tier,
    Values,
)
from lampway.errors import NotFoundError

APPROVAL = GateRule("approval", roles=("approver",), people=("cto",))
TEST, PROD = Stage("test", "test", (GateRule("drift"),)), Stage("prod", "prod", (GateRule("lock"), APPROVAL))


def place(name: str) -> Environment:
    return Environment(name, name, "memory", f"memory://{name}")


RULES = Strategy(
    team="Back office",
    next_review="2027-01-01",
    tiers=(Tier("dev"), Tier("test"), Tier("prod", locked=True)),
    environments=(place("dev"), place("test"), place("prod")),
    pipelines=(Pipeline("standard", "dev", (TEST, PROD)), Pipeline("other", "dev", (TEST,))),
    people=(
        Person("ana", "Ana", ("ana@example.test",), ("approver",)),
        Person("cto", "Cleo", ("Cleo@Example.test", "cto@example.test")),
        Person("mia", "Mia", ("mia@example.test",), ("maker",)),
    ),
    roles=("approver", "maker"),
    solutions=(Solution("orders", "standard", "mia", ("Orders",)), Solution("billing", "other", "mia", ("Billing",))),
)


def with_stage(stage: Stage) -> Strategy:
    (path, other) = RULES.pipelines
    return replace(
        RULES, pipelines=(replace(path, stages=tuple(stage if s.name == stage.name else s for s in path.stages)), other)
    )


def with_person(id_: str, **changes: object) -> Strategy:
    return replace(RULES, people=tuple(replace(p, **changes) if p.id == id_ else p for p in RULES.people))


def with_place(name: str, **changes: object) -> Strategy:
    return replace(
        RULES, environments=tuple(replace(e, **changes) if e.name == name else e for e in RULES.environments)
    )


def with_solution(name: str, **changes: object) -> Strategy:
    return replace(RULES, solutions=tuple(replace(s, **changes) if s.name == name else s for s in RULES.solutions))


def governing(rules: Strategy) -> str:
    return rules.governing("orders", rules.stage("orders", "prod"))


@pytest.mark.parametrize(
    "rules",
    [
        with_stage(replace(PROD, gates=())),
        with_stage(replace(PROD, gates=(APPROVAL, GateRule("lock")))),
        with_stage(replace(PROD, gates=(GateRule("lock"), replace(APPROVAL, quorum=2)))),
        with_person("ana", roles=()),
        with_person("mia", roles=("maker", "approver")),
        with_person("cto", roles=("maker",)),
        replace(RULES, people=RULES.people[1:]),
        with_place("prod", url="memory://elsewhere"),
        with_place("prod", public_url="https://elsewhere"),
        with_place("prod", platform="other"),
        replace(RULES, tiers=(*RULES.tiers[:2], Tier("prod"))),
        with_solution("orders", checks=(Check("smoke", "functional"),)),
        with_solution("orders", rollback_plan="tell the shop"),
        with_solution("orders", criticality="high"),
        replace(RULES, pipelines=(replace(RULES.pipelines[0], stages=(PROD,)), RULES.pipelines[1])),
    ],
)
def test_whatever_governs_a_stage_changes_its_digest(rules: Strategy) -> None:
    assert governing(rules) != governing(RULES)


@pytest.mark.parametrize(
    "rules",
    [
        replace(RULES, team="Front office", next_review="2028-01-01"),
        with_stage(replace(TEST, gates=())),
        with_person("mia", roles=("maker", "tester")),
        with_person("ana", name="Ana Lena", emails=("ana@elsewhere.test",)),
        replace(RULES, people=tuple(reversed(RULES.people))),
        with_place("test", url="memory://elsewhere"),
        with_place("prod", values=Values({"A": 1})),
        with_place("prod", access={"token": "env:NEW"}),
        with_solution("billing", checks=(Check("smoke", "functional"),), criticality="high"),
        with_solution("orders", owner="ana"),
        replace(RULES, tiers=(Tier("dev", purpose="try"), *RULES.tiers[1:])),
    ],
)
def test_what_does_not_govern_it_leaves_its_digest_alone(rules: Strategy) -> None:
    assert governing(rules) == governing(RULES)


@pytest.mark.parametrize("name", ["cto", "cleo@example.test", "CLEO@EXAMPLE.TEST", "cto@example.test"])
def test_people_are_known_by_id_or_by_any_e_mail(name: str) -> None:
    assert RULES.person(name) == RULES.people[1]


@pytest.mark.parametrize("name", ["", "Cleo", "CTO", "nobody@example.test"])
def test_nobody_is_known_by_anything_else(name: str) -> None:
    assert RULES.person(name) is None


def test_holders_are_those_of_a_role_and_those_named() -> None:
    assert [p.id for p in RULES.holders(("approver",), ("cto",))] == ["ana", "cto"]
    assert RULES.holders(()) == ()


def test_a_stage_is_known_by_its_name_or_its_environment() -> None:
    rules = with_stage(replace(PROD, environment="dev"))
    assert rules.stage("orders", "prod") == rules.stage("orders", "dev")
    assert [s.name for s in RULES.stages_before("orders", PROD)] == ["test"]
    assert RULES.stages_before("orders", TEST) == ()
    assert RULES.is_prod("prod")
    assert not RULES.is_prod("test")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: RULES.tier("x"),
        lambda: RULES.environment("x"),
        lambda: RULES.pipeline("x"),
        lambda: RULES.solution("x"),
        lambda: RULES.stage("billing", "prod"),
    ],
)
def test_a_name_that_nothing_has_is_told_with_those_there_are(ask: Callable[[], object]) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask()
    assert caught.value.hint
