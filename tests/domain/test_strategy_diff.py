"""A difference between two strategies is told in words; nothing that differs goes untold."""

from dataclasses import replace

import pytest

from lampway.domain.duties import ChecklistItem, Required, RiskClass
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
from lampway.domain.strategy_diff import compare
from lampway.domain.timing import Freeze, Window

TEST = Stage("test", "test", (GateRule("findings", severities=("secret",)), GateRule("drift")))
PROD = Stage("prod", "prod", (GateRule("checks"), GateRule("approval", roles=("approver",))))
ORDERS = Solution(
    "orders", "standard", "ada", ("Orders",), checks=(Check("smoke", "uat", http={"method": "GET", "path": "/a"}),)
)
ENVIRONMENT = Environment(
    "prod", "prod", "node-red", "http://p", access={"token": "env:A"},
    values=Values({"LIMIT": 1, "API_KEY": "x"}, {"ERP": {"user": "env:U"}}), solutions={"orders": Values({"A": True})},
)  # fmt: skip
BASE = Strategy(
    team="Desk",
    next_review="2027-05-01",
    tiers=(Tier("dev"), Tier("prod", locked=True)),
    environments=(ENVIRONMENT,),
    pipelines=(Pipeline("standard", "dev", (TEST, PROD)),),
    people=(Person("ada", "Ada", ("a@x",), ("maker",)), Person("bob", "Bob", ("b@x",), ("approver",))),
    roles=("maker", "approver"),
    solutions=(ORDERS,),
)


def gates(*rules):
    return replace(BASE, pipelines=(Pipeline("standard", "dev", (TEST, replace(PROD, gates=rules))),))


def terms(**changes):
    return replace(BASE, pipelines=(Pipeline("standard", "dev", (TEST, replace(PROD, **changes))),))


def environment(**changes):
    return replace(BASE, environments=(replace(ENVIRONMENT, **changes),))


def stage(**changes):
    return replace(BASE, pipelines=(Pipeline("standard", "dev", (TEST, replace(PROD, **changes))),))


def solution(**changes):
    return replace(BASE, solutions=(replace(ORDERS, **changes),))


def people(*changed):
    return replace(BASE, people=changed)


def checks(*changed):
    return solution(checks=changed)


ADA, BOB = BASE.people
APPROVAL = PROD.gates[1]
CHECKS = PROD.gates[0]
PLACE = "pipeline standard: stage prod: gate approval"

