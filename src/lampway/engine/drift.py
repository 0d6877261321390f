"""Drift: what is observed in an environment differs from what was deployed there. Looking changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lampway.domain.deployment import (
    STILL_THERE,
    Deployment,
    DeploymentState,
    DriftFinding,
    DriftState,
    Installation,
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
from lampway.domain.promotion import Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.strategy import Environment
from lampway.engine import platform as port
from lampway.engine.context import Engine, Request, access_to, require_reason, rules_in_force
from lampway.engine.facts import installed
from lampway.engine.journal import More
from lampway.engine.store import Reading, Transaction
from lampway.errors import NotFoundError, PlatformError, RefusedError, SecretError

_AT_ONCE = 4
"""Environments that are looked at side by side: what takes long is waiting for the platform."""
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
            return scan(engine, environment, actor)
        except (PlatformError, SecretError) as error:
            return Scanned(environment.name, "", (), (), (), error=str(error))

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scan") as pool:
        return tuple(pool.map(look, places))


def scan(engine: Engine, environment: Environment, actor: Actor) -> Scanned:
    """Look at one environment and record what differs. Raises PlatformError, SecretError."""
    with engine.store.reading() as reading:
        here = reading.find(Installation, environment=environment.name)
    access = access_to(engine, environment)
    observation = engine.platform(environment.platform).observe(access, _expected(engine, here))
    return _keep(engine, environment.name, here, observation, actor)


def scan_one(engine: Engine, access: port.Access, platform: port.Platform, here: Installation) -> None:
    """Look at one solution and record what differs."""
    observation = platform.observe(access, _expected(engine, (here,)))
    _keep(engine, here.environment, (here,), observation, ENGINE)


def look_at_one(
    engine: Engine, access: port.Access, platform: port.Platform, here: Installation
) -> tuple[DriftFinding | None, More]:
    """Look at one solution and return a finding that nobody accepted, if there is one, and what records the look."""
    observation = platform.observe(access, _expected(engine, (here,)))
    with engine.store.reading() as reading:
        found = _compared(engine, reading, here.environment, (here,), observation)[0].findings

    def tell(transaction: Transaction) -> list[Recorded]:
        events = _compared(engine, transaction, here.environment, (here,), observation)[1]
        return [transaction.append(event, ENGINE) for event in events]

    return next((f for f in found if f.state is DriftState.OPEN), None), tell


def refresh(engine: Engine, environment: Environment, actor: Actor, *, lock: bool) -> None:
    """Bring drift and lock records up to date where the environment can be reached; else leave them as they are."""
    try:
        scan(engine, environment, actor)
        if lock:
            look_at_lock(engine, environment, actor)
    except (PlatformError, SecretError):
        return


def look_at_lock(engine: Engine, environment: Environment, actor: Actor) -> port.Lock:
    """Look at an environment's lock and record it. Raises PlatformError, SecretError."""
    platform = engine.platform(environment.platform)
    if isinstance(platform, port.Lockable):
        maker = access_to(engine, environment, maker=True) if environment.maker_access else None
        lock = platform.observe_lock(access_to(engine, environment), maker)
    else:
        lock = port.Lock(port.LockState.UNKNOWN, f"{platform.name} cannot tell whether it is locked")
    engine.record([LockObserved(environment.name, lock.state.value, lock.summary, lock.cure)], actor)
    return lock


def _expected(engine: Engine, here: Sequence[Installation]) -> Mapping[str, port.Installed]:
    return {i.solution: port.Installed(engine.packages.get(i.package), i.configuration) for i in here}


def _keep(
    engine: Engine, environment: str, here: Sequence[Installation], observation: port.Observation, actor: Actor
) -> Scanned:
    """Record an observation: new findings, and those that are gone.

    It is compared by a look that keeps nobody from writing, and once more only where something was written since.
    """
    with engine.store.reading() as reading:
        seen_at = reading.head()
        scanned, events = _compared(engine, reading, environment, here, observation)
    with engine.store.transaction() as transaction:
        if transaction.head() != seen_at:
            scanned, events = _compared(engine, transaction, environment, here, observation)
        told = [transaction.append(event, actor) for event in events]
    engine.tell(told)
    return scanned


def _compared(
    engine: Engine, reading: Reading, environment: str, here: Sequence[Installation], observation: port.Observation
) -> tuple[Scanned, list[Event]]:
    """Return what an observation comes to, and the events that record it.

    What was deployed meanwhile, or is being deployed, is left out: it was compared with what should no longer be there.
    """
    events: list[Event] = []
    current: list[DriftFinding] = []
    here = [i for i in here if _stands(reading, i)]
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
