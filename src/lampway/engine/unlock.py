"""Break-glass: opening a locked environment for a while, by two people, or by one with somebody else's review."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from lampway.domain.attestation import Attestation
from lampway.domain.events import Actor, AttestationRecorded, UnlockAsked, Unlocked, UnlockFailed, UnlockReviewed
from lampway.domain.given import unlock_statement
from lampway.domain.moments import later
from lampway.domain.spans import span_in_words
from lampway.domain.strategy import Environment, Person, Stage, Strategy
from lampway.domain.unlocking import SECONDS, UNLOCKERS, Unlocking, UnlockRule, UnlockState
from lampway.engine.abilities import LockSettable, LockState
from lampway.engine.attestations import kept_alone
from lampway.engine.context import Engine, Request, access_to, require_reason, rules_in_force
from lampway.engine.drift import look_at_lock
from lampway.engine.relock import lock_objection, tend_unlockings
from lampway.engine.signed import Draft, by_signature, keys_of, prove
from lampway.engine.store import Reading
from lampway.errors import LampwayError, NotFoundError, PlatformRefusedError, RefusedError, UnsignedError, UsageError


@dataclass(frozen=True, slots=True)
class Unlock(Request[Unlocking]):
    """Let makers edit in a locked environment for a while, or ask a second person to confirm that."""

    environment: str
    reason: str
    length: float
    """Seconds."""
    second: str = ""
    """Whoever is to confirm it; empty: nobody, and somebody else reviews it afterwards."""


@dataclass(frozen=True, slots=True)
class ConfirmUnlock(Request[Unlocking]):
    """Confirm, as the second person, what somebody asked for; its time begins now."""

    environment: str
    envelope: str = ""
    """The word as the person signed it; empty where it was not signed."""


@dataclass(frozen=True, slots=True)
class ReviewUnlock(Request[Unlocking]):
    """Say what one finds of an environment that one other person unlocked alone: the first that waits for a word."""

    environment: str
    note: str
    envelope: str = ""
    """The review as the person signed it; empty where it was not signed."""


@dataclass(frozen=True, slots=True)
class DraftUnlockWord(Request[Draft]):
    """Ask for the statement that a confirmation would be, or with a note a review."""

    environment: str
    note: str = ""


def unlock(engine: Engine, request: Unlock, actor: Actor) -> Unlocking:
    """Open an environment, or record that a second person is asked to. Raises UsageError, RefusedError, PlatformError.

    Where the platform does not say that it is open, it is locked again, and counts as open until that is seen.
    """
    reason = require_reason(request.reason)
    now = engine.now()
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    environment = strategy.environment(request.environment)
    rule = _rule(strategy, environment)
    person = _able(strategy, actor.person, UNLOCKERS, now)
    if not 0 < request.length <= rule.longest:
        given, most = span_in_words(request.length), span_in_words(rule.longest)
        raise UsageError(f"{environment.name} may be unlocked for {most} at most, not {given}", hint="give --for 1h")
    second = _second(strategy, person, request.second, rule, now)
    _require_settable(engine, environment)
    asked = Unlocking(
        id=engine.new_id(),
        environment=environment.name,
        reason=reason,
        by=person.id,
        at=now,
        length=request.length,
        second=second,
    )
    if not second:
        return _open(engine, environment, asked, actor)
    with engine.store.transaction() as transaction:
        _refuse_open(transaction, environment.name)
        told = [transaction.append(UnlockAsked(asked), actor)]
    engine.tell(told)
    return asked


def confirm_unlock(engine: Engine, request: ConfirmUnlock, actor: Actor) -> Unlocking:
    """Open an environment as the second person. Raises NotFoundError, RefusedError, UnsignedError, PlatformError."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        environment = strategy.environment(request.environment)
        asked = _to_confirm(reading, strategy, environment, actor, engine.now())
    _require_settable(engine, environment)
    word, kept = _signed(engine, strategy, (asked, asked.second, ""), request.envelope)
    confirmed = replace(asked, confirmed=True, key=word.key, attestation=word.attestation)
    return _open(engine, environment, confirmed, by_signature(actor) if kept else actor, kept)


