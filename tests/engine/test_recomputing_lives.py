"""Whatever a team does, the ledger alone gives the engine's answers again, and nobody's own voice ever counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from team import APPROVAL, PROD_GATES, Team, key_of, with_environment, with_gates
from test_ledger import ACTIONS
from test_people import with_stage
from test_signed_decisions import sign

from lampway.domain import events
from lampway.domain.deployment import CheckOutcome
from lampway.domain.duties import ChecklistItem, RiskClass
from lampway.domain.events import Recorded
from lampway.domain.judgement import GateResult
from lampway.domain.keys import PersonKey
from lampway.domain.promotion import OPEN_STATES, Decision, DeploymentKind, Promotion, PromotionState
from lampway.domain.quorum import Delegation
from lampway.domain.strategy import Freeze, GateRule, Person, Strategy, Window
from lampway.engine.checklist import Checklist
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate, Delegations, EndDelegation
from lampway.engine.facts import case_of, eligibility, installed
from lampway.engine.promote import Rollback
from lampway.engine.recheck import RunChecks
from lampway.engine.release import MakeRelease
from lampway.engine.stops import LiftHold, PutOnHold, VetoRelease
from lampway.engine.talk import Talk
from lampway.engine.waive import Waive
from lampway.errors import LampwayError, RefusedError, VoidedError
from lampway.storage.sql import SqlTransaction, open_memory
from lampway.testing.world import CrashError

PEOPLE = ("mia", "max", "ana", "bob", "rita", "zoe")
ROLES = ("maker", "approver", "release-manager")
CASTS = st.fixed_dictionaries({name: st.sets(st.sampled_from(ROLES)) for name in PEOPLE})
FULL = {"mia": {"maker"}, "max": {"maker", "approver"}, "ana": {"approver"}, "bob": {"approver"}, "rita": {ROLES[2]}}


def somebody(number: int) -> str:
    return PEOPLE[number % len(PEOPLE)]


def cast_as(rules: Strategy, roles: dict[str, set[str]]) -> Strategy:
    """Return the rules with these roles; everybody has a key, zoe's comes too late and max has lost his."""
    lost = {
        "zoe": PersonKey(key_of("zoe").public, "2030-01-01"),
        "max": PersonKey(key_of("max").public, "2020-01-01", revoked="2026-01-01"),
    }

    def with_roles(person: Person) -> Person:
        key = lost.get(person.id, PersonKey(key_of(person.id).public, "2026-01-01"))
        held = tuple(sorted(roles.get(person.id, ()))) if person.id in PEOPLE else person.roles
        return replace(person, roles=held, keys=(key,))

    return replace(rules, people=tuple(map(with_roles, rules.people)))


def terms(rules: Strategy, number: int) -> Strategy:
    """Return the rules with other terms for approving, and nothing else between a release and production."""
    approval = replace(APPROVAL, quorum=1 + number % 2, signed=number % 3 == 0, max_age=(0.0, 900.0)[number % 5 == 0])
    return with_gates(rules, "prod", (GateRule("previous-stage"), replace(approval, roles=ROLES[1 + number % 2 :])))


def asking(rules: Strategy, number: int) -> Strategy:
    """Return the rules with another demand on production."""
    approval = replace(APPROVAL, quorum=1 + number % 2, signed=number % 3 == 0, max_age=(0.0, 900.0)[number % 5 == 0])
    if number % 7 == 0:
        low = RiskClass("low", 0, ("medium",), ("reversible",), 5)
        approval = replace(approval, risk=(low,))
    either = GateRule("any", rules=(GateRule("soak", wait=120.0), GateRule("checks", kinds=("functional",))))
    gates = [*PROD_GATES[:-1], *([either] if number % 2 else []), *([GateRule("checklist")] if number % 5 == 1 else [])]
    gates = [replace(g, max_age=600.0) if g.gate == "checks" and number % 4 == 1 else g for g in gates]
    items = (ChecklistItem("told", "users know", "maker"), ChecklistItem("known", "it can go back", "evidence", "lock"))
    window = (Window(("mon", "tue"), "09:00", "12:00", "Europe/Berlin"),) if number % 6 == 2 else ()
    freeze = Freeze("2026-01-05T09:20:00+00:00", "2026-01-05T09:30:00+00:00", "stock-taking", ("prod",))
    found = with_gates(rules, "prod", (*gates, approval))
    found = with_stage(found, checklist=items, waiver_roles=("release-manager",), windows=window, expires=3000.0)
    return replace(found, freezes=(freeze,) if number % 8 == 3 else ())


