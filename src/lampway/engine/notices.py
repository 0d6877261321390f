"""What an event makes due to be told: to whom, in which words, through which channels.

`owed` is asked for every event in the transaction that adds it, before it is folded in, so that what was true until
then can still be seen. Who a notice is for is decided here and not in the strategy: few, by role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lampway.domain import events
from lampway.domain.accounts import as_it_stands
from lampway.domain.deployment import Deployment, DeploymentState, LockRecord
from lampway.domain.digest import to_plain
from lampway.domain.health import WatchState
from lampway.domain.moments import shown
from lampway.domain.notify import (
    ON_CALL,
    Envelope,
    Notice,
    NoticeKind,
    Notify,
    batch_end,
    is_low_risk,
    recipients,
)
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.sandbox import Sandbox
from lampway.domain.strategy import RulesInForce, Solution, Strategy
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine.governing_notices import TOLD_OF_GOVERNING, governing_notices
from lampway.engine.invitations import TOLD_OF_INVITATIONS, invitation_notices
from lampway.engine.store import Due, Reading
from lampway.engine.unlock_notices import TOLD_OF_UNLOCKING, unlocking_notices

TOLD: frozenset[str] = frozenset(
    {
        events.ApprovalAsked.kind,
        events.DecisionMade.kind,
        events.PromotionMoved.kind,
        events.DeploymentFinished.kind,
        events.WatchEnded.kind,
        events.DriftFound.kind,
        events.LockObserved.kind,
        *TOLD_OF_UNLOCKING,
        *TOLD_OF_GOVERNING,
        events.SandboxReminded.kind,
        events.SandboxEnded.kind,
        *TOLD_OF_INVITATIONS,
    }
)
"""Kinds of event that may make something due to be told; no other costs anything."""
KIND = "notice"
"""Of entries of the outbox."""


def owed(reading: Reading, rules: RulesInForce, recorded: events.Recorded) -> Iterator[Due]:
    """Yield what this event makes due, one entry for each channel. Nothing where the strategy tells nobody."""
    notify = rules.strategy.notify
    if notify is None or recorded.event.kind not in TOLD:
        return
    strategy = as_it_stands(rules)
    for notice in _notices(reading, strategy, recorded):
        yield from routed(strategy, notify, notice, recorded)


def routed(strategy: Strategy, notify: Notify, notice: Notice, cause: events.Recorded) -> Iterator[Due]:
    """Yield the entries by which a notice about something in the ledger goes out."""
    people = [(p.id, p.roles) for p in strategy.people if p.id in notice.people]
    to: dict[str, list[str]] = {}
    lengths: dict[str, float] = {}
    for route in notify.routes:
        found = recipients(route, people) if notice.kind in route.kinds or not route.kinds else ()
        for channel in route.through if found else ():
            to[channel] = [*to.get(channel, []), *found]
            lengths[channel] = min(route.digest, lengths.get(channel, route.digest))
    solution = _solution(strategy, notice.solution)
    may_wait = is_low_risk(notice.kind, solution.criticality if solution else "")
    for channel, names in to.items():
        for_them = replace(notice, people=tuple(dict.fromkeys(names)))
        end = batch_end(notice.at, lengths[channel]) if may_wait and lengths[channel] else ""
        yield due_for(channel, for_them, cause, batch=end)


def due_for(channel: str, notice: Notice, cause: events.Recorded, *, batch: str = "") -> Due:
    """Return the outbox entry that brings a notice to a channel, at the end of its batch or at once."""
    name = f"msg_{cause.hash.removeprefix('sha256:')[:24]}_{notice.kind}_{channel}"
    envelope = Envelope(id=name, channel=channel, notice=notice, next_at=batch or notice.at, batch=batch)
    return Due(f"{KIND} {cause.seq:012} {name}", KIND, to_plain(envelope), 0)


def _notices(  # noqa: C901, PLR0912 - a case per kind
    reading: Reading, strategy: Strategy, recorded: events.Recorded
) -> Iterator[Notice]:
    match recorded.event:
        case events.ApprovalAsked() as event:
            promotion = reading.get(Promotion, event.promotion)
            if promotion:
                yield _asked(promotion, event, recorded.at)
        case events.DecisionMade() as event:
            promotion = reading.get(Promotion, event.promotion)
            if promotion:
                yield _decided(strategy, promotion, event, recorded.at)
        case events.PromotionMoved() as event:
            promotion = reading.get(Promotion, event.promotion)
            if promotion:
                yield from _moved(strategy, promotion, event, recorded.at)
        case events.DeploymentFinished() as event:
            deployment = reading.get(Deployment, event.deployment)
            if deployment:
                yield from _finished(reading, strategy, deployment, event, recorded.at)
        case events.WatchEnded() as event if event.state is WatchState.FAILED:
            deployment = reading.get(Deployment, event.deployment)
            promotion = reading.get(Promotion, deployment.promotion) if deployment else None
            if promotion:
                involved = _involved(strategy, promotion)
                yield _about(promotion, NoticeKind.FAILED, "watch failed", event.note, recorded.at, involved)
        case events.DriftFound() as event:
            yield _drift(strategy, event, recorded.at)
        case events.LockObserved() as event:
            yield from _lock(reading, strategy, event, recorded.at)
        case events.SandboxReminded(sandbox=key) | events.SandboxEnded(sandbox=key):
            sandbox = reading.get(Sandbox, key)
            if sandbox and recorded.actor.person != sandbox.owner:
                yield _sandbox(strategy, sandbox, recorded)
        case _:
            yield from unlocking_notices(reading, strategy, recorded, on_call_of(strategy))
            yield from governing_notices(reading, strategy, recorded)
            yield from invitation_notices(reading, strategy, recorded)


def _asked(promotion: Promotion, event: events.ApprovalAsked, at: str) -> Notice:
    reason = f" They say: {promotion.reason}" if promotion.reason else ""
    text = f"{promotion.requested_by} asks to bring {_release(promotion)} to {promotion.environment}.{reason}"
    return _about(promotion, NoticeKind.APPROVAL_NEEDED, "approval needed", text, at, event.people)


def _decided(strategy: Strategy, promotion: Promotion, event: events.DecisionMade, at: str) -> Notice:
    decision = event.decision
    word = "approved" if decision.approved else "rejected"
    text = f"{word} by {decision.by}" + (f": {decision.reason}" if decision.reason else "")
    told = [name for name in _concerned(strategy, promotion) if name != decision.by]
    return _about(promotion, NoticeKind.DECIDED, word, text, at, told)


_ENDS = {
    PromotionState.VOIDED: (NoticeKind.VOIDED, "voided", "its approvals no longer count"),
    PromotionState.EXPIRED: (NoticeKind.EXPIRED, "expired", "it has to be asked for again"),
}


def _moved(strategy: Strategy, promotion: Promotion, event: events.PromotionMoved, at: str) -> Iterator[Notice]:
    if event.state in _ENDS:
        kind, title, meaning = _ENDS[event.state]
        text = f"{event.reason}; {meaning}"
        yield _about(promotion, kind, title, text, at, _concerned(strategy, promotion))
    elif event.state is PromotionState.SUCCEEDED and _is_last(strategy, promotion):
        text = f"{_release(promotion)} runs in {promotion.environment}"
        yield _about(promotion, NoticeKind.DEPLOYED, "deployed", text, at, _people(strategy, [promotion.requested_by]))


def _finished(
    reading: Reading, strategy: Strategy, deployment: Deployment, event: events.DeploymentFinished, at: str
) -> Iterator[Notice]:
    promotion = reading.get(Promotion, deployment.promotion)
    if promotion is None:
        return
    on_call, involved = on_call_of(strategy), _involved(strategy, promotion)
    match event.state:
        case DeploymentState.FAILED | DeploymentState.ERRORED:
            word = "failed" if event.state is DeploymentState.FAILED else "broke off"
            title = f"{'' if promotion.kind is DeploymentKind.FORWARD else f'{promotion.kind} '}deployment {word}"
            yield _about(promotion, NoticeKind.FAILED, title, event.note, at, involved)
        case DeploymentState.RECONCILE:
            text = (
                f"{event.note}; nothing else is deployed to {promotion.environment} before somebody says what is there"
            )
            notice = _about(promotion, NoticeKind.RECONCILE, "somebody has to look", text, at, on_call)
            place = f"{promotion.solution} --in {promotion.environment}"
            yield replace(notice, command=f"lampway reconcile {place} --happened|--did-not-happen --reason '...'")
        case DeploymentState.SUCCEEDED if deployment.kind is DeploymentKind.ROLLBACK and not (
            promotion.rehearsal or promotion.retires
        ):
            text = f"{promotion.environment} went back to {promotion.version}: {promotion.reason}"
            yield _about(promotion, NoticeKind.ROLLED_BACK, "rolled back", text, at, involved)
        case _:
            pass


def _drift(strategy: Strategy, event: events.DriftFound, at: str) -> Notice:
    finding = event.finding
    return Notice(
        kind=NoticeKind.DRIFT,
        title=f"{finding.solution} was edited live in {finding.environment}",
        text="\n".join(finding.changes[:20]),
        command=f"lampway drift scan {finding.environment}",
        screen=f"/environments/{finding.environment}",
        at=at,
        people=_owner(strategy, finding.solution),
        solution=finding.solution,
        environment=finding.environment,
        release=f"{finding.solution}@{finding.version}",
    )


def _sandbox(strategy: Strategy, sandbox: Sandbox, recorded: events.Recorded) -> Notice:
    is_over = isinstance(recorded.event, events.SandboxEnded)
    text = f"it was of {sandbox.owner}" if is_over else f"it ends {shown(sandbox.until)}, with everything in it"
    return Notice(
        kind=NoticeKind.SANDBOX,
        title=f"sandbox {sandbox.name} {'is gone' if is_over else 'ends soon'}",
        text=text,
        command="lampway sandbox list" if is_over else f"lampway sandbox extend {sandbox.name} --for 7d",
        screen="/sandboxes",
        at=recorded.at,
        people=_people(strategy, [sandbox.owner]),
    )


def _lock(reading: Reading, strategy: Strategy, event: events.LockObserved, at: str) -> Iterator[Notice]:
    """Tell once that what must be locked is open; again only after it had been locked."""
    environment = next((e for e in strategy.environments if e.name == event.environment), None)
    before = reading.get(LockRecord, event.environment)
    if environment is None or not strategy.tier(environment.tier).locked or event.state != "open":
        return
    if before is not None and before.state == "open":
        return
    if reading.find(Unlocking, environment=event.environment, states=(UnlockState.OPEN,)):
        return  # that was announced as what it is
    yield Notice(
        kind=NoticeKind.LOCK_OPEN,
        title=f"makers can edit in {event.environment}",
        text=event.summary + (f"; {event.cure}" if event.cure else ""),
        command=f"lampway lock {event.environment}",
        screen=f"/environments/{event.environment}",
        at=at,
        people=on_call_of(strategy),
        environment=event.environment,
    )


def on_call_of(strategy: Strategy) -> tuple[str, ...]:
    """Return who answers for operation: as the strategy says, else whoever holds the first of a few roles."""
    named = strategy.notify.on_call if strategy.notify else ()
    for roles in (named,) if named else tuple((role,) for role in ON_CALL):
        found = tuple(person.id for person in strategy.holders(roles))
        if found:
            return found
    return ()


def _involved(strategy: Strategy, promotion: Promotion) -> tuple[str, ...]:
    """Return who answers when something goes wrong: on call, whoever asked, and the owner."""
    asked = _people(strategy, [promotion.requested_by])
    return (*on_call_of(strategy), *asked, *_owner(strategy, promotion.solution))


def _concerned(strategy: Strategy, promotion: Promotion) -> tuple[str, ...]:
    """Return who asked, who decided, and who could have."""
    stages = strategy.pipeline_of(promotion.solution).every_stage if _solution(strategy, promotion.solution) else ()
    stage = next((s for s in stages if s.name == promotion.stage), None)
    rules = stage.rules_of("approval") if stage and promotion.asked_at else ()
    could = [person.id for rule in rules for person in strategy.holders(rule.roles, rule.people)]
    return _people(strategy, [promotion.requested_by, *(d.by for d in promotion.decisions), *could])


def _people(strategy: Strategy, names: Iterable[str]) -> tuple[str, ...]:
    found = (strategy.person(name) for name in names)
    return tuple(dict.fromkeys(person.id for person in found if person is not None))


def _solution(strategy: Strategy, name: str) -> Solution | None:
    return next((s for s in strategy.solutions if s.name == name), None)


def _owner(strategy: Strategy, solution: str) -> tuple[str, ...]:
    found = _solution(strategy, solution)
    return _people(strategy, [found.owner]) if found else ()


def _is_last(strategy: Strategy, promotion: Promotion) -> bool:
    """Return whether a promotion brought its release to where it was to go; nothing is told of the way there."""
    if promotion.kind is not DeploymentKind.FORWARD or _solution(strategy, promotion.solution) is None:
        return False
    return strategy.pipeline_of(promotion.solution).stages[-1].environment == promotion.environment


def _release(promotion: Promotion) -> str:
    return f"{promotion.solution}@{promotion.version}"


def _about(  # noqa: PLR0917 - one notice is all of these
    promotion: Promotion, kind: NoticeKind, title: str, text: str, at: str, people: Iterable[str]
) -> Notice:
    return Notice(
        kind=kind,
        title=f"{title}: {_release(promotion)} → {promotion.stage}",
        text=text,
        command=f"lampway show {promotion.id}",
        screen=f"/promotions/{promotion.id}",
        at=at,
        people=tuple(dict.fromkeys(people)),
        solution=promotion.solution,
        environment=promotion.environment,
        release=_release(promotion),
        digest=promotion.bound.release,
    )