CASES = {
    "team": (replace(BASE, team="Shop"), ["strategy: team: Desk → Shop"]),
    "second person": (
        replace(BASE, second_person_applies=False),
        ["strategy: changes of the strategy need no second person any more"],
    ),
    "lock": (replace(BASE, tiers=(Tier("dev"), Tier("prod"))), ["tier prod: no longer locked for makers"]),
    "tier added": (
        replace(BASE, tiers=(Tier("dev"), Tier("uat", locked=True), Tier("prod", locked=True))),
        ["tier uat: added", "tier uat: locked for makers"],
    ),
    "tiers in another order": (
        replace(BASE, tiers=BASE.tiers[::-1]),
        ["strategy: order of tiers: dev, prod → prod, dev"],
    ),
    "role": (replace(BASE, roles=("maker",)), ["strategy: role approver removed"]),
    "quorum": (
        gates(CHECKS, replace(APPROVAL, quorum=2)),
        ["pipeline standard: stage prod: gate approval: quorum 1 → 2"],
    ),
    "approvers": (
        gates(CHECKS, replace(APPROVAL, roles=("maker",), people=("bob",))),
        [
            "pipeline standard: stage prod: gate approval: role approver removed",
            "pipeline standard: stage prod: gate approval: role maker added",
            "pipeline standard: stage prod: gate approval: person bob added",
        ],
    ),
    "required role": (
        gates(CHECKS, replace(APPROVAL, require=(Required("approver", 2),))),
        ["pipeline standard: stage prod: gate approval: requires approver added: count 2"],
    ),
    "risk class": (
        gates(CHECKS, replace(APPROVAL, risk=(RiskClass("low", 0, ("low", "medium"), touches_at_most=5),))),
        [
            f"{PLACE}: risk class low added: approvals 0, criticality low, medium, touches at most 5",
        ],
    ),
    "cooling": (
        gates(CHECKS, replace(APPROVAL, cooling=3600.0)),
        ["pipeline standard: stage prod: gate approval: cooling of a team of one, in seconds: 0 → 3600"],
    ),
    "waivers": (
        terms(waiver_roles=("approver",)),
        ["pipeline standard: stage prod: may waive: role approver added"],
    ),
    "checklist": (
        terms(checklist=(ChecklistItem("backup", "taken", "maker"),)),
        ["pipeline standard: stage prod: checklist item backup added: text taken, by maker"],
    ),
    "gate gone": (gates(CHECKS), ["pipeline standard: stage prod: gate approval removed"]),
    "gate new": (
        gates(CHECKS, APPROVAL, GateRule("lock")),
        ["pipeline standard: stage prod: gate lock added"],
    ),
    "kinds": (
        gates(replace(CHECKS, kinds=("uat",)), APPROVAL),
        ["pipeline standard: stage prod: gate checks: kinds every → uat"],
    ),
    "gates in another order": (
        gates(APPROVAL, CHECKS),
        ["pipeline standard: stage prod: order of gates: checks, approval → approval, checks"],
    ),
    "stage gone": (
        replace(BASE, pipelines=(Pipeline("standard", "dev", (PROD,)),)),
        ["pipeline standard: stage test: removed"],
    ),
    "pipeline new": (
        replace(BASE, pipelines=(*BASE.pipelines, Pipeline("fast", "dev", (PROD,)))),
        [
            "pipeline fast: added: makers build in dev",
            "pipeline fast: stage prod: added: environment prod",
            "pipeline fast: stage prod: gate checks added",
            "pipeline fast: stage prod: gate approval added: 1 of approver",
        ],
    ),
    "window": (
        stage(windows=(Window(("mon", "tue", "wed"), "08:00", "17:00", "Europe/Berlin"),)),
        ["pipeline standard: stage prod: window Mon-Wed 08:00-17:00 Europe/Berlin added"],
    ),
    "expiry": (stage(expires=604800.0), ["pipeline standard: stage prod: promotions expire after: never → 7 d"]),
    "freeze": (
        replace(BASE, freezes=(Freeze("2026-12-19T00:00:00+00:00", "2027-01-01T00:00:00+00:00", "x", ("prod",)),)),
        ["strategy: freeze added: prod from Sat 2026-12-19 00:00 UTC until Fri 2027-01-01 00:00 UTC: x"],
    ),
    "retention": (
        replace(BASE, retention=15552000.0),
        ["strategy: packages that never were in production are kept: for good → 180 d"],
    ),
    "approvals lapse": (
        gates(CHECKS, replace(APPROVAL, max_age=86400.0)),
        ["pipeline standard: stage prod: gate approval: lapses after: never → 1 d"],
    ),
    "soak": (
        gates(CHECKS, APPROVAL, GateRule("soak", wait=7200.0)),
        ["pipeline standard: stage prod: gate soak added: 2 h"],
    ),
    "composed": (
        gates(CHECKS, GateRule("any", rules=(APPROVAL, GateRule("all", rules=(GateRule("soak", wait=60.0),))))),
        [
            "pipeline standard: stage prod: gate any added: (approval: 1 of approver), (all: (soak: 1 min))",
            "pipeline standard: stage prod: gate approval removed",
        ],
    ),
    "data": (environment(data="production"), ["environment prod: data: nothing → production"]),
    "person new": (people(ADA, BOB, Person("eve", "Eve", ("e@x",))), ["person eve: added: Eve, no role"]),
    "person gone": (people(BOB), ["person ada: removed"]),
    "person's role": (
        people(replace(ADA, roles=("maker", "approver")), BOB),
        ["person ada: role approver added"],
    ),
    "person's e-mail": (
        people(replace(ADA, emails=("ada@x",)), BOB),
        ["person ada: e-mail a@x removed", "person ada: e-mail ada@x added"],
    ),
    "url": (environment(url="http://q"), ["environment prod: url: http://p → http://q"]),
    "public url": (environment(public_url="http://q"), ["environment prod: public url: nothing → http://q"]),
    "access": (environment(access={"token": "env:B"}), ["environment prod: access token: env:A → env:B"]),
    "variable": (
        environment(
            values=replace(ENVIRONMENT.values, variables={"LIMIT": True, "API_KEY": "x", "B": {"external": True}})
        ),
        ["environment prod: variable LIMIT: 1 → true", 'environment prod: variable B added: {"external": true}'],
    ),
    "variable with the name of a secret": (
        environment(values=replace(ENVIRONMENT.values, variables={"LIMIT": 1, "API_KEY": "hunter2"})),
        ["environment prod: variable API_KEY changed"],
    ),
    "connection": (
        environment(values=replace(ENVIRONMENT.values, connections={"ERP": {"user": "env:V", "password": "env:P"}})),
        [
            "environment prod: connection ERP: user: env:U → env:V",
            "environment prod: connection ERP: password added: env:P",
        ],
    ),
    "one solution's value": (environment(solutions={}), ["environment prod: orders: variable A removed"]),
    "owner": (solution(owner="bob"), ["solution orders: owner: ada → bob"]),
    "contains": (solution(contains=("Orders", "Stock")), ["solution orders: contains Stock added"]),
    "check asks elsewhere": (
        checks(Check("smoke", "uat", http={"method": "GET", "path": "/b"})),
        ["solution orders: check smoke: does: GET /a → GET /b"],
    ),
    "check expects less": (
        checks(Check("smoke", "uat", http={"method": "GET", "path": "/a", "expect": {"status": 500}})),
        ["solution orders: check smoke: asks in another way or expects something else"],
    ),
    "check new": (
        checks(*ORDERS.checks, Check("cmd", "security", command=("python", "x.py"))),
        ["solution orders: check cmd: added: security, python x.py"],
    ),
    "solution new": (
        replace(BASE, solutions=(ORDERS, Solution("stock", "standard", "bob", ("Stock",)))),
        [
            "solution stock: added: pipeline standard, owner bob, criticality medium",
            "solution stock: contains Stock added",
        ],
    ),
    "environment gone": (replace(BASE, environments=()), ["environment prod: removed"]),
}


@pytest.mark.parametrize(("new", "expected"), CASES.values(), ids=list(CASES))
def test_a_difference_is_told_in_words(new, expected):
    assert [f"{c.place}: {c.summary}" for c in compare(BASE, new)] == expected


@pytest.mark.parametrize("new", [new for new, _ in CASES.values()], ids=list(CASES))
def test_what_was_changed_is_told_backwards_too(new):
    assert compare(new, BASE)
    assert compare(new, new) == ()


def test_long_values_are_cut_and_stay_on_one_line():
    changed = solution(rollback_plan="first\nsecond " + "x" * 100)
    (change,) = compare(BASE, changed)
    assert len(change.summary) < 100
    assert "\n" not in change.summary


def test_a_gate_that_another_is_made_of_never_changes_untold():
    def composed(**changes):
        return gates(CHECKS, GateRule("any", rules=(replace(APPROVAL, **changes),)))

    (told,) = compare(composed(), composed(quorum=2))[-1:]
    assert "(approval: 2 of approver)" in told.summary
    changes = {"people": ("bob",), "max_age": 60.0, "wait": 60.0, "rules": (CHECKS,), "kinds": ("x",)}
    for name, value in changes.items():
        assert compare(composed(), composed(**{name: value})), name
