"""Looking at what owners owe: questions with what is known beside them, what comes when, and what waits for hands."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.certification import Certification
from lampway.domain.due import to_text
from lampway.domain.events import Actor
from lampway.domain.recertification import ASKED, Campaign, Profile, Question, QuestionState, newest_campaign
from lampway.domain.retirement import UNDER_WAY, Retirement
from lampway.domain.strategy import RulesInForce, Strategy
from lampway.domain.switches import PENDING, TASKS, Switch, SwitchState
from lampway.engine.campaigns import profile_of
from lampway.engine.certify import declared_otherwise, open_question
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.retirements import able_to_approve, approval_rules, missing_consents
from lampway.engine.store import Reading
from lampway.engine.usage import UsageFacts, usage_of


@dataclass(frozen=True, slots=True)
class Owed:
    """A question that somebody owes something to."""

    id: str
    solution: str
    state: str
    by: str
    """Id of whoever is asked now: the owner, or the role that reviews."""
    due: str
    """When the answer is due; empty while the clock stands still."""
    following: str
    """What comes next when nobody answers; empty for nothing."""
    following_at: str
    words: str


@dataclass(frozen=True, slots=True)
class Opening:
    """When owners are asked next."""

    criticality: str
    at: str
    solutions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CampaignsView:
    """Who owes what by when."""

    questions: tuple[Owed, ...]
    calendar: tuple[Opening, ...]
    switches: tuple[Switch, ...]
    """What is switched off, is to be, or waits for somebody's hands."""
    retirements: tuple[Retirement, ...]
    """Those under way."""


@dataclass(frozen=True, slots=True)
class ShowCampaigns(Request[CampaignsView]):
    """Look at who owes what by when."""


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question with everything that is known beside it."""

    solution: str
    question: Question | None
    """The one that is open; None where nobody asks now."""
    profile: Profile
    """What is to be confirmed."""
    usage: tuple[UsageFacts, ...]
    certified_until: str
    """Empty: it never was."""
    differs: tuple[str, ...]
    """What the last answer said and the strategy in force says otherwise."""
    words: str


@dataclass(frozen=True, slots=True)
class ShowQuestion(Request[QuestionView]):
    """Look at what is asked about one solution, and at what is known of its use."""

    solution: str


@dataclass(frozen=True, slots=True)
class ShowOwed(Request[tuple[str, ...]]):
    """Ask what somebody owes besides decisions about promotions: answers, reviews, approvals of ends, switches."""

    everybody: bool = False
    """What anybody owes."""


@dataclass(frozen=True, slots=True)
class RetirementView:
    """One retirement, and what is missing before it begins."""

    retirement: Retirement
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowRetirements(Request[tuple[RetirementView, ...]]):
    """Look at everything that ends, or has ended."""


def show_campaigns(engine: Engine, request: ShowCampaigns, actor: Actor) -> CampaignsView:
    """Return who owes what, what is asked next, and what is switched off or ends. Changes nothing."""
    del request, actor
    now = engine.now()
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        asked = reading.find(Question, states=ASKED)
        states = (*PENDING, *TASKS, SwitchState.OFF)
        return CampaignsView(
            questions=tuple(sorted((_owed(strategy, q, now) for q in asked), key=lambda o: (o.due or "9", o.id))),
            calendar=_calendar(reading, strategy),
            switches=reading.find(Switch, states=states),
            retirements=reading.find(Retirement, states=UNDER_WAY),
        )


def _owed(strategy: Strategy, question: Question, now: str) -> Owed:
    rules = strategy.recertification
    rung = question.next_rung(rules) if rules else None
    is_open = question.state is QuestionState.OPEN
    solution = next((s for s in strategy.solutions if s.name == question.solution), None)
    owner = solution.owner if solution else question.profile.owner
    return Owed(
        id=question.id,
        solution=question.solution,
        state=str(question.state),
        by=owner if is_open else (rules.reviewer if rules else ""),
        due=question.due if is_open else "",
        following=str(rung.then) if rung else "",
        following_at=question.next_at(rules) if rules else "",
        words=question.words(now),
    )


def _calendar(reading: Reading, strategy: Strategy) -> tuple[Opening, ...]:
    rules, campaigns = strategy.recertification, reading.find(Campaign)
    found = []
    if rules is None:
        return ()
    for cadence in rules.cadences:
        last = newest_campaign(campaigns, cadence.criticality)
        at = rules.next_after(cadence, last.slot if last else "")
        names = tuple(s.name for s in strategy.solutions if s.criticality == cadence.criticality)
        found.append(Opening(cadence.criticality, to_text(at), names))
    return tuple(sorted(found, key=lambda opening: opening.at))


def show_question(engine: Engine, request: ShowQuestion, actor: Actor) -> QuestionView:
    """Return the question and what is known beside it, asked of the platforms now. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        solution = rules_in_force(reading).strategy.solution(request.solution)
        question = open_question(reading, solution.name)
        certified = reading.find(Certification, solution=solution.name, newest_first=True, limit=1)
        answers = [a for q in reading.find(Question, solution=solution.name) for a in q.answers if a.needed]
        profile = question.profile if question else profile_of(reading, solution)
    return QuestionView(
        solution=solution.name,
        question=question,
        profile=profile,
        usage=usage_of(engine, solution.name),
        certified_until=certified[0].until if certified else "",
        differs=declared_otherwise(solution, answers[-1].profile) if answers else (),
        words=question.words(engine.now()) if question else "nobody asks about it now",
    )