def decide(team: Team, number: int) -> None:
    """Let somebody approve what waits: with their own key, now and then with another's, else without."""
    waiting = [p.id for p in team.find(Promotion, environment="prod", states=OPEN_STATES)] or ["orders"]
    by = somebody(number)
    try:
        team.do(sign(team, waiting[-1], by, key="ana" if number % 10 == 9 else by), by)
    except RefusedError:
        team.do(Decide(waiting[-1], approved=True), by)


def delegate(team: Team, number: int) -> None:
    by, to = somebody(number), somebody(number // 3 + 1)
    team.run(Delegate(to, "2026-01-01", ("2026-01-31", "2026-01-05T09:25+00:00")[number % 2], "away"), by)


def end_delegation(team: Team, number: int) -> None:
    given = team.run(Delegations(everything=True))
    if given:
        chosen = given[number % len(given)]
        team.run(EndDelegation(chosen.id), chosen.by)


def spoil(team: Team, number: int) -> None:
    """Let a check that passed fail, or pass again, without deploying."""
    team.bench.results.clear()
    if number % 2:
        team.bench.fail("smoke", "test", (CheckOutcome.FAILED, CheckOutcome.ERRORED)[number % 4 == 1])
    team.do(RunChecks("orders", "test"), "mia")


def ship(team: Team, number: int) -> None:
    """Let one of two people make a release, and somebody ask for it."""
    maker = ("mia", "max")[number % 2]
    team.build(f"1.{number}", by=maker)
    team.run(MakeRelease("orders"), maker)
    team.promote(by=somebody(number // 2))


def lock(team: Team, number: int) -> None:
    team.prod.is_locked = number % 3 != 0


LIVES: dict[str, Callable[[Team, int], Any]] = {
    **ACTIONS,
    "decide": decide,
    "ship": ship,
    "terms": lambda team, n: team.govern(terms(team.rules, n)),
    "delegate": delegate,
    "end delegation": end_delegation,
    "spoil": spoil,
    "lock": lock,
    "ask for": lambda team, n: team.govern(asking(team.rules, n)),
    "waive": lambda team, n: team.do(
        Waive("orders", ("lock", "checks", "rollback-target")[n % 3], "known", ("2026-01-31", "2026-01-05")[n % 2]),
        somebody(n),
    ),
    "answer": lambda team, n: team.do(Checklist("orders", (f"told={('yes', 'no')[n % 4 == 0]}",), "so"), somebody(n)),
    "talk": lambda team, n: team.run(Talk("orders", "why?", is_question=True), somebody(n)),
    "cast": lambda team, n: team.govern(cast_as(team.rules, {**FULL, somebody(n): set(ROLES[: n % 4])})),
    "stop": lambda team, n: team.run(PutOnHold("fire", environment="prod", emergency=True), "rita"),
    "start": lambda team, n: team.do(LiftHold(environment="prod", reason="out", emergency=True), "pam"),
    "wait": lambda team, n: team.clock.move(minutes=n * 3),
}
PLENTY = ("ship", *("decide",) * 5, "delegate", "waive", "waive", "answer", "answer", "end delegation", "wait")
DECIDING = ("ship", *("decide",) * 8, "delegate", "delegate", "end delegation", "cast", "terms", "rollback")
NUMBERS = st.integers(0, 40)
LIFE = st.lists(st.tuples(st.sampled_from(PLENTY) | st.sampled_from(sorted(LIVES)), NUMBERS), min_size=15, max_size=25)
COUNCIL = st.lists(st.tuples(st.sampled_from(DECIDING), NUMBERS), min_size=15, max_size=25)
LASTING = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # to make a long life shorter takes many lives
)


@dataclass
class Witness:
    """Notes what the engine answered about every promotion, whenever something had been recorded."""

    team: Team
    answers: dict[tuple[int, str, str], tuple[GateResult, ...]] = field(default_factory=dict)
    """By the ledger's newest row, the promotion and the time."""

    def __call__(self, recorded: Recorded | None = None) -> None:
        if recorded is not None and recorded.event.kind not in ("decision-made", "promotion-moved", "gate-waived"):
            return
        try:
            self._note(self.team.engine.now())
        except LampwayError as error:
            raise AssertionError("the engine could not answer") from error

    def _note(self, now: str) -> None:
        with self.team.store.reading() as reading:
            head = reading.head()[0]
            for promotion in reading.find(Promotion, newest_first=True, limit=3):
                case = case_of(reading, promotion)
                if case is not None:
                    self.answers[head, promotion.id, now] = eligibility(reading, case, now).gates


def live(team: Team, life: list[tuple[str, int]], *, watched: bool = True) -> Witness:
    witness = Witness(team)
    if watched:
        team.engine = replace(team.engine, observers=(*team.engine.observers, witness))
    for name, number in (("release", 0), ("prod", 0), *life):
        team.clock.move(minutes=1)
        with contextlib.suppress(LampwayError, CrashError):
            LIVES[name](team, number)
        if watched:
            witness()
    return witness


def retold(team: Team) -> Iterator[tuple[SqlTransaction, Recorded]]:
    """Fold the ledger, and nothing else, into a fresh store; yield what is folded next, and a last look."""
    fresh = open_memory(team.clock)
    try:
        with fresh.transaction() as rebuilt:
            for recorded in team.store.events():
                yield rebuilt, recorded
                rebuilt.fold(recorded)
            yield rebuilt, replace(recorded, seq=recorded.seq + 1)
    finally:
        fresh.close()


@LASTING
@given(life=LIFE, roles=CASTS)
def test_the_ledger_alone_gives_every_answer_of_the_engine_again_gate_by_gate(
    new_team: Team, life: list[tuple[str, int]], roles: dict[str, set[str]]
) -> None:
    team = new_team.copy()
    team.govern(cast_as(team.rules, {**roles, "mia": {"maker"}} if len(life) % 2 else FULL))
    answers = live(team, life).answers
    told = 0
    for rebuilt, recorded in retold(team):
        for (head, key, now), gates in answers.items():
            if head == recorded.seq - 1:
                case = case_of(rebuilt, rebuilt.get(Promotion, key))
                assert case is not None
                assert eligibility(rebuilt, case, now).gates == gates
                told += 1
    assert told == len(answers) >= 10
    team.store.close()


def pairs(decisions: list[Decision], given: list[Delegation], rules: Strategy, rule: GateRule) -> list[tuple[str, str]]:
    """Return who spoke and in whose name, as far as roles, delegations and keys of the time allow it."""
    holders = {p.id for p in rules.people if set(p.roles) & set(rule.roles)}
    found = []
    for d in decisions:
        principal = d.on_behalf_of or d.by
        person = rules.person(d.by)
        keys = {k.key for k in person.keys if k.is_valid(d.at)} if person else set()
        lent = any(
            (g.by, g.to) == (principal, d.by) and max(g.start, g.at) <= d.at < min(g.until, g.ended_at or "9")
            for g in given
        )
        if d.approved and principal in holders and (principal == d.by or lent) and (d.key in keys or not rule.signed):
            found.append((d.by, principal))
    return found


def most(voices: list[tuple[str, str]]) -> int:
    """Return how many of these can count when no person is in two of them, found by trying all."""
    for size in range(len(voices), 0, -1):
        for chosen in combinations(voices, size):
            names = [name for pair in chosen for name in set(pair)]
            if len(names) == len(set(names)):
                return size
    return 0


def enough_people_said_yes(rebuilt: SqlTransaction, promotion: Promotion, rules: Strategy) -> bool:
    """Judge by hand, from the ledger alone, whether nobody of those who are needed asked, made, or spoke twice."""
    (rule,) = rules.stage(promotion.solution, promotion.stage).rules_of("approval")
    sealed = rebuilt.find(_release(), solution=promotion.solution)
    here = installed(rebuilt, promotion.environment, promotion.solution)
    names = [release.version for release in sealed]
    since = names.index(here.version) + 1 if here else 0
    end = names.index(promotion.version) + 1
    content = sealed[since:end] or sealed[end - 1 : end]
    own = {rules.person(name) for name in (promotion.requested_by, *(m for r in content for m in r.makers))}
    biased = {person.id for person in own if person}
    bound = [d for d in promotion.decisions if d.digest == promotion.bound.digest]
    heard = [p for p in pairs(bound, list(rebuilt.find(Delegation)), rules, rule) if not set(p) & biased]
    return most(heard) >= (0 if rule.risk else rule.quorum)


def _release() -> type:
    from lampway.domain.release import Release

    return Release


@LASTING
@given(life=COUNCIL, roles=CASTS)
def test_nothing_enters_production_by_the_voice_of_its_maker_or_requester_or_by_one_voice_twice(
    new_team: Team, life: list[tuple[str, int]], roles: dict[str, set[str]]
) -> None:
    team = new_team.copy()
    team.govern(cast_as(terms(team.rules, len(life)), {**roles, "mia": {"maker"}} if len(life) % 3 else FULL))
    live(team, life, watched=False)
    rules = None
    for rebuilt, recorded in retold(team):
        match recorded.event:
            case events.StrategyApplied(strategy=applied):
                rules = applied
            case events.PromotionMoved(promotion=key, state=PromotionState.READY):
                promotion = rebuilt.get(Promotion, key)
                assert promotion is not None
                assert rules is not None
                if promotion.environment == "prod" and promotion.kind is DeploymentKind.FORWARD:
                    assert enough_people_said_yes(rebuilt, promotion, rules)
            case _:
                pass
    team.store.close()


# What a promotion is bound to.


def other_terms(team: Team, number: int) -> None:
    changed = ({"max_age": 60.0 * (number + 1)}, {"quorum": 2 + number}, {"roles": ("approver", "release-manager")})
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES[:-1], replace(APPROVAL, **changed[number % 3]))))