def _to_confirm(reading: Reading, strategy: Strategy, environment: Environment, actor: Actor, now: str) -> Unlocking:
    """Return what this person is asked to confirm. Raises NotFoundError, RefusedError, UsageError."""
    found = reading.find(Unlocking, environment=environment.name, states=(UnlockState.ASKED,), newest_first=True)
    asked = next((one for one in found if not one.lapsed(now)), None)
    if asked is None:
        hint = f"somebody asks: lampway unlock {environment.name} --reason '...' --for 1h --with {actor.person}"
        raise NotFoundError(f"nobody asks for {environment.name} to be unlocked", hint=hint)
    person = _able(strategy, actor.person, SECONDS, now)
    if person.id != asked.second:
        raise RefusedError(f"{asked.by} asked {asked.second} to confirm it", hint="only they can, or ask anew")
    _able(strategy, asked.by, UNLOCKERS, now)
    return replace(asked, length=min(asked.length, _rule(strategy, environment).longest))


def review_unlock(engine: Engine, request: ReviewUnlock, actor: Actor) -> Unlocking:
    """Record what somebody else finds of the first of what one person opened alone there.

    Raises NotFoundError where nothing waits for a review, RefusedError, UnsignedError, UsageError without a word.
    """
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        place = strategy.environment(request.environment).name
        one, person, note = _to_review(transaction, strategy, request, actor, engine.now())
        word, kept = _signed(engine, strategy, (one, person.id, note), request.envelope)
        event = UnlockReviewed(one.id, place, note, key=word.key, attestation=word.attestation)
        by = by_signature(actor) if kept else actor
        told = [transaction.append(e, by) for e in (event, *([AttestationRecorded(kept)] if kept else []))]
        reviewed = transaction.get(Unlocking, one.id) or one
    engine.tell(told)
    return reviewed


def _to_review(
    reading: Reading, strategy: Strategy, request: ReviewUnlock | DraftUnlockWord, actor: Actor, now: str
) -> tuple[Unlocking, Person, str]:
    note, place = request.note.strip(), strategy.environment(request.environment).name
    if not note:
        raise UsageError("a review needs words", hint="say what you looked at: --review 'read the diff; reverted'")
    person = _able(strategy, actor.person, SECONDS, now)
    states = (UnlockState.OPEN, UnlockState.UNREVIEWED)
    waiting = [one for one in reading.find(Unlocking, environment=place, states=states) if one.needs_review]
    if not waiting:
        raise NotFoundError(f"nothing in {place} waits for a review", hint=f"lampway lock {place} --history")
    others = [one for one in waiting if one.by != person.id]
    if not others:
        hint = f"one of these: {', '.join(_others(strategy, person.id, now)) or 'nobody yet'}"
        raise RefusedError(f"{person.name} unlocked it; somebody else reviews that", hint=hint)
    return others[0], person, note


def draft_unlock_word(engine: Engine, request: DraftUnlockWord, actor: Actor) -> Draft:
    """Return what the second person would sign, and with which keys. Records nothing. Raises what giving it raises."""
    now = engine.now()
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        environment = strategy.environment(request.environment)
        if request.note:
            one, person, note = _to_review(reading, strategy, request, actor, now)
        else:
            one, note = _to_confirm(reading, strategy, environment, actor, now), ""
            person = _able(strategy, one.second, SECONDS, now)
    return Draft(unlock_statement(one, person.id, note, now).payload().decode(), keys_of(person, now))


@dataclass(frozen=True, slots=True)
class _Word:
    """With what the second person's word was signed; empty where it was not."""

    key: str = ""
    attestation: str = ""


def _signed(
    engine: Engine, strategy: Strategy, said: tuple[Unlocking, str, str], envelope: str
) -> tuple[_Word, Attestation | None]:
    """Return what proves the word of a person, where they signed it. Raises UnsignedError where they must."""
    one, by, note = said
    if not envelope:
        if any(stage.asks_signatures for stage in _stages(strategy, one.environment)):
            hint = "lampway key create --add writes your key into people.yaml; once that is applied, say it again"
            raise UnsignedError(f"in {one.environment} only what is signed counts", hint=hint)
        return _Word(), None
    who = (by, strategy.person(by))
    proof = prove(engine, envelope, who, engine.now(), functools.partial(unlock_statement, one, by, note))
    kept = kept_alone(proof.statement, one.id, (by, proof.key, envelope))
    return _Word(proof.key, kept.id), kept


