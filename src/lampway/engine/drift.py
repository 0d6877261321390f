"""Drift: what is observed in an environment differs from what was deployed there. Looking changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lampway.domain.deployment import (
    STILL_THERE,
    Deployment,
    DeploymentState,
    DriftFinding,
    DriftState,
    Installation,
    LockRecord,
)
from lampway.domain.digest import digest
from lampway.domain.events import (
    ENGINE,
    Actor,
    DriftFound,
    DriftResolved,
    EnvironmentObserved,
    Event,
    LockObserved,
    PromotionRequested,
    Recorded,
)
from lampway.domain.moments import seconds_between
from lampway.domain.promotion import Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.strategy import Environment
from lampway.domain.switches import PENDING, Switch, SwitchState
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine import abilities
from lampway.engine import platform as port
from lampway.engine.context import Engine, Request, access_to, require_reason, rules_in_force
from lampway.engine.facts import case_of, installed
from lampway.engine.journal import More
from lampway.engine.labels import look_at_label
from lampway.engine.retirements import refuse_retired
from lampway.engine.store import Reading, Transaction
from lampway.errors import NotFoundError, PlatformError, RefusedError, SecretError

_AT_ONCE = 4
"""Environments that are looked at side by side: what takes long is waiting for the platform."""
_LONG_AGO = 3600.0
"""Seconds after which a lock is looked at once more before a deployment relies on it."""
_UNDER_WAY = (DeploymentState.RUNNING, DeploymentState.RECONCILE)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan of one environment told."""

    environment: str
    revision: str
    findings: tuple[DriftFinding, ...]
    """Everything that differs now, accepted or not."""
    clean: tuple[str, ...]
    unowned: tuple[str, ...]
    """Top-level containers that no release put there."""
    error: str = ""
    """Why it could not be looked at; then the rest is empty."""
    mislabelled: str = ""
    """What is wrong with the environment's label, in words; blocks nothing."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was observed, and how switches stood when it was."""

    observation: port.Observation
    dark: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScanDrift(Request[tuple[Scanned, ...]]):
    """Look for drift."""

    environments: tuple[str, ...] = ()
    """Empty: every environment in which something is installed."""


@dataclass(frozen=True, slots=True)
class AcceptDrift(Request[tuple[DriftFinding, ...]]):
    """Let a live edit stand, with a reason; it stays visible and the next deployment will overwrite it."""

    solution: str
    environment: str
    reason: str


@dataclass(frozen=True, slots=True)
class RevertDrift(Request[tuple[str, ...]]):
    """Deploy the recorded release and configuration once more, over the live edit."""

    solution: str
    environment: str
    reason: str = ""


def scan_drift(engine: Engine, request: ScanDrift, actor: Actor) -> tuple[Scanned, ...]:
    """Look at environments and record what differs. One that cannot be reached is reported, the others are still done.

    Raises NotFoundError for names that the rules in force do not know.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        used = {i.environment for i in reading.find(Installation)}
    names = request.environments or tuple(e.name for e in strategy.environments if e.name in used)
    places = [strategy.environment(name) for name in names]

    def look(environment: Environment) -> Scanned:
        try:
            found = scan(engine, environment, actor)
            if not strategy.tier(environment.tier).label:
                return found
            return replace(found, mislabelled=look_at_label(engine, environment)[1])
        except (PlatformError, SecretError) as error:
            return Scanned(environment.name, "", (), (), (), error=str(error))

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scan") as pool:
        return tuple(pool.map(look, places))


def scan(engine: Engine, environment: Environment, actor: Actor) -> Scanned:
    """Look at one environment and record what differs. Raises PlatformError, SecretError."""
    with engine.store.reading() as reading:
        here = reading.find(Installation, environment=environment.name)
        dark = _dark(reading, environment.name)
    access = access_to(engine, environment)
    observation = engine.platform(environment.platform).observe(access, _expected(engine, here, dark))
    return _keep(engine, environment.name, here, _Seen(observation, dark), actor)


def scan_one(engine: Engine, access: port.Access, platform: port.Platform, here: Installation) -> None:
    """Look at one solution and record what differs."""
    _keep(engine, here.environment, (here,), _see_one(engine, access, platform, here), ENGINE)


def look_at_one(
    engine: Engine, access: port.Access, platform: port.Platform, here: Installation
) -> tuple[DriftFinding | None, More]:
    """Look at one solution and return a finding that nobody accepted, if there is one, and what records the look."""
    seen = _see_one(engine, access, platform, here)
    with engine.store.reading() as reading:
        found = _compared(engine, reading, here.environment, (here,), seen)[0].findings

    def tell(transaction: Transaction) -> list[Recorded]:
        events = _compared(engine, transaction, here.environment, (here,), seen)[1]
        return [transaction.append(event, ENGINE) for event in events]

    return next((f for f in found if f.state is DriftState.OPEN), None), tell


def _see_one(engine: Engine, access: port.Access, platform: port.Platform, here: Installation) -> _Seen:
    with engine.store.reading() as reading:
        dark = _dark(reading, here.environment)
    return _Seen(platform.observe(access, _expected(engine, (here,), dark)), dark)


def refresh(engine: Engine, environment: Environment, actor: Actor, *, lock: bool) -> None:
    """Bring drift and lock records up to date where the environment can be reached; else leave them as they are."""
    try:
        scan(engine, environment, actor)
        if lock:
            look_at_lock(engine, environment, actor)
    except (PlatformError, SecretError):
        return


def look_at_lock(engine: Engine, environment: Environment, actor: Actor) -> abilities.Lock:
    """Look at an environment's lock and record it. Raises PlatformError, SecretError."""
    platform = engine.platform(environment.platform)
    if isinstance(platform, abilities.Lockable):
        maker = access_to(engine, environment, maker=True) if environment.maker_access else None
        lock = platform.observe_lock(access_to(engine, environment), maker)
    else:
        lock = abilities.Lock(abilities.LockState.UNKNOWN, f"{platform.name} cannot tell whether it is locked")
    label, mislabelled = look_at_label(engine, environment)
    with engine.store.reading() as reading:
        lock = _told(reading, environment.name, lock)
    seen = (environment.name, lock.state.value, lock.summary, lock.cure)
    engine.record([LockObserved(*seen, label=label, mislabelled=mislabelled)], actor)
    return lock


