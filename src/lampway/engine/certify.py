"""Certifying: a solution's owner confirms, for a time, that it is still needed."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.certification import Certification, role_of
from lampway.domain.deployment import Installation
from lampway.domain.events import ENGINE, Actor, Certified
from lampway.domain.moments import later
from lampway.domain.release import Release
from lampway.domain.spans import parse_span
from lampway.domain.strategy import Solution, Strategy
from lampway.engine.attestations import attest_certificate
from lampway.engine.context import Engine, Request, newest_release, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import RefusedError, UsageError

USUAL = "180d"
"""For how long a certification holds where nothing else is said."""
_SHORTEST, _LONGEST = 86_400.0, 2 * 366 * 86_400.0
_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Recertify(Request[Certification]):
    """Confirm that a solution is still needed."""

    solution: str
    lasting: str = USUAL
    """For how long, such as 180d."""
    reason: str = ""


def recertify(engine: Engine, request: Recertify, actor: Actor) -> Certification:
    """Record an owner's word, with a signed certificate. Raises NotFoundError, UsageError, RefusedError.

    Only the owner and the backup owner that the rules in force name may give it. What they speak of is what runs in the
    last stage, else the newest release; a solution without a release has nothing to be certified.
    """
    seconds = _length(request.lasting)
    reason = request.reason.strip()
    if len(reason) > _REASON:
        raise UsageError(f"a reason may have {_REASON} characters", hint="put the rest into a document, and name it")
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        solution = strategy.solution(request.solution)
        person, role = _owner(strategy, solution, actor)
        release, runs = _subject(transaction, strategy, solution)
        now = engine.now()
        given = Certification(
            id=engine.new_id(),
            solution=solution.name,
            by=person,
            role=role,
            at=now,
            until=later(now, seconds),
            reason=reason,
            authenticated=actor.authenticated,
        )
        told = [transaction.append(Certified(given), actor)]
        statements = attest_certificate(engine, transaction, given, release, runs)
        told += [transaction.append(event, ENGINE) for event in statements]
    engine.tell(told)
    return given


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
