"""Retiring a solution: asked for, approved by somebody else, put aside and switched off, waited for, removed.

It can be taken back until the end. Removing goes the way of every deployment, with its journal, its lease and its care.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.deployment import Installation
from lampway.domain.events import (
    ENGINE,
    Actor,
    Event,
    PromotionMoved,
    PromotionRequested,
    RetirementApproved,
    RetirementBegun,
    RetirementEnded,
    RetirementRequested,
)
from lampway.domain.moments import later
from lampway.domain.promotion import OPEN_STATES, Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.recertification import Question
from lampway.domain.release import Release
from lampway.domain.retirement import (
    Consent,
    Retirement,
    RetirementState,
    consent_statement,
)
from lampway.domain.strategy import Person, Strategy
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.engine.evidence import ExportEvidence, export_evidence
from lampway.engine.retirements import (
    able_to_approve,
    approval_rules,
    find_retirement,
    installed_in,
    missing_consents,
    place_of,
    refuse_needed,
    refuse_second,
)
from lampway.engine.signed import Draft, by_signature, keys_of, prove
from lampway.engine.store import Reading
from lampway.engine.switching import ask_off, ask_on, lift_ours
from lampway.engine.uninstalling import refuse_used_there
from lampway.errors import RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Retire(Request[Retirement]):
    """Ask to end a solution, or to end it in one environment."""

    solution: str
    reason: str
    environment: str = ""
    """Empty: wherever it is installed."""


@dataclass(frozen=True, slots=True)
class ApproveRetirement(Request[Retirement]):
    """Approve a retirement that somebody else asked for."""

    solution: str
    environment: str = ""
    envelope: str = ""
    """The approval as the person signed it; empty where it was not signed."""


@dataclass(frozen=True, slots=True)
class DraftConsent(Request[Draft]):
    """Ask for the statement that an approval of a retirement would be."""

    solution: str
    environment: str = ""


@dataclass(frozen=True, slots=True)
class UndoRetirement(Request[Retirement]):
    """Take a retirement back."""

    solution: str
    reason: str
    environment: str = ""


def retire(engine: Engine, request: Retire, actor: Actor) -> Retirement:
    """Record the request. Raises NotFoundError, UsageError, RefusedError.

    Refused while another solution there needs it, where the platform sees something that does, and where a retirement
    of it is under way already. A team of one approves by asking: nobody else could.
    """
    reason = require_reason(request.reason)
    refuse_used_there(engine, request.solution, request.environment)
    archive = _archive(engine, request.solution, request.environment)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        solution = strategy.solution(request.solution)
        person = strategy.person(actor.person)
        if person is None:
            raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
        environment = place_of(transaction, solution.name, request.environment)
        refuse_second(transaction, solution.name, environment)
        asked = Retirement(engine.new_id(), solution.name, environment, reason, person.id, engine.now())
        refuse_needed(transaction, asked)
        told = [transaction.append(RetirementRequested(asked), actor)]
        if len(strategy.people) == 1:
            told += [transaction.append(e, ENGINE) for e in _beginning(engine, transaction, asked, archive)]
        after = transaction.get(Retirement, asked.id) or asked
    engine.tell(told)
    return after


def approve_retirement(engine: Engine, request: ApproveRetirement, actor: Actor) -> Retirement:
    """Record an approval; with the last one that is needed it begins. Raises NotFoundError, RefusedError, UsageError.

    Never by whoever asked, and under the rules by which the last stage it is installed in is approved: roles, number of
    people, signatures.
    """
    now = engine.now()
    archive = _archive(engine, request.solution, request.environment)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        retirement = find_retirement(transaction, request.solution, request.environment)
        person = _may_approve(transaction, strategy, retirement, actor, now)
        given = Consent(person.id, now, authenticated=actor.authenticated)
        by = actor
        if request.envelope:
            expect = functools.partial(consent_statement, retirement, person.id)
            proof = prove(engine, request.envelope, (person.id, person), now, expect)
            given = Consent(person.id, now, authenticated=True, key=proof.key, envelope=request.envelope)
            by = by_signature(actor)
        told = [transaction.append(RetirementApproved(retirement.id, given), by)]
        after = transaction.get(Retirement, retirement.id) or retirement
        if not missing_consents(transaction, strategy, after):
            refuse_needed(transaction, after)
            told += [transaction.append(e, ENGINE) for e in _beginning(engine, transaction, after, archive)]
            after = transaction.get(Retirement, retirement.id) or after
    engine.tell(told)
    return after


def draft_consent(engine: Engine, request: DraftConsent, actor: Actor) -> Draft:
    """Return what this person would sign, and with which keys. Records nothing. Raises what approving raises."""
    now = engine.now()
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        retirement = find_retirement(reading, request.solution, request.environment)
        person = _may_approve(reading, strategy, retirement, actor, now)
    return Draft(consent_statement(retirement, person.id, now).payload().decode(), keys_of(person, now))


def undo_retirement(engine: Engine, request: UndoRetirement, actor: Actor) -> Retirement:
    """Take it back, at any moment until it has ended. Raises NotFoundError, RefusedError, UsageError.

    What was switched off is switched on again, what waits to be removed stays, and what was removed already comes back
    as it was.
    """
    reason = require_reason(request.reason)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        found = find_retirement(transaction, request.solution, request.environment)
        person = strategy.person(actor.person)
        solution = next((s for s in strategy.solutions if s.name == found.solution), None)
        owners = {solution.owner, solution.backup_owner} if solution else set()
        approvers = {
            p.id for rule in approval_rules(transaction, strategy, found) for p in able_to_approve(strategy, rule, "")
        }
        if person is None or person.id not in {found.requested_by, *owners, *approvers}:
            raise RefusedError(
                f"{actor.person} neither asked for it, owns {found.solution}, nor approves such things",
                hint=f"who may: {', '.join(sorted({found.requested_by, *owners, *approvers} - {''}))}",
            )
        events = tuple(undoing(engine, transaction, found, person.id, reason))
        told = [transaction.append(event, actor) for event in events]
        after = transaction.get(Retirement, found.id) or found
    engine.tell(told)
    return after


def undoing(engine: Engine, reading: Reading, found: Retirement, person: str, reason: str) -> Iterator[Event]:
    """Yield what takes a retirement back. Raises RefusedError while something is being removed at this moment."""
    removals = [p for p in (reading.get(Promotion, key) for key in found.removals) if p is not None]
    under_way = next((p for p in removals if p.state in (PromotionState.RUNNING, PromotionState.RECONCILE)), None)
    if under_way is not None:
        raise RefusedError(
            f"{found.solution} is being removed from {under_way.environment} right now",
            hint="wait until that has ended; what was removed comes back then",
        )
    why = f"the retirement was taken back: {reason}"
    for promotion in removals:
        if promotion.state in OPEN_STATES:
            yield PromotionMoved(promotion.id, PromotionState.ABORTED, why)
    yield RetirementEnded(found.id, RetirementState.UNDONE, reason)
    question = reading.get(Question, found.cause) if found.cause else None
    is_over = question is not None and not question.is_open
    if is_over:  # nobody is asked any more who could bring it back by an answer
        yield from lift_ours(reading, found.solution, why)
    yield from ask_on(engine, reading, found.solution, (found.id, *((found.cause,) if is_over else ())), why)
    strategy = rules_in_force(reading).strategy
    for gone in found.places:
        if reading.get(Installation, f"{gone.environment}/{gone.solution}") is None:
            yield from _bring_back(engine, strategy, gone, person, why)


def _bring_back(engine: Engine, strategy: Strategy, gone: Installation, person: str, why: str) -> Iterator[Event]:
    stage = strategy.stage(gone.solution, gone.environment)
    bound = Bound(gone.release, gone.configuration.digest, "", "", "")
    yield PromotionRequested(
        Promotion(
            id=engine.new_id(),
            solution=gone.solution,
            version=gone.version,
            stage=stage.name,
            environment=gone.environment,
            kind=DeploymentKind.ROLLBACK,
            bound=bound,
            configuration=gone.configuration,
            requested_by=person,
            requested_at=engine.now(),
            reason=why,
            state=PromotionState.WAITING,
        )
    )


def _archive(engine: Engine, solution: str, environment: str) -> dict[str, tuple[str, ...]]:
    """Put evidence about everything of it that runs beside its packages; return what was kept, by package.

    Before anything is recorded: what is kept already is kept once, and what nothing ever names harms nobody.
    """
    with engine.store.reading() as reading:
        place = place_of(reading, solution, environment)
        found = [h for h in reading.find(Installation, solution=solution) if place in ("", h.environment)]
        sealed = [h for h in found if reading.get(Release, f"{h.solution}@{h.version}") is not None]
    evidence: dict[str, str] = {}
    for name in dict.fromkeys(f"{here.solution}@{here.version}" for here in sealed):
        content = export_evidence(engine, ExportEvidence(name), ENGINE).content
        evidence[name] = engine.packages.put(content.encode())
    return {here.package: (here.package, evidence[f"{here.solution}@{here.version}"]) for here in sealed}


def _beginning(
    engine: Engine, reading: Reading, retirement: Retirement, archive: dict[str, tuple[str, ...]]
) -> Iterator[Event]:
    """Yield that it is put aside, that it waits, and what switches it off. Raises RefusedError."""
    places = installed_in(reading, retirement)
    if any(here.package not in archive for here in places):
        raise RefusedError("something was deployed there at this very moment", hint="do the same again")
    kept = tuple(dict.fromkeys(digest for here in places for digest in archive[here.package]))
    wait = rules_in_force(reading).strategy.retirement.wait
    why = f"it is being retired: {retirement.reason}"
    waiting = reading.find(Promotion, solution=retirement.solution, states=_NOT_BEGUN)
    events: list[Event] = [RetirementBegun(retirement.id, places, kept, later(engine.now(), wait))]
    events += [PromotionMoved(p.id, PromotionState.ABORTED, why) for p in waiting if retirement.covers(p.environment)]
    yield from (*events, *ask_off(engine, reading, places, retirement.id, why))


_NOT_BEGUN = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


def _may_approve(reading: Reading, strategy: Strategy, retirement: Retirement, actor: Actor, now: str) -> Person:
    """Return who approves. Raises RefusedError for whoever may not, UsageError where it is no longer to be decided."""
    if retirement.state is not RetirementState.REQUESTED:
        raise UsageError(retirement.words, hint="lampway retire --list")
    person = strategy.person(actor.person)
    if person is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
    if person.id == retirement.requested_by:
        raise RefusedError(
            f"{person.name} asked for it: somebody else approves", hint=_who(reading, strategy, retirement)
        )
    rules = approval_rules(reading, strategy, retirement)
    if not any(person.id in {p.id for p in able_to_approve(strategy, rule, now)} for rule in rules):
        raise RefusedError(f"{person.name} may not approve it", hint=_who(reading, strategy, retirement))
    if any(c.by == person.id and (c.key or not any(r.signed for r in rules)) for c in retirement.consents):
        raise UsageError(f"{person.name} has approved it already", hint=_who(reading, strategy, retirement))
    return person


def _who(reading: Reading, strategy: Strategy, retirement: Retirement) -> str:
    return "; ".join(missing_consents(reading, strategy, retirement))