def renew_lock(engine: Engine, promotion: Promotion) -> None:
    """Look at the lock once more where a gate asks for it and the last look is long ago. Raises PlatformError."""
    with engine.store.reading() as reading:
        case = case_of(reading, promotion) if promotion.kind is DeploymentKind.FORWARD else None
        seen = reading.get(LockRecord, promotion.environment)
        environment = rules_in_force(reading).strategy.environment(promotion.environment) if case else None
    if case is None or environment is None or seen is None or not case.stage.rules_of("lock"):
        return
    if seconds_between(seen.at, engine.now()) > _LONG_AGO:
        look_at_lock(engine, environment, ENGINE)


def _told(reading: Reading, environment: str, lock: abilities.Lock) -> abilities.Lock:
    """Return a lock with why it is open, where that was wanted for a while."""
    opened = reading.find(Unlocking, environment=environment, states=(UnlockState.OPEN,))
    if not opened or lock.state is not abilities.LockState.OPEN:
        return lock
    return replace(lock, summary=f"{lock.summary}; {opened[0].words}", cure=f"lampway lock {environment}")


def _expected(engine: Engine, here: Sequence[Installation], dark: Mapping[str, str]) -> Mapping[str, port.Installed]:
    return {
        i.solution: port.Installed(
            engine.packages.get(i.package), i.configuration, is_on=dark.get(i.solution) != SwitchState.OFF
        )
        for i in here
    }


def _dark(reading: Reading, environment: str) -> Mapping[str, str]:
    """Return where the switches there stand, by solution; what never was switched is not among them."""
    return {switch.solution: str(switch.state) for switch in reading.find(Switch, environment=environment)}


def _keep(engine: Engine, environment: str, here: Sequence[Installation], seen: _Seen, actor: Actor) -> Scanned:
    """Record an observation: new findings, and those that are gone.

    It is compared by a look that keeps nobody from writing, and once more only where something was written since.
    """
    with engine.store.reading() as reading:
        seen_at = reading.head()
        scanned, events = _compared(engine, reading, environment, here, seen)
    with engine.store.transaction() as transaction:
        if transaction.head() != seen_at:
            scanned, events = _compared(engine, transaction, environment, here, seen)
        told = [transaction.append(event, actor) for event in events]
    engine.tell(told)
    return scanned


