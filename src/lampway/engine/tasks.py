"""Everything that waits for somebody, the most urgent first: what is broken, then who is held up, then what is owed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from lampway.domain.backport import BackportState
from lampway.domain.deployment import DriftFinding, DriftState
from lampway.domain.events import Actor
from lampway.domain.gates import checklist, judge
from lampway.domain.judgement import OPENING, Facts
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.recertification import ASKED, Question, QuestionState
from lampway.domain.retirement import Retirement
from lampway.domain.rights import answer_objection, waiver_objection
from lampway.domain.roles import permission
from lampway.domain.standing import TESTER, CheckState, required, standings
from lampway.domain.strategy import Person, Strategy
from lampway.domain.unlocking import SECONDS, Unlocking, UnlockState
from lampway.engine.backport import ShowBackports, show_backports
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.facts import case_of, gather
from lampway.engine.passkeys import unnamed_passkeys
from lampway.engine.questions import approvers_of, asked_of
from lampway.engine.store import Reading
from lampway.engine.views import Inbox, inbox

_SIGN_NOTHING = {"maker", "auditor", "platform-admin"}
"""Roles that give nothing which counts by its signature."""
_ENDED = (PromotionState.FAILED, PromotionState.ERRORED)
_LOOKED_AT = 200
"""How many failures are looked through, the newest ones: what failed long ago is in the history."""


class TaskKind(StrEnum):
    """What is to be done, in the order of urgency."""

    LOOK = "look"
    """Nobody knows whether a step happened: look there and say."""
    CONFIRM = "confirm"
    """Confirm that an environment is unlocked."""
    FAILED = "failed"
    """What this person asked for failed and nothing came after it."""
    REVIEW_UNLOCK = "review-unlock"
    DRIFT = "drift"
    """Somebody edited live; say what becomes of it."""
    REPLY = "reply"
    """Answer what was asked about a promotion of theirs."""
    DECIDE = "decide"
    TEST = "test"
    """Say what came of a check that people carry out."""
    CHECKLIST = "checklist"
    NAME_PASSKEY = "name-passkey"
    """Name somebody's passkey in people.yaml, so that it signs."""
    BACKPORT = "backport"
    """Bring a live edit into a release."""
    REVIEW_ANSWER = "review-answer"
    RECERTIFY = "recertify"
    RETIRE = "retire"
    """Agree that something is taken out."""


