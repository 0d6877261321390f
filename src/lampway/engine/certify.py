"""Certifying: an owner confirms, for a time, that a solution is still needed: asked in a campaign, or unasked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lampway.domain.certification import Certification, role_of
from lampway.domain.deployment import Installation
from lampway.domain.events import (
    ENGINE,
    Actor,
    AnswerReviewed,
    Certified,
    Event,
    QuestionAnswered,
    Recorded,
    RetirementRequested,
)
from lampway.domain.moments import later, write_moment
from lampway.domain.recertification import (
    ASKED,
    DATA_CLASSES,
    Confirmation,
    Profile,
    Question,
    QuestionState,
    RecertificationRules,
)
from lampway.domain.release import Release
from lampway.domain.retirement import UNDER_WAY, Retirement
from lampway.domain.spans import parse_span
from lampway.domain.strategy import Solution, Strategy
from lampway.engine.attestations import attest_certificate
from lampway.engine.context import Engine, Request, newest_release, require_reason, rules_in_force
from lampway.engine.retire import undoing
from lampway.engine.store import Reading, Transaction
from lampway.engine.switching import ask_on, lift_ours
from lampway.engine.usage import usage_lines
from lampway.errors import NotFoundError, RefusedError, UsageError

USUAL = "180d"
"""For how long a certification holds where nothing else is said, and no campaign asks again before."""
_SHORTEST, _LONGEST = 86_400.0, 2 * 366 * 86_400.0
_REASON = 1_000
_TEXT = 300


@dataclass(frozen=True, slots=True)
class Recertify(Request[Certification]):
    """Confirm that a solution is still needed, or say that it is not."""

    solution: str
    lasting: str | None = None
    """For how long, such as 180d; None: until the next campaign wants to know, or for the usual time."""
    reason: str = ""
    purpose: str | None = None
    """What it is for; None: as it was said before."""
    users: str | None = None
    """Who works with it; likewise."""
    owner: str | None = None
    """Id of who owns it from now on; None: as declared."""
    backup_owner: str | None = None
    data_class: str | None = None
    needed: bool = True


@dataclass(frozen=True, slots=True)
class ReviewAnswer(Request[Question]):
    """Look at an owner's answer: it counts, or it is sent back."""

    solution: str
    accepted: bool
    reason: str = ""


def recertify(engine: Engine, request: Recertify, actor: Actor) -> Certification:
    """Record an owner's word, with a signed certificate. Raises NotFoundError, UsageError, RefusedError.

    Only the owner and the backup owner that the rules in force name may give it; where a campaign asks and escalates,
    the backup owner only after that. What they speak of is what runs in the last stage, else the newest release; a
    solution without a release has nothing to be certified. An answer to a campaign that a reviewer looks at first
    counts once they did; what was switched off for want of one is switched on at once.
    """
    seconds = _length(request.lasting) if request.lasting is not None else 0.0
    reason = _short(request.reason, "a reason", _REASON)
    with engine.store.reading() as reading:
        is_asked = open_question(reading, request.solution) is not None
    usage = usage_lines(engine, request.solution) if is_asked else ()
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        solution = strategy.solution(request.solution)
        person, role = _owner(strategy, solution, actor)
        subject = _subject(transaction, strategy, solution)
        question = open_question(transaction, solution.name)
        _refuse(transaction, strategy, solution, question, request, role)
        now = engine.now()
        given = Certification(
            id=engine.new_id(),
            solution=solution.name,
            by=person,
            role=role,
            at=now,
            until=_until(strategy, solution, now, seconds),
            reason=reason,
            authenticated=actor.authenticated,
        )
        told = []
        if question is not None:
            profile = _profile(strategy, request, question)
            answer = _answer(given, request, profile, usage)
            told += [transaction.append(e, actor) for e in _answered(engine, transaction, question, answer)]
        after = transaction.get(Question, question.id) if question else None
        if request.needed and (after is None or after.state is QuestionState.CONFIRMED):
            told += _certified(engine, transaction, given, subject, actor)
    engine.tell(told)
    return given


def review_answer(engine: Engine, request: ReviewAnswer, actor: Actor) -> Question:
    """Record what a reviewer says. Raises NotFoundError, UsageError, RefusedError for whoever may not, or answered.

    Sent back, the owner has the time that is left; what the reviewer took is not counted.
    """
    reason = request.reason.strip() if request.accepted else require_reason(request.reason)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        solution = strategy.solution(request.solution)
        question = open_question(transaction, solution.name)
        if question is None or question.state is not QuestionState.REVIEW:
            raise NotFoundError(f"no answer about {solution.name} waits for a review", hint="lampway campaigns")
        answer = question.answers[-1]
        person = _reviewer(strategy, answer, actor, engine.now())
        looked = AnswerReviewed(question.id, person, request.accepted, _short(reason, "a reason", _REASON))
        told = [transaction.append(looked, actor)]
        if request.accepted and answer.needed:
            given = Certification(
                id=engine.new_id(),
                solution=solution.name,
                by=answer.by,
                role=answer.role,
                at=engine.now(),
                until=answer.until,
                reason=answer.reason,
                authenticated=answer.authenticated,
            )
            told += _certified(engine, transaction, given, _subject(transaction, strategy, solution), actor)
        elif request.accepted:
            told += [transaction.append(e, actor) for e in _ending(engine, transaction, question, answer)]
        after = transaction.get(Question, question.id) or question
    engine.tell(told)
    return after


