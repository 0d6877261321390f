"""Readiness: the checklist answered from records and rules, and by named people where no evidence can exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lampway.domain.certification import Certification
from lampway.domain.deployment import (
    Deployment,
    DeploymentState,
    DriftFinding,
    DriftState,
    Installation,
    KnownGood,
    LockRecord,
)
from lampway.domain.events import Actor, EnvironmentObserved, LedgerVerified, ReadinessAnswered, StrategyApplied
from lampway.domain.moments import is_before, parse_deadline, seconds_between
from lampway.domain.promotion import DeploymentKind
from lampway.domain.readiness import (
    ANSWERERS,
    REPLIES,
    Link,
    Readiness,
    ReadinessAnswer,
    ReadinessItem,
    ReadinessLine,
    items_of,
    score,
)
from lampway.domain.readiness_evidence import Look, Standing, prove
from lampway.domain.release import Release
from lampway.domain.sandbox import Sandbox
from lampway.domain.stops import Veto, veto_key
from lampway.domain.strategy import Strategy
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine.audit import Audit, Verdict, audit
from lampway.engine.context import Engine, Request, newest_release, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError, UsageError

LONGEST = 366 * 86400.0
"""Seconds for which an answer may count: nothing that is only said holds for ever."""
_LOOKS = 500
"""How many of the newest looks at environments are read."""
_GOODS = 10
_RETURNS = 20
"""How many of the newest deployments in a place are searched for a rollback."""


@dataclass(frozen=True, slots=True)
class ShowReadiness(Request[Readiness]):
    """Answer the readiness checklist."""


@dataclass(frozen=True, slots=True)
class AnswerReadiness(Request[ReadinessLine]):
    """Answer an item for which no evidence can exist."""

    item: str
    reply: str
    """yes, no or n/a."""
    note: str
    until: str
    """The last day on which it counts."""


@dataclass(frozen=True, slots=True)
class RecordAudit(Request[Verdict]):
    """Verify everything, and record that it was found whole."""

    checkpoints: tuple[tuple[str, str], ...] = ()


def show_readiness(engine: Engine, request: ShowReadiness, actor: Actor) -> Readiness:
    """Return the checklist with its answers, score and next action. Raises RefusedError where no rules are in force."""
    del request, actor
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
        found = readiness_of(engine, reading, rules.strategy)
    return located(engine, found, rules.commit)


def readiness_of(engine: Engine, reading: Reading, strategy: Strategy) -> Readiness:
    """Return the readiness of this strategy by what the records say now; links into files have no line yet."""
    answers = {answer.item: answer for answer in reading.find(ReadinessAnswer)}
    return score(strategy.readiness, prove(_standing(engine, reading, strategy)), answers, engine.now())


def located(engine: Engine, found: Readiness, commit: str) -> Readiness:
    """Return the readiness with the line in every link into a file, as it is in this commit; empty: in no file yet."""
    wanted = {link for line in found.items for link in line.links if link.kind == "file"}
    files = engine.source.files_at(commit, sorted({link.place for link in wanted})) if commit else {}
    places = {link: replace(link, place=_place(engine, files, link), path=()) for link in wanted}
    lines = (replace(line, links=tuple(places.get(link, link) for link in line.links)) for line in found.items)
    return replace(found, items=tuple(lines))


def answer_readiness(engine: Engine, request: AnswerReadiness, actor: Actor) -> ReadinessLine:
    """Record what a named person says about an item. Raises NotFoundError, RefusedError, UsageError.

    Refused where evidence answers: the score moves because work is done, not because somebody says so.
    """
    until = _checked(engine, request)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        item = _item(strategy, request.item)
        _refuse_proved(engine, transaction, strategy, item)
        by = _answerer(strategy, item, actor, engine.now())
        answer = ReadinessAnswer(
            item=item.item,
            reply=request.reply,
            note=request.note.strip(),
            by=by,
            at=engine.now(),
            until=until,
            authenticated=actor.authenticated,
        )
        told = [transaction.append(ReadinessAnswered(answer), actor)]
        after = readiness_of(engine, transaction, strategy)
    engine.tell(told)
    return next(line for line in after.items if line.item == item.item)


def record_audit(engine: Engine, request: RecordAudit, actor: Actor) -> Verdict:
    """Verify chain, records and packages; where all of it is whole, record that. Nothing is recorded otherwise."""
    verdict = audit(engine, Audit(checkpoints=request.checkpoints), actor)
    if not verdict.damage and verdict.last:
        engine.record([LedgerVerified(verdict.last, verdict.head, verdict.packages)], actor)
    return verdict


def _standing(engine: Engine, reading: Reading, strategy: Strategy) -> Standing:
    bare = Standing(strategy, engine.now())
    here = tuple(i for e in bare.protected for i in reading.find(Installation, environment=e.name))
    known = {solution.name for solution in strategy.solutions}
    states = (DriftState.OPEN,)
    drift = (f for e in bare.protected for f in reading.find(DriftFinding, environment=e.name, states=states))
    applied = reading.newest(StrategyApplied.kind)
    return replace(
        bare,
        applied=applied[0].seq if applied else 0,
        installations=here,
        newest={name: release for name in known if (release := newest_release(reading, name))},
        running={_key(i): r for i in here if (r := reading.get(Release, f"{i.solution}@{i.version}"))},
        goods=_goods(reading, here),
        locks={e.name: lock for e in bare.protected if (lock := reading.get(LockRecord, e.name))},
        drift=tuple(drift),
        looks=_looks(reading, {e.name for e in bare.protected}),
        verified=_verified(reading),
        certified=_certified(reading, {i.solution for i in here}),
        unlockings=tuple(
            one
            for e in bare.protected
            for one in reading.find(Unlocking, environment=e.name, states=(UnlockState.OPEN, UnlockState.UNREVIEWED))
        ),
        sandbox=next(iter(reading.find(Sandbox, newest_first=True, limit=1)), None),
        returns=_returns(reading, strategy, {i.solution for i in here}),
    )


def _certified(reading: Reading, solutions: Iterable[str]) -> dict[str, Certification]:
    found = {name: reading.find(Certification, solution=name, newest_first=True, limit=1) for name in solutions}
    return {name: given[0] for name, given in found.items() if given}


def _returns(reading: Reading, strategy: Strategy, solutions: Iterable[str]) -> dict[str, Deployment]:
    """Return the newest rollback of each solution, among the newest that was done with it below the last tier."""
    below = [e.name for e in strategy.environments if not strategy.is_prod(e.name)]
    found: dict[str, Deployment] = {}
    for name in solutions:
        for place in below:
            states = (DeploymentState.SUCCEEDED,)
            done = reading.find(
                Deployment, solution=name, environment=place, states=states, newest_first=True, limit=_RETURNS
            )
            back = next((d for d in done if d.kind is DeploymentKind.ROLLBACK), None)
            if back and (name not in found or found[name].finished_at < back.finished_at):
                found[name] = back
    return found


def _goods(reading: Reading, here: Iterable[Installation]) -> dict[str, KnownGood]:
    vetoed = {veto_key(veto.environment, veto.release) for veto in reading.find(Veto)}
    found = {}
    for i in here:
        place = {"environment": i.environment, "solution": i.solution}
        for limit in (_GOODS, 0):  # nearly always one of the newest is another release; only then are all of them read
            goods = reading.find(KnownGood, **place, newest_first=True, limit=limit)
            others = [good for good in goods if good.release != i.release]
            good = next((g for g in others if veto_key(i.environment, g.release) not in vetoed), None)
            if good is not None:
                found[_key(i)] = good
            if good is not None or len(goods) < _GOODS:
                break
    return found


def _looks(reading: Reading, wanted: set[str]) -> dict[str, Look]:
    found: dict[str, Look] = {}
    for recorded in reading.newest(EnvironmentObserved.kind, _LOOKS):
        event = recorded.event
        if isinstance(event, EnvironmentObserved) and event.environment in wanted:
            found.setdefault(event.environment, Look(recorded.seq, recorded.at, event.unowned))
    return found


def _verified(reading: Reading) -> Look | None:
    found = reading.newest(LedgerVerified.kind)
    return Look(found[0].seq, found[0].at) if found else None


def _key(here: Installation) -> str:
    return f"{here.environment}/{here.solution}"


def _place(engine: Engine, files: Mapping[str, bytes], link: Link) -> str:
    line = engine.files.line_of(link.place, files[link.place], link.path) if link.place in files else 0
    return f"{link.place}:{line}" if line else link.place


def _checked(engine: Engine, request: AnswerReadiness) -> str:
    if request.reply not in REPLIES:
        raise UsageError(f"not an answer: {request.reply[:40]!r}", hint=f"one of: {', '.join(REPLIES)}")
    if not request.note.strip():
        raise UsageError("an answer that no evidence backs needs a note", hint="add --note '...'")
    if not request.until.strip():
        raise UsageError("an answer counts until a day", hint="add --until DAY, as in 2027-05-01")
    until = parse_deadline(request.until)
    if not is_before(engine.now(), until):
        raise UsageError(f"this moment has passed: {request.until.strip()}", hint="give a day to come with --until")
    if seconds_between(engine.now(), until) > LONGEST:
        raise UsageError("an answer counts for a year at most", hint="give an earlier day with --until")
    return until


def _item(strategy: Strategy, name: str) -> ReadinessItem:
    items = items_of(strategy.readiness)
    if any(out.item == name for out in strategy.readiness.not_ours):
        raise RefusedError(f"{name} was taken out as not ours", hint="see `readiness` in lampway.yaml")
    for item in items:
        if item.item == name:
            return item
    known = ", ".join(item.item for item in items)
    raise NotFoundError(f"no item {name} on the readiness checklist", hint=f"there is: {known}")


def _refuse_proved(engine: Engine, reading: Reading, strategy: Strategy, item: ReadinessItem) -> None:
    proof = prove(_standing(engine, reading, strategy)).get(item.item)
    if proof is not None and (proof.is_evidence or not proof.is_for_people):
        hint = proof.next or "there is nothing left to do about it"
        raise RefusedError(f"{item.item} is answered by evidence: {proof.reason}", hint=hint)


def require_item_answerer(strategy: Strategy, name: str, actor: Actor, now: str) -> str:
    """Return the id of who answers an item of the readiness checklist. Raises NotFoundError, RefusedError."""
    return _answerer(strategy, _item(strategy, name), actor, now)


def _answerer(strategy: Strategy, item: ReadinessItem, actor: Actor, now: str) -> str:
    person = strategy.person(actor.person)
    if person is None or not person.is_here(now):
        why = person.absence(now) if person else f"{actor.person} is nobody in people.yaml"
        raise RefusedError(why, hint="let somebody in people.yaml answer")
    wanted = (item.by,) if item.by else ANSWERERS
    if not set(wanted) & set(person.roles_at(now)):
        able = ", ".join(p.id for p in strategy.people if set(wanted) & set(p.roles_at(now))) or "nobody yet"
        raise RefusedError(f"{item.item} is not for {person.name} to answer", hint=f"{', '.join(wanted)}: {able}")
    return person.id