def _compared(
    engine: Engine, reading: Reading, environment: str, here: Sequence[Installation], looked: _Seen
) -> tuple[Scanned, list[Event]]:
    """Return what an observation comes to, and the events that record it.

    What was deployed or switched meanwhile, or is being so, is left out: it was compared with what should no longer be
    there.
    """
    observation, dark = looked.observation, looked.dark
    events: list[Event] = []
    current: list[DriftFinding] = []
    now = _dark(reading, environment)
    moved = {name for name in {*dark, *now} if dark.get(name) != now.get(name) or dark.get(name) in PENDING}
    here = [i for i in here if i.solution not in moved and _stands(reading, i)]
    for installation in here:
        seen = _findings(engine, installation, observation.solutions[installation.solution])
        known = _unresolved(reading, environment, installation.solution)
        for finding in seen:
            same = next((k for k in known if k.fingerprint == finding.fingerprint), None)
            current.append(same or finding)
            if same is None:
                events.append(DriftFound(finding))
        marks = {f.fingerprint for f in seen}
        gone = [k for k in known if k.fingerprint not in marks]
        events += [DriftResolved(k.id, DriftState.GONE, "no longer seen") for k in gone]
    drifted = tuple(sorted({f.solution for f in current}))
    clean = tuple(sorted({i.solution for i in here} - set(drifted)))
    unowned = tuple(c.name for c in observation.unowned)
    events.append(EnvironmentObserved(environment, observation.revision, clean, drifted, unowned))
    return Scanned(environment, observation.revision, tuple(current), clean, unowned), events


def _stands(reading: Reading, seen: Installation) -> bool:
    """Return whether this still is what is recorded there, and no deployment has begun to change it."""
    now = installed(reading, seen.environment, seen.solution)
    if now is None or (now.deployment, now.since) != (seen.deployment, seen.since):
        return False
    under_way = reading.find(Deployment, environment=seen.environment, solution=seen.solution, states=_UNDER_WAY)
    return not any(d.has_begun for d in under_way)


def _findings(engine: Engine, installation: Installation, seen: port.Observed) -> list[DriftFinding]:
    streams = {
        "definition": seen.definition.summaries(),
        "configuration": tuple(edit.summary for edit in seen.configuration),
    }
    exact = {
        "definition": [seen.definition.added, seen.definition.removed, seen.definition.changed],
        "configuration": seen.configuration,
    }
    return [
        DriftFinding(
            id=engine.new_id(),
            environment=installation.environment,
            solution=installation.solution,
            version=installation.version,
            stream=stream,
            changes=changes,
            fingerprint=digest(exact[stream]),
            found_at=engine.now(),
        )
        for stream, changes in streams.items()
        if changes
    ]


def _unresolved(reading: Reading, environment: str, solution: str) -> tuple[DriftFinding, ...]:
    return reading.find(DriftFinding, environment=environment, solution=solution, states=STILL_THERE)


def accept_drift(engine: Engine, request: AcceptDrift, actor: Actor) -> tuple[DriftFinding, ...]:
    """Let the live edits of a solution stand. Raises NotFoundError when there are none, UsageError without a reason."""
    reason = require_reason(request.reason)
    with engine.store.transaction() as transaction:
        _require_known(transaction, actor)
        found = _open(transaction, request.environment, request.solution)
        told = [transaction.append(DriftResolved(f.id, DriftState.ACCEPTED, reason), actor) for f in found]
    engine.tell(told)
    return found


def revert_drift(engine: Engine, request: RevertDrift, actor: Actor) -> tuple[str, ...]:
    """Ask for the recorded release to be deployed once more. Returns the promotion's id.

    Raises NotFoundError when nothing has drifted there.
    """
    with engine.store.transaction() as transaction:
        _require_known(transaction, actor)
        strategy = rules_in_force(transaction).strategy
        stage = strategy.stage(request.solution, request.environment)
        refuse_retired(transaction, request.solution, stage.environment)
        found = _open(transaction, stage.environment, request.solution)
        here = installed(transaction, stage.environment, request.solution)
        if here is None:
            raise NotFoundError(f"{request.solution} is not installed in {stage.environment}")
        promotion = Promotion(
            id=engine.new_id(),
            solution=here.solution,
            version=here.version,
            stage=stage.name,
            environment=stage.environment,
            kind=DeploymentKind.REDEPLOY,
            bound=Bound(here.release, here.configuration.digest, here.bound_digest, "", ""),
            configuration=here.configuration,
            requested_by=actor.person,
            requested_at=engine.now(),
            reason=request.reason or "live edit reverted",
            state=PromotionState.WAITING,
            findings=tuple(f.id for f in found),
        )
        told = [transaction.append(PromotionRequested(promotion), actor)]
    engine.tell(told)
    return (promotion.id,)


def _open(reading: Reading, environment: str, solution: str) -> tuple[DriftFinding, ...]:
    found = reading.find(DriftFinding, environment=environment, solution=solution, states=(DriftState.OPEN,))
    if not found:
        raise NotFoundError(
            f"no drift of {solution} in {environment} is open", hint=f"lampway drift scan {environment}"
        )
    return found


def _require_known(reading: Reading, actor: Actor) -> None:
    if rules_in_force(reading).strategy.person(actor.person) is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