def open_question(reading: Reading, solution: str) -> Question | None:
    """Return the question about a solution that somebody owes something to."""
    found = reading.find(Question, solution=solution, states=ASKED, limit=1)
    return found[0] if found else None


def _certified(
    engine: Engine,
    transaction: Transaction,
    given: Certification,
    subject: tuple[Release, tuple[Installation, ...]],
    actor: Actor,
) -> list[Recorded]:
    told = [transaction.append(Certified(given), actor)]
    statements = attest_certificate(engine, transaction, given, *subject)
    return [*told, *(transaction.append(event, ENGINE) for event in statements)]


def _answered(engine: Engine, reading: Reading, question: Question, answer: Confirmation) -> Iterator[Event]:
    """Yield an answer and what it brings back: a holding clock, and everything that was switched off meanwhile."""
    rules = rules_in_force(reading).strategy.recertification
    is_reviewed = bool(rules and rules.reviewer)
    yield QuestionAnswered(question.id, answer, review=is_reviewed)
    if answer.needed:
        why = f"{answer.by} answered that {question.solution} is still needed"
        for one in reading.find(Retirement, solution=question.solution, states=UNDER_WAY):
            yield from undoing(engine, reading, one, answer.by, why)
        yield from lift_ours(reading, question.solution, why)
        yield from ask_on(engine, reading, question.solution, (question.id,), why)
    elif not is_reviewed:
        yield from _ending(engine, reading, question, answer)


def _ending(engine: Engine, reading: Reading, question: Question, answer: Confirmation) -> Iterator[Event]:
    """Yield the request to retire what its owner needs no more, unless somebody has asked for that already."""
    if reading.find(Retirement, solution=question.solution, states=UNDER_WAY, limit=1):
        return
    if not reading.find(Installation, solution=question.solution, limit=1):
        return
    why = answer.reason or "its owner needs it no more"
    yield RetirementRequested(
        Retirement(engine.new_id(), question.solution, "", why, answer.by, engine.now(), cause=question.id)
    )


def _answer(given: Certification, request: Recertify, profile: Profile, usage: tuple[str, ...]) -> Confirmation:
    return Confirmation(
        by=given.by,
        role=given.role,
        at=given.at,
        needed=request.needed,
        profile=profile,
        until=given.until if request.needed else "",
        reason=given.reason,
        usage=usage,
        authenticated=given.authenticated,
    )


def _profile(strategy: Strategy, request: Recertify, question: Question) -> Profile:
    """Return what the owner confirms: what was known, with what they change. Raises UsageError."""
    asked = {
        "owner": request.owner,
        "backup_owner": request.backup_owner,
        "purpose": request.purpose,
        "data_class": request.data_class,
        "users": request.users,
    }
    given = {name: _short(text, name, _TEXT) for name, text in asked.items() if text is not None}
    profile = replace(question.profile, **given)
    for name in ("owner", "backup_owner"):
        who = getattr(profile, name)
        if who and strategy.person(who) is None:
            raise UsageError(f"{who} is nobody in people.yaml", hint="name somebody who is, or add them first")
    if profile.data_class and profile.data_class not in DATA_CLASSES:
        raise UsageError(f"no such data class: {profile.data_class}", hint=f"there is: {', '.join(DATA_CLASSES)}")
    unknown = [n for n in ("purpose", "users", "data_class") if not getattr(profile, n)] if request.needed else []
    if unknown:
        flags = " ".join(f"--{name.replace('_', '-')} '...'" for name in unknown)
        raise UsageError(
            f"nobody has said yet of {question.solution}: {', '.join(unknown).replace('_', ' ')}",
            hint=f"lampway recertify {question.solution} {flags}",
        )
    return profile


def declared_otherwise(solution: Solution, profile: Profile) -> tuple[str, ...]:
    """Return what an owner said that is not what the strategy in force declares, one line each."""
    pairs = (
        ("owner", profile.owner, solution.owner),
        ("backup_owner", profile.backup_owner, solution.backup_owner),
        ("data_class", profile.data_class, solution.data_class),
    )
    return tuple(
        f"solutions/{solution.name}/solution.yaml says {name}: {declared or 'nothing'}; "
        f"the owner says {said or 'nothing'}"
        for name, said, declared in pairs
        if said != declared
    )