_ORDER = {kind: place for place, kind in enumerate(TaskKind)}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for somebody."""

    kind: TaskKind
    words: str
    since: str
    until: str = ""
    """When it is due; empty where nothing says so."""
    promotion: str = ""
    solution: str = ""
    environment: str = ""
    check: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ShowTasks(Request[tuple[Task, ...]]):
    """Ask for everything that waits for the asking person, the most urgent first."""


def show_tasks(engine: Engine, request: ShowTasks, actor: Actor) -> tuple[Task, ...]:
    """Return what waits for this person. Nothing for whoever is nobody in people.yaml; records nothing."""
    del request
    now = engine.now()
    views = inbox(engine, Inbox(), actor)
    asked = [v.promotion for v in views if v.promotion.open_question and v.promotion.requested_by == actor.person]
    found = [_about(TaskKind.REPLY, p, p.open_question.text if p.open_question else "") for p in asked]
    found += [_about(TaskKind.DECIDE, v.promotion, v.promotion.reason) for v in views if not v.may_decide]
    for line in show_backports(engine, ShowBackports(mine=True), actor):
        one = line.task
        if one.state is BackportState.OPEN:
            found.append(Task(TaskKind.BACKPORT, one.words, one.at, solution=one.solution, environment=one.environment))
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        person = strategy.person(actor.person)
        if person is None:
            return ()
        found += [*_of_promotions(reading, person, now), *_of_places(reading, strategy, person, now)]
        found += _of_owners(reading, strategy, person, now)
        found += _of_admins(reading, strategy, person, now)
    return tuple(sorted(found, key=lambda task: (_ORDER[task.kind], task.until or "9", task.since)))


def _about(kind: TaskKind, promotion: Promotion, words: str, check: str = "") -> Task:
    return Task(
        kind=kind,
        words=words,
        since=promotion.requested_at,
        promotion=promotion.id,
        solution=promotion.solution,
        environment=promotion.environment,
        check=check,
        version=promotion.version,
    )


def _of_promotions(reading: Reading, person: Person, now: str) -> Iterator[Task]:
    """Yield what is to be looked at, tested and answered, and what failed."""
    if _may(person, "Reconcile", now):
        for one in reading.find(Promotion, states=(PromotionState.RECONCILE,)):
            yield _about(TaskKind.LOOK, one, one.note)
    for one in reading.find(Promotion, states=_ENDED, newest_first=True, limit=_LOOKED_AT):
        if one.requested_by != person.id:
            continue
        where = {"solution": one.solution, "environment": one.environment}
        newest = reading.find(Promotion, **where, newest_first=True, limit=1)
        if newest and newest[0].id == one.id:
            yield _about(TaskKind.FAILED, one, one.note)
    for one in reading.find(Promotion, states=(PromotionState.WAITING,)):
        case = case_of(reading, one) if one.kind is DeploymentKind.FORWARD else None
        if case is None:
            continue
        facts = gather(reading, case, now)
        for check, place in to_attest(facts, person):
            task = _about(TaskKind.TEST, one, f"check {check} in {place}", check)
            yield replace(task, environment=place)
        open_ = to_answer(facts, person)
        mine = [line.text for line in checklist(facts) if not line.reply and line.item in open_]
        if mine:
            yield _about(TaskKind.CHECKLIST, one, "; ".join(mine))


def to_attest(facts: Facts, person: Person) -> tuple[tuple[str, str], ...]:
    """Return the checks that this person may attest and that a promotion waits for, each with where."""
    makers = [facts.strategy.person(maker) for maker in facts.makers]
    biased = person in makers or (facts.editors_unknown and "maker" in person.roles)
    if TESTER not in person.roles_at(facts.now) or biased:
        return ()
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    if not before or before[-1].environment not in facts.verified_in:
        return ()
    solution = facts.strategy.solution(facts.solution)
    found = [
        standing
        for rule in facts.stage.rules_of("checks")
        for standing in standings(
            required(solution, rule), facts.evidence, (before[-1].environment,), rule.max_age, facts.now
        )
    ]
    open_ = [(s.check.name, s.environment) for s in found if s.check.attested and s.state is not CheckState.PASSED]
    return tuple(dict.fromkeys(open_))


def to_waive(facts: Facts, person: Person) -> tuple[str, ...]:
    """Return the closed gates that this person may waive."""
    closed = [g.gate for g in judge(facts).gates if g.state not in OPENING]
    return tuple(dict.fromkeys(gate for gate in closed if not waiver_objection(facts, gate, person.id)))


def to_answer(facts: Facts, person: Person) -> tuple[str, ...]:
    """Return the items of the checklist that this person may answer."""
    return tuple(item.item for item in facts.stage.checklist if not answer_objection(facts, item, person.id))


def _of_places(reading: Reading, strategy: Strategy, person: Person, now: str) -> Iterator[Task]:
    """Yield what happened in environments past everybody."""
    for one in reading.find(Unlocking):
        if one.state is UnlockState.ASKED and one.second == person.id and not one.lapsed(now):
            yield Task(TaskKind.CONFIRM, one.words, one.at, environment=one.environment)
        elif one.needs_review and one.by != person.id and set(SECONDS) & set(person.roles_at(now)):
            yield Task(TaskKind.REVIEW_UNLOCK, one.words, one.at, one.review_until, environment=one.environment)
    for finding in reading.find(DriftFinding, states=(DriftState.OPEN,)):
        owner = strategy.solution(finding.solution).owner if strategy.knows(finding.solution) else ""
        if person.id == owner or "release-manager" in person.roles_at(now):
            words = "; ".join(finding.changes)
            place = {"solution": finding.solution, "environment": finding.environment, "version": finding.version}
            yield Task(TaskKind.DRIFT, words, finding.found_at, **place)


def _of_owners(reading: Reading, strategy: Strategy, person: Person, now: str) -> Iterator[Task]:
    """Yield what is asked of whoever answers for a solution."""
    for question in reading.find(Question, states=ASKED):
        if person.id in asked_of(strategy, question):
            is_review = question.state is QuestionState.REVIEW
            kind = TaskKind.REVIEW_ANSWER if is_review else TaskKind.RECERTIFY
            yield Task(kind, question.words(now), question.asked_at, question.due, solution=question.solution)
    for retirement in reading.find(Retirement, states=("requested",)):
        people, _ = approvers_of(reading, strategy, retirement, now)
        if person.id in people:
            place = {"solution": retirement.solution, "environment": retirement.environment}
            yield Task(TaskKind.RETIRE, retirement.words, retirement.requested_at, **place)


def _of_admins(reading: Reading, strategy: Strategy, person: Person, now: str) -> Iterator[Task]:
    """Yield what keeps others from signing until whoever applies rules has written it down."""
    if not _may(person, "ApplyStrategy", now):
        return
    for passkey in unnamed_passkeys(reading, strategy, now):
        whose = strategy.person(passkey.person)
        roles = set(whose.roles_at(now)) - _SIGN_NOTHING if whose else ()
        if whose and roles:
            add = f"lampway passkey show {passkey.id} --add"
            words = f"{whose.name}'s passkey *{passkey.name}* signs no decision until people.yaml names it: {add}"
            yield Task(TaskKind.NAME_PASSKEY, words, passkey.at)


def _may(person: Person, request: str, now: str) -> bool:
    needed = permission(request)
    return needed is not None and bool(set(needed.roles) & set(person.roles_at(now)))
