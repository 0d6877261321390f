"""A change of the strategy says what it means for whom, before it is merged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.duties import ChecklistItem
from lampway.domain.readiness import NotOurs, ReadinessItem, ReadinessRules
from lampway.domain.roles import Assignment, Conflict
from lampway.domain.strategy import Environment, GateRule, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.domain.strategy_diff import compare
from lampway.domain.strategy_effects import effects
from lampway.domain.windows import Window

TOLD = ChecklistItem("told", "users know", "maker")
PROD = Stage("prod", "prod", (GateRule("lock"), GateRule("approval", roles=("approver",))))
OLD = Strategy(
    team="Desk",
    next_review="2027-01-01",
    tiers=(Tier("dev"), Tier("prod")),
    environments=(
        Environment("dev", "dev", "node-red", "https://d"),
        Environment("prod", "prod", "node-red", "https://p"),
    ),
    pipelines=(Pipeline("standard", "dev", (PROD,)),),
    people=(Person("ada", "Ada", ("a@x",), ("maker",)), Person("ben", "Ben", ("b@x",), ("approver",))),
    roles=("maker", "approver", "release-manager", "platform-admin"),
    solutions=(Solution("orders", "standard", "ada", ("Orders",)),),
)


def with_stage(**changes) -> Strategy:
    return replace(OLD, pipelines=(replace(OLD.pipelines[0], stages=(replace(PROD, **changes),)),))


def with_person(name: str, **changes) -> Strategy:
    return replace(OLD, people=tuple(replace(p, **changes) if p.id == name else p for p in OLD.people))


def test_nothing_changed_means_nothing() -> None:
    assert effects(OLD, OLD) == ()


def test_a_role_says_what_it_lets_somebody_do() -> None:
    found = effects(OLD, with_person("ada", roles=("maker", "approver")))
    assert found[0].startswith("Ada can now approve prod")
    back = effects(with_person("ada", roles=("maker", "approver")), OLD)
    assert back[0].startswith("Ada can no longer approve prod")


def test_a_role_for_a_time_says_until_when() -> None:
    bound = Assignment("approver", until="2027-03-31")
    found = effects(OLD, with_person("ada", roles=("maker", "approver"), temporary=(bound,)))
    assert "Ada can now approve prod until 2027-03-31" in found[0]


def test_somebody_who_is_gone_can_do_nothing_any_more() -> None:
    found = effects(OLD, replace(OLD, people=OLD.people[:1]))
    assert found[0].startswith("Ben can no longer approve prod")


def test_a_checklist_that_goes_is_no_longer_answered() -> None:
    asked = with_stage(gates=(*PROD.gates, GateRule("checklist")), checklist=(TOLD,))
    assert "a checklist is now answered before prod, by the maker" in effects(OLD, asked)
    assert "nobody needs to answer the checklist of prod any more" in effects(asked, OLD)


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ((GateRule("lock"),), "nobody needs to approve prod any more"),
        ((GateRule("lock"), replace(PROD.gates[1], quorum=2)), "prod now needs 2 approvals, and needed 1 before"),
        ((GateRule("lock"), replace(PROD.gates[1], signed=True)), "approvals of prod must now be signed"),
        ((GateRule("lock"), replace(PROD.gates[1], cooling=60.0)), "nobody else needs to say yes before prod any more"),
        ((PROD.gates[1],), "before prod it is no longer asked that makers cannot edit there"),
        ((*PROD.gates, GateRule("drift")), "before prod it is now also asked that nobody has edited this solution"),
    ],
)
def test_gates_say_what_is_asked_now(gates: tuple[GateRule, ...], said: str) -> None:
    assert any(line.startswith(said) for line in effects(OLD, with_stage(gates=gates)))


def test_windows_owners_paths_and_waivers_are_told() -> None:
    window = Window(("mon",), "08:00", "10:00")
    assert "deployments to prod may now start only within: Mon 08:00-10:00 UTC" in effects(
        OLD, with_stage(windows=(window,))
    )
    assert "deployments to prod may now start at any time" in effects(with_stage(windows=(window,)), OLD)
    other = replace(OLD, solutions=(replace(OLD.solutions[0], owner="ben"),))
    assert "Ben now answers for orders, and no longer Ada" in effects(OLD, other)
    assert "orders is governed no more" in effects(OLD, replace(OLD, solutions=()))
    waived = with_stage(waiver_roles=("approver",))
    assert any("waive gates of prod" in line for line in effects(OLD, waived))
    assert "nobody can waive a gate of prod any more" in effects(waived, OLD)


def test_the_bare_differences_name_the_new_fields_too() -> None:
    new = replace(
        with_person("ben", temporary=(Assignment("approver", until="2027-03-31"),)),
        conflicts=(Conflict(("maker", "approver")),),
        readiness=ReadinessRules((ReadinessItem("x", "y", "z", 1),), (NotOurs("known-good", "why"),)),
    )
    said = [f"{change.place}: {change.summary}" for change in compare(OLD, new)]
    assert "person ben: for a time: approver until 2027-03-31 added" in said
    assert "strategy: never at once: maker and approver added" in said
    assert any(line.startswith("readiness: item x added") for line in said)
    assert any(line.startswith("readiness: not ours: known-good added") for line in said)
    assert compare(new, new) == ()


ROLES = st.lists(st.sampled_from(OLD.roles), unique=True).map(tuple)


@given(ROLES, ROLES)
def test_what_one_change_gives_its_reverse_takes(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    one, other = with_person("ada", roles=before), with_person("ada", roles=after)
    there, back = effects(one, other), effects(other, one)
    assert sorted(line.replace("can no longer", "can now") for line in there) == sorted(
        line.replace("can no longer", "can now") for line in back
    )
    if set(before) == set(after):
        assert there == ()
    gains = ("approver" in after) > ("approver" in before)
    assert any(line.startswith("Ada can now approve prod") for line in there) is gains