def _refuse(  # noqa: PLR0917 - an answer is judged by all of these
    reading: Reading,
    strategy: Strategy,
    solution: Solution,
    question: Question | None,
    request: Recertify,
    role: str,
) -> None:
    """Go on only if this may be said now. Raises RefusedError, UsageError."""
    said = (request.purpose, request.users, request.owner, request.backup_owner, request.data_class)
    if question is None:
        if not request.needed:
            hint = f"lampway retire {solution.name} --reason '...'"
            raise UsageError(f"nobody asks about {solution.name} now: end it by itself", hint=hint)
        if any(text is not None for text in said):
            hint = f"change solutions/{solution.name}/solution.yaml, or leave these out"
            raise UsageError(f"no campaign asks about {solution.name} now: nothing else is confirmed", hint=hint)
    elif question.state is QuestionState.REVIEW and strategy.recertification and strategy.recertification.reviewer:
        raise RefusedError(question.words(""), hint="lampway campaigns")
    elif not question.may_answer(strategy.recertification, role):
        hint = f"{solution.owner} answers; once it is escalated, {solution.backup_owner} may as well"
        raise RefusedError(f"{solution.owner} is asked about {solution.name} first", hint=hint)
    for one in reading.find(Retirement, solution=solution.name, states=UNDER_WAY):
        if question is None or one.cause != question.id:
            raise RefusedError(one.words, hint=f"lampway retire {solution.name} --undo --reason '...'")


def _reviewer(strategy: Strategy, answer: Confirmation, actor: Actor, now: str) -> str:
    role = strategy.recertification.reviewer if strategy.recertification else ""
    person = strategy.person(actor.person)
    able = [p.id for p in strategy.holders((role,)) if p.is_here(now) and p.id != answer.by]
    if person is None or role not in person.roles_at(now) or not person.is_here(now):
        raise RefusedError(
            f"{actor.person} does not hold the role {role}", hint=f"who may: {', '.join(able) or 'nobody yet'}"
        )
    if person.id == answer.by:
        raise RefusedError(f"{person.name} gave the answer: somebody else looks at it", hint=", ".join(able))
    return person.id


def _until(strategy: Strategy, solution: Solution, now: str, seconds: float) -> str:
    """Return until when a certificate holds: as asked for, else until the next campaign's answers are due."""
    rules: RecertificationRules | None = strategy.recertification
    cadence = rules.cadence(solution.criticality) if rules else None
    if seconds or rules is None or cadence is None:
        return later(now, seconds or _length(USUAL))
    return later(write_moment(rules.next_after(cadence, now)), cadence.answer)


def _short(text: str, what: str, most: int) -> str:
    """Return a text, trimmed. Raises UsageError for one that is too long."""
    if len(text.strip()) > most:
        raise UsageError(f"{what} may have {most} characters", hint="put the rest into a document, and name it")
    return text.strip()


def _length(text: str) -> float:
    seconds = parse_span(text)
    if seconds is None or not _SHORTEST <= seconds <= _LONGEST:
        raise UsageError(f"not a length of time from 1d to 732d: {text[:40]!r}", hint="write it as in --for 180d")
    return seconds


def _owner(strategy: Strategy, solution: Solution, actor: Actor) -> tuple[str, str]:
    """Return id and role of whoever certifies. Raises RefusedError for everybody else."""
    person = strategy.person(actor.person)
    if person is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
    role = role_of(solution, person.id)
    if not role:
        owners = " or ".join(name for name in (solution.owner, solution.backup_owner) if name)
        raise RefusedError(f"{person.name} does not own {solution.name}", hint=f"{owners} may certify it")
    return person.id, role


def require_answerer(reading: Reading, strategy: Strategy, name: str, actor: Actor) -> None:
    """Go on only if this person's word that a solution is still needed can count now.

    Raises NotFoundError, RefusedError.
    """
    solution = strategy.solution(name)
    _, role = _owner(strategy, solution, actor)
    _subject(reading, strategy, solution)
    _refuse(reading, strategy, solution, open_question(reading, name), Recertify(solution=name), role)


def require_reviewer(reading: Reading, strategy: Strategy, name: str, actor: Actor, now: str) -> str:
    """Return the id of who looks at the answer about a solution. Raises NotFoundError, RefusedError."""
    question = open_question(reading, strategy.solution(name).name)
    if question is None or question.state is not QuestionState.REVIEW:
        raise NotFoundError(f"no answer about {name} waits for a review", hint="lampway campaigns")
    return _reviewer(strategy, question.answers[-1], actor, now)


def _subject(reading: Reading, strategy: Strategy, solution: Solution) -> tuple[Release, tuple[Installation, ...]]:
    """Return the release that is spoken of, and everything of the solution that runs now, in the order of its path."""
    stages = [stage.environment for stage in strategy.pipeline_of(solution.name).stages]
    found = [i for i in reading.find(Installation, solution=solution.name) if i.environment in stages]
    runs = tuple(sorted(found, key=lambda i: stages.index(i.environment)))
    last = next((i for i in runs if i.environment == stages[-1]), None)
    release = reading.get(Release, f"{solution.name}@{last.version}") if last else None
    release = release or newest_release(reading, solution.name)
    if release is None:
        raise RefusedError(
            f"{solution.name} has no release yet: there is nothing to certify", hint=f"lampway release {solution.name}"
        )
    return release, runs
