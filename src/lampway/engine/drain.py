"""Draining an environment: whatever may start there is carried out, one at a time, in the order it was asked for.

The ledger's order and the fenced lease decide, never a queue. Waiting holds no lease; running always does.
"""

from __future__ import annotations

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.digest import to_plain
from lampway.domain.events import ENGINE, DeploymentStarted, Event, PromotionMoved, Tagged
from lampway.domain.gates import is_overdue
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion, PromotionState
from lampway.domain.timing import span_in_words
from lampway.engine.ask import ask_approvers
from lampway.engine.attestations import attest_verdict
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.deploy import carry_out, prepare
from lampway.engine.facts import bind, case_of, eligibility
from lampway.engine.recheck import collect_expired
from lampway.engine.store import Due, Reading
from lampway.errors import LampwayError

_STARTABLE = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


def environments_with_work(engine: Engine) -> tuple[str, ...]:
    """Return the environments with open promotions, the one asked for first first."""
    with engine.store.reading() as reading:
        found = reading.find(Promotion, states=OPEN_STATES)
    return tuple(dict.fromkeys(p.environment for p in found))


def drain(engine: Engine, environment: str) -> None:
    """Resume what was under way in the environment, then start everything whose gates are open.

    Call it only while the runtime vouches that nobody else works there. Raises nothing for a deployment that ends
    badly: how it ended is in the ledger. Raises StorageError when the fence was lost.
    """
    _collect(engine, environment)
    tried: set[str] = set()
    while True:
        with engine.store.reading() as reading:
            under_way = reading.find(Deployment, environment=environment, states=(DeploymentState.RUNNING,))
            stuck = reading.find(Deployment, environment=environment, states=(DeploymentState.RECONCILE,))
        if not under_way and stuck:
            break
        chosen = None if under_way else _choose(engine, environment, tried)
        if not under_way and chosen is None:
            break
        fence = engine.store.take_lease(environment, engine.holder)
        try:
            if under_way:
                if carry_out(engine, under_way[0], fence) is DeploymentState.RUNNING:
                    break  # the platform does not answer; the next resume looks again
            elif chosen is not None:
                tried.add(chosen.id)
                _start(engine, chosen, fence)
        finally:
            engine.store.release_lease(environment, fence)
    ask_approvers(engine, environment)
    flush_outbox(engine)


def _collect(engine: Engine, environment: str) -> None:
    """Collect again what promotions that wait here rely on, where it has only grown old."""
    with engine.store.reading() as reading:
        waiting = reading.find(Promotion, environment=environment, states=_STARTABLE)
        standing = [p for p in waiting if void_if_moved(reading, p, engine.now()) is None]
    for promotion in standing:
        why = collect_expired(engine, promotion)
        if why:
            _put_off(engine, promotion, why)


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
        judged = eligibility(transaction, case, now) if case and not void else None
        is_begun = judged is not None and judged.allowed
        if void is not None:
            events = (void,)
        elif judged is not None and is_begun:
            gates = tuple(to_plain(g) for g in judged.gates)
            events = (
                PromotionMoved(deployment.promotion, PromotionState.READY, "every gate is open", gates, now),
                PromotionMoved(deployment.promotion, PromotionState.RUNNING, "deploying"),
                DeploymentStarted(deployment),
            )
        told = [transaction.append(event, ENGINE) for event in events]
        if promotion is not None and is_begun:
            statements = attest_verdict(engine, transaction, promotion, allowed=True)
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
    """Return the first promotion that may start, voiding on the way those whose ground has moved."""
    now = engine.now()
    with engine.store.transaction() as transaction:
        told = []
        chosen = None
        for promotion in transaction.find(Promotion, environment=environment, states=_STARTABLE):
            move = void_if_moved(transaction, promotion, now)
            if move is not None:
                told.append(transaction.append(move, ENGINE))
                continue
            case = case_of(transaction, promotion)
            if case is None or promotion.id in tried:
                continue
            if eligibility(transaction, case, now).allowed:
                chosen = promotion
                break
    engine.tell(told)
    return chosen


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
    for due in engine.store.due():
        if due.kind != "tag":
            continue
        doc = due.doc
        try:
            engine.source.tag(doc["tag"], doc["commit"], f"{doc['solution']} {doc['version']} runs in production")
            engine.source.push([f"refs/tags/{doc['tag']}"])
        except LampwayError:
            with engine.store.transaction() as transaction:
                transaction.remember(Due(due.key, due.kind, doc, due.attempts + 1))
            continue
        with engine.store.transaction() as transaction:
            tagged = transaction.append(Tagged(doc["solution"], doc["version"], doc["tag"], doc["commit"]), ENGINE)
            transaction.forget(due.key)
        engine.tell([tagged])