def stop_for_a_while(team: Team) -> None:
    team.run(PutOnHold("wait", "orders"), "rita")
    team.do(LiftHold("orders"), "rita")


MOVING: dict[str, Callable[[Team, int], Any]] = {
    "the configuration": lambda team, n: team.govern(with_environment(team.rules, "prod", CURRENCY=f"C{n}")),
    "the rules": other_terms,
    "the rollback target": lambda team, n: team.run(VetoRelease("orders@1.0.1", "prod", "it lost an order"), "rita"),
    "what runs": lambda team, n: team.do(Rollback("orders", "prod", "slow"), "rita"),
}
HARMLESS: dict[str, Callable[[Team, int], Any]] = {
    "values of test": lambda team, n: team.govern(with_environment(team.rules, "test", CURRENCY=f"T{n}")),
    "values nobody asked for": lambda team, n: team.govern(with_environment(team.rules, "dev", SPARE=f"S{n}")),
    "a newcomer": lambda team, n: team.govern(
        replace(team.rules, people=(*team.rules.people, Person(f"new{n}-{team.last_id}", "New", (f"n{n}@x",), ())))
    ),
    "a question": lambda team, n: team.run(Talk("orders", "why?", is_question=True), "rita"),
    "a better proof": lambda team, n: team.do(RunChecks("orders", "test"), "mia"),
    "a stop that was lifted": lambda team, _: stop_for_a_while(team),
    "time": lambda team, n: team.clock.move(minutes=n),
}
CHANGES = st.tuples(st.sampled_from(sorted({**MOVING, **HARMLESS})), st.integers(0, 20))


@settings(LASTING, max_examples=20)
@given(st.lists(CHANGES, min_size=1, max_size=5))
def test_what_was_asked_for_is_void_exactly_when_something_it_is_bound_to_has_changed(
    team_that_shipped: Team, changes: list[tuple[str, int]]
) -> None:
    team = team_that_shipped.copy()
    team.release("1.07")
    key = team.promote()
    assert team.promotion(key).state in OPEN_STATES
    moved = ""
    for name, number in changes:
        {**MOVING, **HARMLESS}[name](team, number)
        team.settle()
        moved = moved or (name if name in MOVING else "")
        promotion = team.promotion(key)
        assert (promotion.state is PromotionState.VOIDED) == bool(moved), (changes, promotion.note)
        if name == moved != "what runs":
            assert name in promotion.note
        if moved:
            break
    if moved:
        with pytest.raises(LampwayError) as told:
            team.approve(key)
        assert isinstance(told.value, VoidedError) or "voided" in str(told.value)
        assert not team.promotion(key).decisions
    else:
        team.approve(key)
        assert team.promotion(key).state is PromotionState.SUCCEEDED
    team.store.close()
