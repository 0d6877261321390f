"""Campaigns: asking owners by the calendar, taking what follows when nobody answers, and ending what has waited.

All of it is rows that a worker takes: a fact is recorded in the transaction that takes its row, so that it comes about
once however many workers there are, and once where it was missed because none ran.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from lampway.domain.certification import Certification
from lampway.domain.deployment import Installation
from lampway.domain.due import Moment, Passed, to_text
from lampway.domain.events import (
    ENGINE,
    CampaignOpened,
    CertificateClosed,
    Event,
    PromotionRequested,
    Recorded,
    RemovalAsked,
    RetirementDelayed,
    RetirementEnded,
    RetirementRequested,
    ReviewReminded,
    RungTaken,
)
from lampway.domain.moments import later, shown
from lampway.domain.promotion import OPEN_STATES, Promotion, PromotionState
from lampway.domain.recertification import (
    ASKED,
    Cadence,
    Campaign,
    Consequence,
    Profile,
    Question,
    QuestionState,
    RecertificationRules,
    Rung,
    newest_campaign,
)
from lampway.domain.retirement import UNDER_WAY, Retirement, RetirementState
from lampway.domain.strategy import Solution, Strategy
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.retirements import installed_in, removal_of, users_of
from lampway.engine.store import Reading, Scheduled
from lampway.engine.switching import ask_off, hold_off, lift_ours

CAMPAIGN, RUNG, REVIEW, RETIREMENT = "campaign", "rung", "review", "retirement"
GOVERNING = (CAMPAIGN, RUNG, REVIEW, RETIREMENT)
"""Kinds of rows that are acted upon here."""
_AT_ONCE = 200
"""How many rows are taken in one transaction."""
_AGAIN = 86_400.0
"""Seconds until a removal that something stood in the way of is tried again."""


def governing_rows(reading: Reading, strategy: Strategy) -> Iterator[Scheduled]:
    """Yield everything that is due some day: campaigns, what follows from questions, reviews, removals."""
    rules = strategy.recertification
    if rules is not None:
        campaigns = reading.find(Campaign)
        yield from (_campaign_row(rules, cadence, campaigns) for cadence in rules.cadences)
        known = {solution.name for solution in strategy.solutions}
        for question in reading.find(Question, states=ASKED):
            if question.solution in known:
                yield from _question_rows(reading, rules, question)
    for retirement in reading.find(Retirement, states=(RetirementState.WAITING,)):
        yield _retirement_row(retirement)


def certificate_ends(reading: Reading) -> Iterator[Moment]:
    """Yield when what owners confirmed ends, of everything that is installed somewhere."""
    newest = {given.solution: given for given in reading.find(Certification)}
    for solution, given in newest.items():
        if reading.find(Installation, solution=solution, limit=1):
            words = f"what {given.by} certified about {solution}"
            yield Moment(to_text(datetime.fromisoformat(given.until)), "certification", given.id, words)


def _campaign_row(rules: RecertificationRules, cadence: Cadence, campaigns: tuple[Campaign, ...]) -> Scheduled:
    last = newest_campaign(campaigns, cadence.criticality)
    at = to_text(rules.next_after(cadence, last.slot if last else ""))
    words = f"owners of solutions of {cadence.criticality} criticality are asked"
    return Scheduled(f"{CAMPAIGN}/{cadence.criticality}", CAMPAIGN, "", "", at, words)


def _question_rows(reading: Reading, rules: RecertificationRules, question: Question) -> Iterator[Scheduled]:
    rung = question.next_rung(rules)
    if rung is not None:
        words = f"{rung.then} about {question.solution}"
        yield Scheduled(f"{RUNG}/{question.id}", RUNG, "", "", _exact(question.next_at(rules)), words)
    if question.state is QuestionState.REVIEW and rules.review:
        key = f"{REVIEW}/{question.id}/{question.answers[-1].at}"
        passed = reading.get(Passed, key)
        at = _next_review(question, rules.review, passed.at if passed else "")
        yield Scheduled(key, REVIEW, "", "", at, f"the answer about {question.solution} waits for its review")


def _next_review(question: Question, every: float, last: str) -> str:
    begin = datetime.fromisoformat(question.answers[-1].at)
    told = (datetime.fromisoformat(last) - begin).total_seconds() if last else 0.0
    return to_text(begin + timedelta(seconds=every * (math.floor(told / every) + 1)))


def _retirement_row(retirement: Retirement) -> Scheduled:
    at, words = _exact(retirement.remove_at), f"{retirement.scope} is removed"
    return Scheduled(f"{RETIREMENT}/{retirement.id}", RETIREMENT, "", "", at, words)


def _exact(moment: str) -> str:
    return to_text(datetime.fromisoformat(moment))


def take_row(engine: Engine, row: Scheduled) -> bool:
    """Do one thing that is due, and whatever else of its sort is; return False where another worker was faster.

    Owners of many solutions are asked at once, and what follows is due at once: reading the rules for each of them by
    itself would cost more than all the rest.
    """
    told: list[Recorded] = []
    with engine.store.transaction() as transaction:
        if not transaction.take_due(row):
            return False
        strategy = rules_in_force(transaction).strategy
        others = transaction.due_by(engine.now(), limit=_AT_ONCE)
        for one in (row, *(other for other in others if other.kind == row.kind)):
            if one is row or transaction.take_due(one):
                events = tuple(_due(engine, transaction, strategy, one))
                told += [transaction.append(event, ENGINE) for event in events]
                for following in _following(transaction, strategy, one):
                    transaction.plan(following)
    engine.tell(told)
    return bool(told)


def _due(engine: Engine, reading: Reading, strategy: Strategy, row: Scheduled) -> Iterator[Event]:
    subject, rules = row.key.partition("/")[2], strategy.recertification
    if row.kind == RETIREMENT:
        retirement = reading.get(Retirement, subject)
        if retirement is not None and retirement.state is RetirementState.WAITING:
            yield from _remove(engine, reading, strategy, retirement)
    elif rules is None:
        return
    elif row.kind == CAMPAIGN:
        yield from _open_campaign(engine, reading, strategy, rules, subject)
    elif row.kind == RUNG:
        yield from _take_rung(engine, reading, strategy, rules, subject)
    else:
        yield from _remind_reviewer(engine, reading, strategy, rules, row)


def _following(reading: Reading, strategy: Strategy, row: Scheduled) -> Iterator[Scheduled]:
    """Yield the rows that what was just done makes due later."""
    subject = row.key.partition("/")[2]
    rules = strategy.recertification
    if row.kind == RETIREMENT:
        retirement = reading.get(Retirement, subject)
        if retirement is not None and retirement.state is RetirementState.WAITING:
            yield _retirement_row(retirement)
    elif rules is not None and row.kind == CAMPAIGN:
        campaigns = reading.find(Campaign)
        cadence, newest = rules.cadence(subject), newest_campaign(campaigns, subject)
        if cadence is not None:
            yield _campaign_row(rules, cadence, campaigns)
        asked = (reading.get(Question, f"{newest.id}/{name}") for name in newest.asked) if newest else ()
        for question in asked:
            if question is not None:
                yield from _question_rows(reading, rules, question)
    elif rules is not None:
        question = reading.get(Question, subject if row.kind == RUNG else subject.rpartition("/")[0])
        if question is not None:
            yield from _question_rows(reading, rules, question)


def _open_campaign(
    engine: Engine, reading: Reading, strategy: Strategy, rules: RecertificationRules, criticality: str
) -> Iterator[Event]:
    cadence, last = rules.cadence(criticality), newest_campaign(reading.find(Campaign), criticality)
    if cadence is None:
        return
    due = to_text(rules.next_after(cadence, last.slot if last else ""))
    now = engine.now()
    if due > now:
        return  # the rules were changed since this row was written
    slot = to_text(rules.newest_by(cadence, due, now))
    name = f"{criticality}/{slot[:10]}"
    until = later(now, cadence.answer)
    questions = tuple(
        Question(
            id=f"{name}/{solution.name}",
            solution=solution.name,
            campaign=name,
            criticality=criticality,
            profile=profile_of(reading, solution),
            asked_at=now,
            due=until,
            since=until,
        )
        for solution in strategy.solutions
        if solution.criticality == criticality and _is_asked(reading, solution.name)
    )
    asked = tuple(question.solution for question in questions)
    yield CampaignOpened(Campaign(name, criticality, slot, now, until, asked), questions)


def _is_asked(reading: Reading, solution: str) -> bool:
    """Return whether it is installed somewhere, and neither asked about already nor about to end."""
    ending = (RetirementState.WAITING, RetirementState.REMOVING)
    return (
        bool(reading.find(Installation, solution=solution, limit=1))
        and not reading.find(Question, solution=solution, states=ASKED, limit=1)
        and not reading.find(Retirement, solution=solution, states=ending, limit=1)
    )


def profile_of(reading: Reading, solution: Solution) -> Profile:
    """Return what is known of a solution: what is declared, and the purpose and users its owner named last."""
    answers = [a for q in reading.find(Question, solution=solution.name) for a in q.answers if a.needed]
    said = answers[-1].profile if answers else None
    return Profile(
        owner=solution.owner,
        backup_owner=solution.backup_owner,
        purpose=said.purpose if said else "",
        data_class=solution.data_class,
        users=said.users if said else "",
    )


def _take_rung(
    engine: Engine, reading: Reading, strategy: Strategy, rules: RecertificationRules, key: str
) -> Iterator[Event]:
    question, now = reading.get(Question, key), engine.now()
    rung = question.next_rung(rules) if question else None
    if question is None or rung is None or _exact(question.next_at(rules)) > now:
        return
    if not any(s.name == question.solution for s in strategy.solutions):
        return  # nobody could answer for it any more
    then = replace(question, taken=(*question.taken, rung.then), since=now)
    following, at = then.next_rung(rules), then.next_at(rules)
    words = f"nobody answered whether {question.solution} is still needed, due {shown(question.due)}"
    coming = (str(following.then), _exact(at)) if following else ("", "")
    people = _told(strategy, question, rung)
    yield RungTaken(question.id, str(rung.then), _exact(question.next_at(rules)), people, words, *coming)
    places = reading.find(Installation, solution=question.solution)
    if rung.then is Consequence.SWITCH_OFF:
        yield hold_off(engine, question.solution, f"{words}; answer: lampway recertify {question.solution}")
        yield from ask_off(engine, reading, places, question.id, words)
    is_ending = reading.find(Retirement, solution=question.solution, states=UNDER_WAY, limit=1)
    if rung.then is Consequence.RETIRE and places and not is_ending:
        asked = Retirement(engine.new_id(), question.solution, "", words, ENGINE.person, now, cause=question.id)
        yield RetirementRequested(asked)


def _told(strategy: Strategy, question: Question, rung: Rung) -> tuple[str, ...]:
    """Return who is told of a rung: whoever owns it now always, others once it was escalated."""
    solution = strategy.solution(question.solution)
    names = [solution.owner]
    if rung.then is not Consequence.REMIND or Consequence.ESCALATE in question.taken:
        names.append(solution.backup_owner)
    roles = rung.roles if rung.then is Consequence.ESCALATE else ("platform-admin",)
    names += [p.id for p in strategy.holders(roles)] if rung.then is not Consequence.REMIND else []
    return tuple(dict.fromkeys(name for name in names if name))


def _remind_reviewer(
    engine: Engine, reading: Reading, strategy: Strategy, rules: RecertificationRules, row: Scheduled
) -> Iterator[Event]:
    question = reading.get(Question, row.key.partition("/")[2].rpartition("/")[0])
    if question is None or question.state is not QuestionState.REVIEW or not rules.review:
        return
    last = question.answers[-1]
    due, following = row.at, _next_review(question, rules.review, row.at)
    while following <= engine.now():  # those that were missed: one stands for all
        due, following = following, _next_review(question, rules.review, following)
    people = tuple(p.id for p in strategy.holders((rules.reviewer,)) if p.id != last.by)
    yield ReviewReminded(question.id, people, row.key, due)


def _remove(engine: Engine, reading: Reading, strategy: Strategy, retirement: Retirement) -> Iterator[Event]:
    """Yield what removes it, if nothing there needs it; else that it is looked at again tomorrow."""
    if _exact(retirement.remove_at) > engine.now():
        return
    places = installed_in(reading, retirement)
    users = users_of(reading, places)
    lost = [h.environment for h in places if not _is_on_path(strategy, h)]
    if users or lost:
        where, others = next(iter(users.items())) if users else (lost[0], ())
        why = (
            f"{', '.join(others)} in {where} cannot do without it" if users else f"{where} is not on its path any more"
        )
        yield RetirementDelayed(retirement.id, why, later(engine.now(), _AGAIN))
        return
    if not places:
        yield from _ended(reading, retirement)
        return
    promotions = tuple(removal_of(engine, strategy, retirement, here) for here in places)
    yield from lift_ours(reading, retirement.solution, "it is removed now")
    yield from (PromotionRequested(promotion) for promotion in promotions)
    yield RemovalAsked(retirement.id, tuple(promotion.id for promotion in promotions))


def _is_on_path(strategy: Strategy, here: Installation) -> bool:
    if not any(s.name == here.solution for s in strategy.solutions):
        return False
    return any(stage.environment == here.environment for stage in strategy.pipeline_of(here.solution).stages)


def _ended(reading: Reading, retirement: Retirement) -> Iterator[Event]:
    yield RetirementEnded(retirement.id, RetirementState.DONE, f"{retirement.reason}; it is gone everywhere")
    if reading.find(Installation, solution=retirement.solution, limit=1):
        return  # it goes on elsewhere
    yield from lift_ours(reading, retirement.solution, "it was retired")
    certificates = reading.find(Certification, solution=retirement.solution, newest_first=True, limit=1)
    yield from (CertificateClosed(given.id, f"retired: {retirement.reason}") for given in certificates)


def tend_retirements(engine: Engine) -> None:
    """End what was removed everywhere, and put off what could not be. Asking twice does it once."""
    with engine.store.reading() as reading:
        found = reading.find(Retirement, states=(RetirementState.REMOVING,))
        moving = [r.id for r in found if _moves(reading, r)]
    for key in moving:
        with engine.store.transaction() as transaction:
            retirement = transaction.get(Retirement, key)
            if retirement is None or not _moves(transaction, retirement):
                continue
            events = tuple(_outcome(engine, transaction, retirement))
            told = [transaction.append(event, ENGINE) for event in events]
        engine.tell(told)


def _moves(reading: Reading, retirement: Retirement) -> bool:
    """Return whether nothing of it is left, or nothing that would remove it waits any more."""
    if retirement.state is not RetirementState.REMOVING:
        return False
    found = [reading.get(Promotion, key) for key in retirement.removals]
    is_waiting = any(p is not None and p.state in OPEN_STATES for p in found)
    return not is_waiting


def _outcome(engine: Engine, reading: Reading, retirement: Retirement) -> Iterator[Event]:
    if not installed_in(reading, retirement):
        yield from _ended(reading, retirement)
        return
    found = [p for p in (reading.get(Promotion, key) for key in retirement.removals) if p is not None]
    failed = next((p for p in found if p.state is not PromotionState.SUCCEEDED), None)
    why = f"removing it from {failed.environment} is {failed.state}: {failed.note}" if failed else "it is there again"
    yield RetirementDelayed(retirement.id, why, later(engine.now(), _AGAIN))
