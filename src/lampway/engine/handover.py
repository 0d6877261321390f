"""Handing over: list what only one person owns, connects or approves, and lay it on another by an edit for review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.events import Actor, Delegated
from lampway.domain.handover import Duty, duties, sole_roles
from lampway.domain.moments import is_before, later
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.quorum import Delegation
from lampway.domain.readiness import ReadinessAnswer
from lampway.domain.rights import speakers
from lampway.domain.roles import clashes
from lampway.domain.stops import Hold, HoldState
from lampway.domain.strategy import Person, Strategy
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.facts import case_of, gather
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError, UsageError

ADMINS = ("platform-admin", "release-manager")
"""Roles whose holders may hand over what is somebody else's."""
_LENT = 30 * 86400.0
"""Seconds for which somebody's own voice is lent while the edit is reviewed."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What somebody alone does, and what became of it."""

    person: str
    to: str
    duties: tuple[Duty, ...]
    written: tuple[str, ...] = ()
    """Files that were edited; nothing counts before they are applied."""
    delegated: str = ""
    """Id of the delegation by which the other may decide meanwhile; empty for none."""
    left: tuple[str, ...] = ()
    """What nobody but people can hand over, one line each."""


@dataclass(frozen=True, slots=True)
class HandOver(Request[Handover]):
    """Look at what only this person does; with `to`, lay it on another."""

    person: str
    to: str = ""


def hand_over(engine: Engine, request: HandOver, actor: Actor) -> Handover:
    """Return the duties, and write the edit where somebody takes them. Raises NotFoundError, RefusedError, UsageError.

    The files are changed in the working tree, for review: they count once they are applied. Where the person does it
    themselves their approvals are lent at once, so that what waits for them can be decided meanwhile.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        person = _person(strategy, request.person)
        found = (*duties(strategy, person, engine.now()), *_recorded(engine, reading, strategy, person))
        if not request.to:
            return Handover(person.id, "", found, left=tuple(f"{d.what}: {d.cure}" for d in found if d.cure))
        to = _person(strategy, request.to)
        _refuse(strategy, person, to, actor, engine.now())
    written, kept = _edit(engine, person, to)
    lent, note = _lend(engine, strategy, person, to, actor)
    left = [*kept, *(f"{d.what}: {d.cure}" for d in found if d.cure), *note]
    return Handover(person.id, to.id, found, written=written, delegated=lent, left=tuple(left))


def _person(strategy: Strategy, name: str) -> Person:
    person = strategy.person(name)
    if person is None:
        known = ", ".join(p.id for p in strategy.people)
        raise NotFoundError(f"{name} is nobody in people.yaml", hint=f"there is: {known}")
    return person


def _refuse(strategy: Strategy, person: Person, to: Person, actor: Actor, now: str) -> None:
    if person == to:
        raise UsageError("nobody hands over to themselves", hint="name somebody else with --to")
    if not to.is_here(now):
        raise RefusedError(to.absence(now), hint="name somebody else with --to")
    by = strategy.person(actor.person)
    if by != person and (by is None or not set(ADMINS) & set(by.roles_at(now))):
        able = ", ".join(p.id for p in strategy.people if set(ADMINS) & set(p.roles_at(now))) or "nobody yet"
        hint = f"{person.id} may, and roles {' and '.join(ADMINS)}: {able}"
        raise RefusedError(f"{actor.person} may not hand over what is {person.name}'s", hint=hint)


def _recorded(engine: Engine, reading: Reading, strategy: Strategy, person: Person) -> Iterator[Duty]:
    """Yield what the records lay on this person: promotions, delegations, holds, answers."""
    now = engine.now()
    for promotion in reading.find(Promotion, states=OPEN_STATES):
        name = f"{promotion.solution}@{promotion.version} to {promotion.stage} ({promotion.id})"
        if _waits_only_for(reading, promotion, person, now):
            cure = f"another may once it is applied, or at once: lampway delegate --to PERSON, as {person.id}"
            yield Duty("promotion", f"only they may approve {name}", f"promotion {promotion.id}", cure=cure)
        if strategy.person(promotion.requested_by) == person and promotion.open_question:
            cure = f"lampway answer {promotion.id} '...', as {person.id}"
            yield Duty("promotion", f"is asked about {name}", f"promotion {promotion.id}", cure=cure)
    for given in reading.find(Delegation):
        if not given.ended_at and is_before(now, given.until) and given.to == person.id:
            cure = f"lampway delegate --to PERSON, as {given.by}: a voice is not passed on by who was lent it"
            what = f"may approve for {given.by} until {given.until[:10]}"
            yield Duty("delegation", what, f"delegation {given.id}", cure=cure)
    for hold in reading.find(Hold, states=(HoldState.STANDING,)):
        if hold.by == person.id and hold.stands(now):
            yield Duty("hold", f"set the {hold.words}", f"hold {hold.id}", cure=hold.cure)
    for answer in reading.find(ReadinessAnswer):
        if answer.by == person.id and is_before(now, answer.until):
            cure = f"lampway readiness --answer {answer.item}={answer.reply} --note '...' --until DAY"
            what = f"answers for {answer.item} until {answer.until[:10]}"
            yield Duty("answer", what, f"readiness answer {answer.item}", cure=cure)


def _waits_only_for(reading: Reading, promotion: Promotion, person: Person, now: str) -> bool:
    case = case_of(reading, promotion)
    if case is None:
        return False
    facts = gather(reading, case, now)
    return any(set(speakers(rule, facts)) == {person.id} for rule in facts.stage.rules_of("approval"))


def _edit(engine: Engine, person: Person, to: Person) -> tuple[tuple[str, ...], list[str]]:
    """Write what changes, when all of it is still a valid strategy. Returns the files, and the roles that stay."""
    files = dict(engine.files.read_folder(engine.source.root))
    strategy = engine.files.load(files)
    person, to = _person(strategy, person.id), _person(strategy, to.id)
    wanted: list[str] = []
    kept = []
    for role in sole_roles(strategy, person, engine.now()):
        clash = clashes(strategy.conflicts, {*to.roles, *wanted, role})
        if clash and not clashes(strategy.conflicts, {*to.roles, *wanted}):
            apart = " and ".join(clash[0].roles)
            kept.append(f"the role {role} stays with {person.id}: nobody holds {apart} at once")
        else:
            wanted.append(role)
    changed = engine.files.hand_over(files, person.id, to.id, tuple(wanted))
    engine.files.load({**files, **{path: text.encode() for path, text in changed.items()}})
    for path, text in changed.items():
        engine.source.write(path, text)
    return tuple(changed), kept


def _lend(engine: Engine, strategy: Strategy, person: Person, to: Person, actor: Actor) -> tuple[str, tuple[str, ...]]:
    """Lend the person's own voice while the edit is reviewed; nobody else can. Returns the id and what is left."""
    rules = [rule for p in strategy.pipelines for stage in p.every_stage for rule in stage.rules_of("approval")]
    if not any(person in strategy.holders(rule.roles, rule.people) for rule in rules):
        return "", ()
    if strategy.person(actor.person) != person:
        lend = f"lampway delegate --to {to.id} --from DAY --until DAY"
        return "", (f"may approve: {person.id} can lend that at once: {lend}",)
    now = engine.now()
    given = Delegation(
        engine.new_id(), person.id, to.id, now, later(now, _LENT), "handover", now, authenticated=actor.authenticated
    )
    engine.record([Delegated(given)], actor)
    return given.id, ()