def show_retirements(engine: Engine, request: ShowRetirements, actor: Actor) -> tuple[RetirementView, ...]:
    """Return every retirement, oldest first."""
    del request, actor
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        found = reading.find(Retirement)
        return tuple(RetirementView(r, _missing(reading, strategy, r)) for r in found)


def show_owed(engine: Engine, request: ShowOwed, actor: Actor) -> tuple[str, ...]:
    """Return what whoever asks owes, a line with its command each; nothing before any rules are in force."""
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
        person = rules.strategy.person(actor.person) if rules else None
        if rules is None or (person is None and not request.everybody):
            return ()
        strategy, now = rules_in_force(reading).strategy, engine.now()
        owed = [
            *((asked_of(strategy, q), _words(q, now)) for q in reading.find(Question, states=ASKED)),
            *(approvers_of(reading, strategy, r, now) for r in reading.find(Retirement, states=("requested",))),
            *((_admins(strategy), f"{s.words}: {_DONE.format(s=s)}") for s in reading.find(Switch, states=TASKS)),
        ]
    return tuple(words for people, words in owed if request.everybody or (person and person.id in people))


_DONE = "lampway switched {s.solution} --in {s.environment} --reason '...'"


def asked_of(strategy: Strategy, question: Question) -> set[str]:
    """Return who may act on a question now."""
    rules, solution = (
        strategy.recertification,
        next((s for s in strategy.solutions if s.name == question.solution), None),
    )
    if question.state is QuestionState.REVIEW:
        able = strategy.holders((rules.reviewer,)) if rules and rules.reviewer else ()
        return {p.id for p in able} - {question.answers[-1].by}
    owners = {solution.owner} if solution else set()
    if solution and solution.backup_owner and question.may_answer(rules, "backup-owner"):
        owners.add(solution.backup_owner)
    return owners


def _words(question: Question, now: str) -> str:
    if question.state is QuestionState.REVIEW:
        return f"{question.solution}: {question.words(now)}: lampway review {question.solution} --accept|--send-back"
    return f"{question.solution}: still needed? {question.words(now)}: lampway recertify {question.solution} --show"


def approvers_of(reading: Reading, strategy: Strategy, retirement: Retirement, now: str) -> tuple[set[str], str]:
    """Return who may agree to a retirement and has not, and in words what there is to agree to."""
    rules = approval_rules(reading, strategy, retirement)
    able = {p.id for rule in rules for p in able_to_approve(strategy, rule, now)}
    given = {consent.by for consent in retirement.consents}
    scope = f"{retirement.solution} --in {retirement.environment}" if retirement.environment else retirement.solution
    words = f"{retirement.words}, asked for by {retirement.requested_by}: lampway retire {scope} --approve"
    return able - given - {retirement.requested_by}, words


def _admins(strategy: Strategy) -> set[str]:
    return {p.id for p in strategy.holders(("platform-admin",))}


def _missing(reading: Reading, strategy: Strategy, retirement: Retirement) -> tuple[str, ...]:
    return missing_consents(reading, strategy, retirement) if retirement.state == "requested" else ()