def _stages(strategy: Strategy, environment: str) -> tuple[Stage, ...]:
    return tuple(s for pipeline in strategy.pipelines for s in pipeline.stages if s.environment == environment)


def _open(
    engine: Engine, environment: Environment, asked: Unlocking, actor: Actor, kept: Attestation | None = None
) -> Unlocking:
    """Record that it is open, and then open it: whoever dies in between leaves what will be locked again."""
    now = engine.now()
    opened = replace(asked, state=UnlockState.OPEN, opened_at=now, until=later(now, asked.length))
    with engine.store.transaction() as transaction:
        _refuse_open(transaction, environment.name)
        told = [transaction.append(Unlocked(opened), actor)]
        told += [transaction.append(AttestationRecorded(kept), actor)] if kept else []
    engine.tell(told)
    platform = engine.platform(environment.platform)
    try:
        if isinstance(platform, LockSettable):
            platform.set_lock(access_to(engine, environment), locked=False, until=opened.until)
        lock = look_at_lock(engine, environment, actor)
        if lock.state is LockState.LOCKED:
            raise PlatformRefusedError("makers still cannot edit there", where=environment.name)
    except LampwayError as error:
        engine.record([UnlockFailed(opened.id, environment.name, str(error))], actor)
        tend_unlockings(engine, (environment.name,))
        raise
    return opened


def _rule(strategy: Strategy, environment: Environment) -> UnlockRule:
    tier = strategy.tier(environment.tier)
    if not tier.locked:
        raise UsageError(f"{environment.name} is not to be locked: makers may edit there", hint="edit there")
    if tier.unlock is None:
        hint = f"add `unlock: {{longest: 4h}}` to the tier {tier.name} in lampway.yaml, and apply it"
        raise RefusedError(f"the rules in force let nobody unlock {environment.name}", hint=hint)
    return tier.unlock


def _second(strategy: Strategy, person: Person, name: str, rule: UnlockRule, now: str) -> str:
    """Return the id of whoever is to confirm. Raises RefusedError, UsageError where that cannot be them."""
    others = _others(strategy, person.id, now)
    known = ", ".join(others) or f"nobody yet; give somebody one of the roles {', '.join(SECONDS)}"
    if not name:
        if not rule.alone:
            raise RefusedError("here it takes two people to unlock", hint=f"add --with PERSON: {known}")
        if not others:
            raise RefusedError("nobody else is here who could review it", hint=f"who could: {known}")
        return ""
    second = strategy.person(name)
    if second is None or second.id not in others:
        why = "asks for it" if second is not None and second.id == person.id else "cannot confirm it"
        raise UsageError(f"{name} {why}", hint=f"who could: {known}")
    return second.id


def _others(strategy: Strategy, person: str, now: str) -> tuple[str, ...]:
    able = (p for p in strategy.people if p.id != person and p.is_here(now) and set(SECONDS) & set(p.roles_at(now)))
    return tuple(p.id for p in able)


def _able(strategy: Strategy, name: str, roles: tuple[str, ...], now: str) -> Person:
    """Return the person, if they are here and hold one of the roles, or nobody does. Raises RefusedError."""
    person = strategy.person(name)
    if person is None:
        raise RefusedError(f"{name} is nobody in people.yaml", hint="add them and apply the strategy")
    if not person.is_here(now):
        raise RefusedError(person.absence(now), hint="somebody else must do it")
    able = [p.id for p in strategy.people if p.is_here(now) and set(roles) & set(p.roles_at(now))]
    if able and person.id not in able:
        raise RefusedError(f"it takes one of the roles {', '.join(roles)}", hint=f"who may: {', '.join(able)}")
    return person


def _require_settable(engine: Engine, environment: Environment) -> None:
    why = lock_objection(engine, environment)
    if why:
        hint = f"unlock it there by hand; lampway lock {environment.name} sees that it is open, and when it is not"
        raise RefusedError(f"{environment.name} cannot be unlocked from here: {why}", hint=hint)


def _refuse_open(reading: Reading, environment: str) -> None:
    for one in reading.find(Unlocking, environment=environment, states=(UnlockState.OPEN,)):
        hint = f"to begin anew: lampway lock {environment}"
        raise RefusedError(f"already: {one.words}", hint=hint)
