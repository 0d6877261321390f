"""Draining an environment: whatever may start there is carried out, one at a time, in the order it was asked for.

The ledger's order and the fenced lease decide, never a queue. Waiting holds no lease; running always does.
"""

from __future__ import annotations

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.digest import to_plain
from lampway.domain.events import ENGINE, DeploymentStarted, Event, PromotionMoved, StepStarted, Tagged
from lampway.domain.gates import is_overdue, judge
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion, PromotionState
from lampway.domain.rehearsal import RehearsalRun, RunState
from lampway.domain.spans import span_in_words
from lampway.engine.ask import ask_approvers
from lampway.engine.attestations import attest_verdict
from lampway.engine.checkpoint import keep_checkpoint, publish
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.deploy import carry_out, prepare
from lampway.engine.facts import bind, case_of, eligibility, gather
from lampway.engine.moves import go_on
from lampway.engine.recheck import collect_expired, may_collect
from lampway.engine.store import Due, Reading
from lampway.errors import LampwayError

_OURS = ("checkpoint", "checkpoint-tag", "tag")
"""What of the outbox is said here; notices have their own way and their own patience."""
_STARTABLE = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


def environments_with_work(engine: Engine) -> tuple[str, ...]:
    """Return the environments with open promotions, the one asked for first first; then where a tag is still due."""
    with engine.store.reading() as reading:
        found = reading.find(Promotion, states=OPEN_STATES)
        rehearsed = [run.environment for run in reading.find(RehearsalRun, states=(RunState.RUNNING,))]
    due = (due.doc.get("environment", "") for due in engine.store.due())
    return tuple(name for name in dict.fromkeys((*(p.environment for p in found), *rehearsed, *due)) if name)


def drain(engine: Engine, environment: str) -> bool:
    """Resume what was under way in the environment, then start everything whose gates are open.

    Call it only while the runtime vouches that nobody else works there. Raises nothing for a deployment that ends
    badly: how it ended is in the ledger. Raises StorageError when the fence was lost. Returns whether something is
    left that could not be done now, and may be when it is tried again.
    """
    again = _collect(engine, environment)
    tried: set[str] = set()
    while not engine.is_leaving():
        with engine.store.reading() as reading:
            under_way = reading.find(Deployment, environment=environment, states=(DeploymentState.RUNNING,))
            stuck = reading.find(Deployment, environment=environment, states=(DeploymentState.RECONCILE,))
        if not under_way and stuck:
            break
        if not under_way and go_on(engine, environment):
            continue
        chosen = None if under_way else _choose(engine, environment, tried)
        if not under_way and chosen is None:
            break
        fence = engine.store.take_lease(environment, engine.holder)
        try:
            if under_way:
                if carry_out(engine, under_way[0], fence) is DeploymentState.RUNNING:
                    again = True
                    break  # the platform does not answer; the next resume looks again
            elif chosen is not None:
                tried.add(chosen.id)
                _start(engine, chosen, fence)
        finally:
            engine.store.release_lease(environment, fence)
    ask_approvers(engine, environment)
    flush_outbox(engine)
    return again or _may_start(engine, tried) or any(due.kind in _OURS for due in engine.store.due())


def _may_start(engine: Engine, tried: set[str]) -> bool:
    """Return whether one of these promotions still waits although every gate is open: it could not be started."""
    with engine.store.reading() as reading:
        found = [p for p in (reading.get(Promotion, key) for key in tried) if p and p.state in _STARTABLE]
        return any(_may_enter(reading, promotion, engine.now()) for promotion in found)


def _collect(engine: Engine, environment: str) -> bool:
    """Collect again what promotions that wait here rely on, where it has only grown old. Returns whether one failed."""
    failed = False
    with engine.store.reading() as reading:
        waiting = reading.find(Promotion, environment=environment, states=_STARTABLE)
        now = engine.now()
        aged = [p for p in waiting if may_collect(reading, p, now) and void_if_moved(reading, p, now) is None]
    for promotion in aged:
        why = collect_expired(engine, promotion)
        if why:
            failed = True
            _put_off(engine, promotion, why)
    return failed


def _start(engine: Engine, promotion: Promotion, fence: int) -> None:
    try:
        deployment = prepare(engine, promotion, fence)
    except LampwayError as error:
        _put_off(engine, promotion, f"could not start: {error}")
        return
    if _begin(engine, deployment):
        carry_out(engine, deployment, fence)


def _begin(engine: Engine, deployment: Deployment) -> bool:
    """Record that a deployment begins and return True, if its promotion still may start.

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
            statements = attest_verdict(engine, transaction, promotion, allowed=True, judged=facts)
            told += [transaction.append(event, ENGINE) for event in statements]
    engine.tell(told)
    return is_begun


def _put_off(engine: Engine, promotion: Promotion, why: str) -> None:
    with engine.store.transaction() as transaction:
        current = transaction.get(Promotion, promotion.id)
        moves = current is not None and current.state in _STARTABLE and current.note != why
        told = [transaction.append(PromotionMoved(promotion.id, PromotionState.WAITING, why), ENGINE)] if moves else []
    engine.tell(told)


def _choose(engine: Engine, environment: str, tried: set[str]) -> Promotion | None:
    """Return the first promotion that may start, voiding on the way those whose ground has moved.

    All that wait are judged by a look that keeps nobody from writing; only those with an outcome are judged once more.
    """
    now = engine.now()
    with engine.store.reading() as reading:
        acting = _acting(reading, environment, tried, now)
    if not acting:
        return None
    with engine.store.transaction() as transaction:
        told = []
        chosen = None
        for promotion in (transaction.get(Promotion, key) for key in acting):
            if promotion is None or promotion.state not in _STARTABLE:
                continue
            move = void_if_moved(transaction, promotion, now)
            if move is not None:
                told.append(transaction.append(move, ENGINE))
            elif _may_enter(transaction, promotion, now):
                chosen = promotion
                break
    engine.tell(told)
    return chosen


def _acting(reading: Reading, environment: str, tried: set[str], now: str) -> tuple[str, ...]:
    """Return the ids of the promotions that end here, up to the first one that may start; going back goes first."""
    found = []
    waiting = reading.find(Promotion, environment=environment, states=_STARTABLE)
    for promotion in sorted(waiting, key=lambda p: p.kind is not DeploymentKind.ROLLBACK):
        if void_if_moved(reading, promotion, now) is not None:
            found.append(promotion.id)
        elif promotion.id not in tried and _may_enter(reading, promotion, now):
            return (*found, promotion.id)
    return tuple(found)


def _may_enter(reading: Reading, promotion: Promotion, now: str) -> bool:
    case = case_of(reading, promotion)
    return case is not None and eligibility(reading, case, now).allowed


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
