"""Asking to move a release to a stage, and to go back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import Installation, KnownGood
from lampway.domain.events import ENGINE, Actor, Event, PromotionMoved, PromotionRequested, TicketGiven
from lampway.domain.judgement import GateState
from lampway.domain.promotion import OPEN_STATES, Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.strategy import Stage, Strategy
from lampway.domain.ticket import ticket_fault
from lampway.engine.context import Engine, Request, find_release, require_reason, rules_in_force
from lampway.engine.drain import void_if_moved
from lampway.engine.drift import refresh
from lampway.engine.facts import Case, bind, case_of, configuration_for, eligibility, installed, rollback_target
from lampway.engine.loss import loss_between, loss_of_removal
from lampway.engine.reconcile import give_up
from lampway.engine.retirements import refuse_retired
from lampway.engine.store import Reading, Transaction
from lampway.errors import NotFoundError, RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Requested:
    """The promotions that stand after asking, first stage first."""

    promotions: tuple[str, ...]
    """Ids."""
    already: tuple[str, ...] = ()
    """Stages in which exactly this release runs verified already."""


@dataclass(frozen=True, slots=True)
class Promote(Request[Requested]):
    """Ask to move a release to a stage, by way of every stage before it."""

    release: str
    """`solution@version`, or `solution` for its newest release."""
    to: str
    """Name of a stage or of its environment."""
    reason: str = ""
    ticket: str = ""
    """The change ticket that all of it goes by; empty for none, or for the one given already."""


@dataclass(frozen=True, slots=True)
class Rollback(Request[Requested]):
    """Ask to bring back the newest known-good release other than what runs, with the configuration it had."""

    solution: str
    environment: str
    reason: str
    to: str = ""
    """A version that is known-good there; the newest other one if empty."""
    remove: bool = False
    """Remove the solution where there is nothing to go back to."""
    running: str = ""
    """The version that the person was shown to run there; refused if it is another by now. Empty: whatever runs."""
    accept_loss: bool = False
    """Go back although that destroys data, such as tables that the older release does not have."""


@dataclass(frozen=True, slots=True)
class Abort(Request[PromotionState]):
    """Take a promotion back that has not started, or give up a deployment that does not come to its end."""

    promotion: str
    reason: str


def promote(engine: Engine, request: Promote, actor: Actor) -> Requested:
    """Record the request for each stage on the way. Raises NotFoundError, RefusedError.

    Asking again for what is already asked for makes no second promotion. An older release waiting for the same stage
    is superseded. A ticket is given to every promotion that stands afterwards. Raises UsageError for what is no ticket.
    """
    if request.ticket:
        refuse_ticket(request.ticket)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        release = find_release(reading, request.release)
    target = strategy.stage(release.solution, request.to, hotfix=bool(release.hotfix))
    stages = (*strategy.stages_before(release.solution, target), target)
    with engine.store.reading() as reading:
        for stage in stages:
            refuse_retired(reading, release.solution, stage.environment)
    for stage in stages:
        asks_for_lock = bool(stage.rules_of("lock"))
        refresh(engine, strategy.environment(stage.environment), actor, lock=asks_for_lock)
    with engine.store.transaction() as transaction:
        told = []
        ids, already = [], []
        for stage in stages:
            if _runs_verified(transaction, release, stage):
                already.append(stage.name)
                continue
            promotion, events = _ask(engine, transaction, strategy, release, stage, actor, request)
            told += [transaction.append(event, by) for event, by in events]
            ids.append(promotion)
    engine.tell(told)
    return Requested(tuple(ids), tuple(already))


def _runs_verified(reading: Reading, release: Release, stage: Stage) -> bool:
    here = installed(reading, stage.environment, release.solution)
    return here is not None and here.release == release.digest and here.verified and not here.drifted


def _ask(  # noqa: PLR0917 - one request is all of these
    engine: Engine,
    transaction: Transaction,
    strategy: Strategy,
    release: Release,
    stage: Stage,
    actor: Actor,
    request: Promote,
) -> tuple[str, list[tuple[Event, Actor]]]:
    events: list[tuple[Event, Actor]] = []
    for other in transaction.find(
        Promotion, environment=stage.environment, solution=release.solution, states=OPEN_STATES
    ):
        if other.kind is not DeploymentKind.FORWARD:
            continue
        void = void_if_moved(transaction, other, engine.now())
        if other.version == release.version and void is None:
            if request.ticket:
                events += [(event, actor) for event in with_ticket(other, request.ticket)]
            return other.id, events
        if void is not None:
            events.append((void, ENGINE))
        elif other.state in (PromotionState.WAITING, PromotionState.READY):
            why = f"{release.name} was asked for instead"
            events.append((PromotionMoved(other.id, PromotionState.SUPERSEDED, why), actor))
    configuration, _ = configuration_for(strategy, stage, release)
    promotion = Promotion(
        id=engine.new_id(),
        solution=release.solution,
        version=release.version,
        stage=stage.name,
        environment=stage.environment,
        kind=DeploymentKind.FORWARD,
        bound=bind(transaction, strategy, stage, release),
        configuration=configuration,
        requested_by=actor.person,
        requested_at=engine.now(),
        reason=request.reason,
        state=PromotionState.WAITING,
        ticket=request.ticket,
    )
    events.append((PromotionRequested(promotion), actor))
    return promotion.id, events


def refuse_ticket(text: str) -> None:
    """Insist that this can be a change ticket. Raises UsageError."""
    wrong = ticket_fault(text)
    if wrong:
        raise UsageError(wrong, hint="write it as those who keep tickets do, such as CHG-1234")


def with_ticket(promotion: Promotion, ticket: str) -> tuple[Event, ...]:
    """Return that a promotion goes by this ticket from now on; nothing where it does, or is being deployed already.

    Raises RefusedError where somebody approved it by another one.
    """
    if promotion.ticket == ticket or promotion.state in (PromotionState.RUNNING, PromotionState.RECONCILE):
        return ()
    bound = [d.by for d in promotion.decisions if d.approved and d.digest == promotion.bound.digest]
    if promotion.ticket and bound:
        raise RefusedError(
            f"{bound[0]} approved it by change ticket {promotion.ticket}; with another it is another change",
            hint=f"lampway abort {promotion.id}, and ask again with --ticket {ticket}",
        )
    return (TicketGiven(promotion.id, ticket),)


def rollback(engine: Engine, request: Rollback, actor: Actor) -> Requested:
    """Record the request to go back. Raises RefusedError, NotFoundError, UsageError.

    It needs a named person and a reason, skips the forward gates, and goes before whatever waits for the same
    environment, which is voided by it.
    """
    reason = require_reason(request.reason)
    looked, loss = _accepted_loss(engine, request)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        stage = strategy.stage(request.solution, request.environment)
        here = installed(transaction, stage.environment, request.solution)
        if here is None:
            raise NotFoundError(f"{request.solution} is not installed in {stage.environment}")
        if here.package != looked:
            raise RefusedError(f"{stage.environment} was deployed to at this moment", hint="run the command again")
        refuse_retired(transaction, request.solution, stage.environment)
        if request.running and request.running != here.version:
            said = f"{here.version} runs in {stage.environment} by now, not {request.running}"
            raise RefusedError(said, hint=f"look again: lampway rollback {request.solution} --plan")
        back = _choose_target(transaction, request, stage.environment, here.release)
        if back is None and not request.remove:
            raise RefusedError(
                f"there is no known-good release of {request.solution} to go back to in {stage.environment}",
                hint="to take it out of there altogether, add --remove",
            )
        asked = replace(request, reason=reason)
        promotion = replace(_backwards(engine, asked, stage, back, here, actor), loss=loss)
        told = [transaction.append(PromotionRequested(promotion), actor)]
        judged = eligibility(transaction, _case(transaction, promotion), engine.now())
        if not judged.allowed:
            raise RefusedError(judged.closed[0].reason, hint=judged.closed[0].next)
    engine.tell(told)
    return Requested((promotion.id,))


def _accepted_loss(engine: Engine, request: Rollback) -> tuple[str, tuple[str, ...]]:
    """Return what is installed, and what going back destroys there and somebody accepted. Raises RefusedError."""
    with engine.store.reading() as reading:
        stage = rules_in_force(reading).strategy.stage(request.solution, request.environment)
        here = installed(reading, stage.environment, request.solution)
        back = _choose_target(reading, request, stage.environment, here.release) if here else None
        running, target = (find_known(reading, request.solution, one.version) if one else None for one in (here, back))
    if here is None or (target is None and not request.remove):
        return here.package if here else "", ()
    if target is None:
        what, loss = f"taking {request.solution} out", loss_of_removal(engine, running, here.package)
    else:
        loss = loss_between(engine, running, here.package, target.package.digest)
        what = f"going back to {target.version}"
    if loss and not request.accept_loss:
        raise RefusedError(
            f"{what} destroys data in {stage.environment}; nothing was changed",
            hint="mend it forward with a new release; or to lose it, add --accept-loss",
            details=loss,
        )
    return here.package, loss


def find_known(reading: Reading, solution: str, version: str) -> Release | None:
    """Return a release by its version, or None."""
    return reading.get(Release, f"{solution}@{version}")


def _choose_target(reading: Reading, request: Rollback, environment: str, running: str) -> KnownGood | None:
    solution = request.solution
    if request.remove and request.to:
        raise UsageError("either --remove or --to, not both")
    if request.remove:
        return None
    if not request.to:
        return rollback_target(reading, environment, solution, running)
    goods = reading.find(KnownGood, environment=environment, solution=solution, newest_first=True)
    for good in goods:
        if good.version == request.to:
            return good
    known = ", ".join(dict.fromkeys(g.version for g in goods)) or "none"
    raise RefusedError(f"{request.to} was never verified in {environment}", hint=f"known-good there: {known}")


def _backwards(  # noqa: PLR0917 - a request is all of these
    engine: Engine, request: Rollback, stage: Stage, back: KnownGood | None, here: Installation, actor: Actor
) -> Promotion:
    configuration = back.configuration if back else ConfigurationSet()
    release = back.release if back else "remove"
    return Promotion(
        id=engine.new_id(),
        solution=request.solution,
        version=back.version if back else here.version,
        stage=stage.name,
        environment=stage.environment,
        kind=DeploymentKind.ROLLBACK,
        bound=Bound(release, configuration.digest, here.bound_digest, "", ""),
        configuration=configuration,
        requested_by=actor.person,
        requested_at=engine.now(),
        reason=request.reason,
        state=PromotionState.WAITING,
    )


def _case(reading: Reading, promotion: Promotion) -> Case:
    case = case_of(reading, promotion)
    if case is None:
        raise NotFoundError(f"{promotion.solution}@{promotion.version} is not in the records")
    return case


def abort(engine: Engine, request: Abort, actor: Actor) -> PromotionState:
    """Take a waiting promotion back, or leave a running one to a person; return its state then.

    Raises NotFoundError, RefusedError, UsageError where a running one is given up without a reason.
    """
    with engine.store.transaction() as transaction:
        promotion = find_promotion(transaction, request.promotion, engine.now())
        told = []
        if promotion.state in (PromotionState.WAITING, PromotionState.READY):
            moved = PromotionMoved(promotion.id, PromotionState.ABORTED, request.reason or "taken back")
            told = [transaction.append(moved, actor)]
        elif promotion.state is not PromotionState.RUNNING:
            raise RefusedError(
                f"promotion {promotion.id} is {promotion.state}; only a waiting or a running one can be aborted"
            )
    engine.tell(told)
    if told:
        return PromotionState.ABORTED
    give_up(engine, promotion, request.reason, actor)
    return PromotionState.RECONCILE


def find_promotion(reading: Reading, name: str, now: str) -> Promotion:
    """Return the promotion with this id, or the open one that waits for people now for `solution[@version]`.

    Raises NotFoundError when there is none, UsageError when several would do.
    """
    promotion = reading.get(Promotion, name)
    if promotion is not None:
        return promotion
    solution, _, version = name.partition("@")
    found = reading.find(Promotion, solution=solution, states=OPEN_STATES) if solution else ()
    found = tuple(p for p in found if not version or p.version == version)
    if len(found) > 1:
        found = tuple(p for p in found if awaits_approval(reading, p, now)) or found
    if not found:
        raise _no_promotion(reading, name, solution)
    if len(found) > 1:
        ids = ", ".join(f"{p.id} ({p.stage})" for p in found)
        raise UsageError(f"several promotions of {name} are open", hint=f"name one of: {ids}")
    return found[0]


def _no_promotion(reading: Reading, name: str, solution: str) -> NotFoundError:
    last = reading.find(Promotion, solution=solution, newest_first=True, limit=1) if solution else ()
    if not last:
        return NotFoundError(f"no open promotion {name}", hint="lampway inbox")
    ended = f"{last[0].solution}@{last[0].version} → {last[0].stage} is {last[0].state}: {last[0].note}"
    return NotFoundError(f"no open promotion {name}; the last one, {ended}", hint=f"lampway promote {name} --to ...")


def awaits_approval(reading: Reading, promotion: Promotion, now: str) -> bool:
    """Return whether an approval of it is pending."""
    case = case_of(reading, promotion)
    if case is None:
        return False
    leaves = [leaf for gate in eligibility(reading, case, now).gates for leaf in gate.leaves()]
    return any(leaf.gate == "approval" and leaf.state is GateState.PENDING for leaf in leaves)
