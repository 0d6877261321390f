"""The engine: the ports that every use case works through, and what all of them ask first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from lampway.domain.accounts import as_it_stands
from lampway.domain.configuration import BOUND, ConfigurationSet
from lampway.domain.events import Actor, Event, Recorded
from lampway.domain.release import Release
from lampway.domain.secret import Secret, is_reference
from lampway.domain.strategy import Environment, RulesInForce
from lampway.engine.grounds import Grounds
from lampway.engine.platform import Access, Platform
from lampway.engine.ports import Checks, Clock, Courier, PackageStore, Scanner, Secrets, Signing, Source, StrategyFiles
from lampway.engine.store import Records, Store
from lampway.errors import NotFoundError, RefusedError, UsageError

Answer = TypeVar("Answer")


class Request(Generic[Answer]):
    """What a surface asks of the engine: plain data, so that it can be sent to a server as well."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a use case may touch. Holds no state of its own."""

    store: Store
    packages: PackageStore
    source: Source
    secrets: Secrets
    scanner: Scanner
    checks: Checks
    signing: Signing
    files: StrategyFiles
    platforms: Mapping[str, Platform]
    clock: Clock
    new_id: Callable[[], str]
    """Returns a short id that was never used before."""
    pause: Callable[[float], None]
    """Waits some seconds; only between polls of a platform."""
    holder: str
    """Names this process in leases."""
    second_copy: PackageStore | None = field(default=None, kw_only=True)
    """Where every package is kept once more; None for nowhere."""
    grounds: Grounds | None = field(default=None, kw_only=True)
    """Where sandboxes are started; None: nowhere."""
    courier: Courier | None = field(default=None, kw_only=True)
    """Brings notices out; None: they stay in the outbox."""
    observers: tuple[Callable[[Recorded], None], ...] = field(default=())
    """Told of every event once it is durable."""
    is_leaving: Callable[[], bool] = field(default=lambda: False)
    """Whether this process was asked to end: then no further step is begun."""

    def platform(self, name: str) -> Platform:
        """Return the adapter of this name. Raises NotFoundError."""
        if name not in self.platforms:
            known = ", ".join(sorted(self.platforms)) or "none"
            raise NotFoundError(f"no platform named *{name}*", hint=f"installed are: {known}")
        return self.platforms[name]

    def record(self, events: Iterable[Event], actor: Actor, *, fence: tuple[str, int] | None = None) -> None:
        """Add events to the ledger in one transaction, then tell the observers.

        With a fence, nothing is added when another process took the environment over (StorageError).
        """
        with self.store.transaction() as transaction:
            if fence is not None:
                transaction.require_fence(*fence)
            recorded = [transaction.append(event, actor) for event in events]
        self.tell(recorded)

    def tell(self, recorded: Iterable[Recorded]) -> None:
        """Tell the observers of events that are durable."""
        for one in recorded:
            for observer in self.observers:
                observer(one)

    def now(self) -> str:
        """Return the time as ISO text, UTC, with milliseconds."""
        return self.clock.now().isoformat(timespec="milliseconds")


def rules_in_force(reading: Records) -> RulesInForce:
    """Return the rules that everything is judged by. Raises RefusedError when none were ever applied."""
    rules = reading.get(RulesInForce, "current")
    if rules is None:
        raise RefusedError("no strategy is in force yet", hint="lampway strategy apply -m 'First strategy'")
    if not rules.revocations and not rules.claimed:
        return rules
    return replace(rules, strategy=as_it_stands(rules))


def find_release(reading: Records, name: str) -> Release:
    """Return the release `solution@version`, or the newest one of `solution`. Raises NotFoundError."""
    solution, _, version = name.partition("@")
    if version:
        release = reading.get(Release, name)
        if release is not None:
            return release
    newest = newest_release(reading, solution)
    if newest is None:
        raise NotFoundError(f"{solution} has no release yet", hint=f"lampway release {solution}")
    if version:
        raise NotFoundError(f"no release {name}", hint=f"the newest one is {newest.name}")
    return newest


def newest_release(reading: Records, solution: str) -> Release | None:
    """Return the release of the path that was sealed last, or None. A hotfix is no release of the path."""
    found = reading.find(Release, solution=solution, newest_first=True, limit=1)
    if found and found[0].hotfix:
        found = reading.find(Release, solution=solution, newest_first=True)
    return next((release for release in found if not release.hotfix), None)


def access_to(engine: Engine, environment: Environment, *, maker: bool = False) -> Access:
    """Return how to reach the environment, its secrets resolved now. Raises SecretError."""
    given = environment.maker_access if maker else environment.access
    credentials = {
        name: engine.secrets.resolve(value) if is_reference(value) else Secret(value) for name, value in given.items()
    }
    public = environment.public_url or environment.url
    return Access(environment.name, environment.url, credentials, public, settings=dict(environment.settings))


def resolve_secrets(engine: Engine, configuration: ConfigurationSet) -> dict[str, dict[str, Secret]]:
    """Return the secrets a configuration set refers to, by connection and field. Raises SecretError."""
    return {name: resolve_fields(engine, fields) for name, fields in configuration.connections.items()}


def resolve_fields(engine: Engine, fields: Mapping[str, str]) -> dict[str, Secret]:
    """Return what one connection is given; the id of a connection stands in clear. Raises SecretError."""
    return {
        name: engine.secrets.resolve(given) if name != BOUND or is_reference(given) else Secret(given)
        for name, given in fields.items()
    }


def require_reason(reason: str) -> str:
    """Return the reason, trimmed. Raises UsageError when there is none."""
    if not reason.strip():
        raise UsageError("a reason is needed", hint="add --reason '...'")
    return reason.strip()
