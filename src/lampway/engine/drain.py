"""Draining an environment: whatever may start there is carried out, one at a time, in the order it was asked for.

The ledger's order and the fenced lease decide, never a queue. Waiting holds no lease; running always does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.digest import to_plain
from lampway.domain.events import ENGINE, DeploymentStarted, Event, PromotionMoved, StepStarted, Tagged
from lampway.domain.gates import is_overdue, judge
from lampway.domain.judgement import Eligibility
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion, PromotionState
from lampway.domain.rehearsal import RehearsalRun, RunState
from lampway.domain.spans import span_in_words
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine.ask import ask_approvers
from lampway.engine.attestations import attest_verdict
from lampway.engine.campaigns import tend_retirements
from lampway.engine.checkpoint import keep_checkpoint, publish
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.deploy import carry_out, prepare
from lampway.engine.drift import renew_lock
from lampway.engine.facts import bind, case_of, eligibility, gather
from lampway.engine.known import Known
from lampway.engine.moves import go_on
from lampway.engine.recheck import collect_expired, may_collect
from lampway.engine.relock import tend_unlockings
from lampway.engine.store import Due, Reading
from lampway.engine.switching import places_with_switches, tend_switches
from lampway.errors import LampwayError

_OURS = ("checkpoint", "checkpoint-tag", "tag")
"""What of the outbox is said here; notices have their own way and their own patience."""
_STARTABLE = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


def environments_with_work(engine: Engine) -> tuple[str, ...]:
    """Return the environments with open promotions, the one asked for first first; then where a tag is still due."""
    with engine.store.reading() as reading:
        found = reading.find(Promotion, states=OPEN_STATES)
        switches = places_with_switches(reading)
        rehearsed = [run.environment for run in reading.find(RehearsalRun, states=(RunState.RUNNING,))]
    due = (due.doc.get("environment", "") for due in engine.store.due())
    found_in = (*(p.environment for p in found), *rehearsed, *due, *switches)
    return tuple(name for name in dict.fromkeys(found_in) if name)


def drain(engine: Engine, environment: str, known: Known | None = None) -> bool:
    """Resume what was under way in the environment, then start everything whose gates are open.

    What is `known` to be closed is not judged again; without it everything is, once. Call it only while the runtime
    vouches that nobody else works there. Raises nothing for a deployment that ends badly: how it ended is in the
    ledger. Raises StorageError when the fence was lost. Returns whether something is left that could not be done now,
    and may be when it is tried again.
    """
    known = known or Known(environment)
    look = _look(engine, environment, known)
    again = False
    if look.is_over:
        tend_unlockings(engine, (environment,))
        look = _look(engine, environment, known)
    if look.aged:
        again = _collect(engine, look)
        look = _look(engine, environment, known)
    tried: set[str] = set()
    while not engine.is_leaving():
        if look.is_stuck and look.under_way is None:
            break
        if look.is_rehearsed and look.under_way is None and go_on(engine, environment):
            look = _look(engine, environment, known)
            continue
        chosen = None if look.under_way else _choose(engine, look, tried)
        if look.under_way is None and chosen is None:
            break
        fence = engine.store.take_lease(environment, engine.holder)
        try:
            if look.under_way is not None:
                if _go_on(engine, look.under_way, fence):
                    again = True
                    break  # the platform does not answer; the next resume looks again
            elif chosen is not None:
                tried.add(chosen.id)
                _start(engine, chosen, fence)
        finally:
            engine.store.release_lease(environment, fence)
        look = _look(engine, environment, known)
    again = tend_switches(engine, environment) or again
    tend_retirements(engine)
    ask_approvers(engine, environment, known)
    flush_outbox(engine)
    return again or _may_start(engine, tried) or any(due.kind in _OURS for due in engine.store.due())


def _go_on(engine: Engine, seen: Deployment, fence: int) -> bool:
    """Go on with a deployment from where it is, and return whether it still is under way.

    It is read again now that the lease is ours: whoever had it before may have come further since it was seen.
    """
    with engine.store.reading() as reading:
        current = reading.get(Deployment, seen.id) or seen
    if current.state is not DeploymentState.RUNNING:
        return False
    return carry_out(engine, current, fence) is DeploymentState.RUNNING


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A promotion that waits, judged."""

    promotion: Promotion
    move: PromotionMoved | None
    """What ends it, where its ground has moved."""
    judged: Eligibility | None


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is to be done in an environment, all of it seen at one moment, by a look that hinders nobody."""

    under_way: Deployment | None
    is_stuck: bool
    """Whether a deployment there waits for a person to say what happened."""
    waiting: tuple[_Waiting, ...]
    """Going back first, then in the order in which they were asked for."""
    is_over: bool
    """Whether the environment was unlocked, and is to be locked again."""
    is_rehearsed: bool
    """Whether an upgrade is being rehearsed there."""

    @property
    def aged(self) -> tuple[Promotion, ...]:
        """Those that rely on what has only grown old."""
        forward = (w for w in self.waiting if w.promotion.kind is DeploymentKind.FORWARD and w.move is None)
        return tuple(w.promotion for w in forward if w.judged and may_collect(w.judged))


def _look(engine: Engine, environment: str, known: Known) -> _Look:
    now = engine.now()
    known.follow(engine.store, now)
    with engine.store.reading() as reading:
        known.look(reading)
        under_way = reading.find(Deployment, environment=environment, states=(DeploymentState.RUNNING,))
        stuck = reading.find(Deployment, environment=environment, states=(DeploymentState.RECONCILE,))
        found = reading.find(Promotion, environment=environment, states=_STARTABLE)
        found = tuple(sorted(found, key=lambda p: p.kind is not DeploymentKind.ROLLBACK))
        waiting = tuple(_judged(reading, p, now, known) for p in found if not known.is_closed(p))
        opened = reading.find(Unlocking, environment=environment, states=(UnlockState.OPEN,))
        over = any(one.is_over(now) for one in opened)
        runs = reading.find(RehearsalRun, environment=environment, states=(RunState.RUNNING,))
        return _Look(under_way[0] if under_way else None, bool(stuck), waiting, over, bool(runs))


def _judged(reading: Reading, promotion: Promotion, now: str, known: Known) -> _Waiting:
    move = void_if_moved(reading, promotion, now)
    case = None if move else case_of(reading, promotion)
    facts = gather(reading, case, now) if case else None
    judged = judge(facts) if facts else None
    if facts and judged and not judged.allowed and not may_collect(judged):
        known.close(facts)
    return _Waiting(promotion, move, judged)


def _may_start(engine: Engine, tried: set[str]) -> bool:
    """Return whether one of these promotions still waits although every gate is open: it could not be started."""
    with engine.store.reading() as reading:
        found = [p for p in (reading.get(Promotion, key) for key in tried) if p and p.state in _STARTABLE]
        cases = (case_of(reading, promotion) for promotion in found)
        return any(case is not None and eligibility(reading, case, engine.now()).allowed for case in cases)


def _collect(engine: Engine, look: _Look) -> bool:
    """Collect again what promotions rely on, where it has only grown old. Returns whether one failed."""
    failed = False
    for promotion in look.aged:
        why = collect_expired(engine, promotion)
        if why:
            failed = True
            _put_off(engine, promotion, why)
    return failed


def _start(engine: Engine, promotion: Promotion, fence: int) -> None:
    try:
        renew_lock(engine, promotion)
        deployment, ground = prepare(engine, promotion, fence)
    except LampwayError as error:
        _put_off(engine, promotion, f"could not start: {error}")
        return
    begun = _begin(engine, deployment)
    if begun is not None:
        carry_out(engine, begun, fence, ground)


def _begin(engine: Engine, deployment: Deployment) -> Deployment | None:
    """Record that a deployment begins and return it as recorded, if its promotion still may start.

    It is judged once more, in the same transaction: while the platform was asked, somebody may have taken it back,
    changed the rules or found drift.
    """
    now = engine.now()
    with engine.store.transaction() as transaction:
        transaction.require_fence(deployment.environment, deployment.fence)
        promotion = transaction.get(Promotion, deployment.promotion)
        events: tuple[Event, ...] = ()
        case = case_of(transaction, promotion) if promotion and promotion.state in _STARTABLE else None
        void = void_if_moved(transaction, promotion, now) if promotion else None
        facts = gather(transaction, case, now) if case and not void else None
        judged = judge(facts) if facts else None
        is_begun = judged is not None and judged.allowed
        if void is not None:
            events = (void,)
        elif judged is not None and is_begun:
            gates = tuple(to_plain(g) for g in judged.gates)
            events = (
                PromotionMoved(deployment.promotion, PromotionState.READY, "every gate is open", gates, now),
                PromotionMoved(deployment.promotion, PromotionState.RUNNING, "deploying"),
                DeploymentStarted(deployment),
                StepStarted(deployment.id, deployment.plan[0].name, 1, deployment.fence, {}),
            )
        told = [transaction.append(event, ENGINE) for event in events]
        if promotion is not None and is_begun:
            judged_from = (facts, judged) if facts and judged else None
            statements = attest_verdict(engine, transaction, promotion, allowed=True, judged=judged_from)
            told += [transaction.append(event, ENGINE) for event in statements]
        begun = transaction.get(Deployment, deployment.id)
    engine.tell(told)
    return begun


def _put_off(engine: Engine, promotion: Promotion, why: str) -> None:
    with engine.store.transaction() as transaction:
        current = transaction.get(Promotion, promotion.id)
        moves = current is not None and current.state in _STARTABLE and current.note != why
        told = [transaction.append(PromotionMoved(promotion.id, PromotionState.WAITING, why), ENGINE)] if moves else []
    engine.tell(told)


def _choose(engine: Engine, look: _Look, tried: set[str]) -> Promotion | None:
    """Return the first promotion that may start, having ended those before it whose ground has moved.

    It is judged once more when it begins.
    """
    ending, chosen = [], None
    for waiting in look.waiting:
        if waiting.move is not None:
            ending.append(waiting.promotion.id)
        elif waiting.promotion.id not in tried and waiting.judged is not None and waiting.judged.allowed:
            chosen = waiting.promotion
            break
    if ending:
        _end(engine, ending)
    return chosen


def _end(engine: Engine, promotions: Sequence[str]) -> None:
    """End these promotions, where their ground still has moved."""
    now = engine.now()
    with engine.store.transaction() as transaction:
        found = (transaction.get(Promotion, key) for key in promotions)
        moves = (void_if_moved(transaction, promotion, now) for promotion in found if promotion)
        told = [transaction.append(move, ENGINE) for move in moves if move is not None]
    engine.tell(told)


def void_if_moved(reading: Reading, promotion: Promotion, now: str) -> PromotionMoved | None:
    """Return the event that ends a promotion, or None.

    It is voided when something it is bound to has changed, and expires when it has waited longer than its stage allows.
    """
    if promotion.kind is not DeploymentKind.FORWARD or promotion.state not in _STARTABLE:
        return None
    case = case_of(reading, promotion)
    if case is None:
        return PromotionMoved(promotion.id, PromotionState.VOIDED, "its stage is no longer in the strategy")
    ground = bind(reading, rules_in_force(reading).strategy, case.stage, case.release)
    changed = ground.changed_since(promotion.bound)
    if changed:
        why = f"changed since it was asked for: {', '.join(changed)}"
        return PromotionMoved(promotion.id, PromotionState.VOIDED, why)
    if is_overdue(case.stage, promotion.requested_at, now):
        why = f"it waited longer than {span_in_words(case.stage.expires)}; its evidence is kept"
        return PromotionMoved(promotion.id, PromotionState.EXPIRED, why)
    return None


def flush_outbox(engine: Engine) -> None:
    """Say to the outside what is due; what fails stays due and is tried again next time."""
    for due in [due for due in engine.store.due() if due.kind == "checkpoint"]:
        keep_checkpoint(engine, due.key)
    for due in engine.store.due():
        doc = due.doc
        if due.kind == "checkpoint-tag":
            publish(engine, due)
        if due.kind != "tag":
            continue
        try:
            engine.source.tag(doc["tag"], doc["commit"], f"{doc['solution']} {doc['version']} runs in production")
            engine.source.push([f"refs/tags/{doc['tag']}"])
        except LampwayError:
            with engine.store.transaction() as transaction:
                transaction.remember(Due(due.key, due.kind, doc, due.attempts + 1))
            continue
        with engine.store.transaction() as transaction:
            tagged = Tagged(doc["solution"], doc["version"], doc["tag"], doc["commit"])
            is_ours = transaction.forget(due.key)  # another one may have said it meanwhile
            told = [transaction.append(tagged, ENGINE)] if is_ours else []
        engine.tell(told)
