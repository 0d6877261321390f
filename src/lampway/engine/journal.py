"""The journal of one deployment: every entry is durable before what it announces, and refused once the lease is lost.

Between two steps of our own nothing outside changes, so that the end of one and the start of the next are one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lampway.domain.deployment import Deployment, DeploymentState, StepState
from lampway.domain.events import ENGINE, Event, Recorded, StepFinished, StepHindered, StepRunning, StepStarted
from lampway.engine.context import Engine
from lampway.engine.platform import UnderWay
from lampway.engine.store import Reading, Transaction
from lampway.errors import StorageError

More: TypeAlias = Callable[[Transaction], list[Recorded]]
"""Adds what belongs to an entry, in its transaction."""


@dataclass(slots=True)
class Journal:
    """Writes what happens to one deployment, under its fence."""

    engine: Engine
    deployment: str
    environment: str
    fence: int
    current: Deployment
    """As it was last written: nobody but whoever has the fence moves it on."""
    _held: list[More] = field(default_factory=list)

    def begin(self, step: str, intent: Mapping[str, Any], attempt: int = 1) -> None:
        """Write that a step is about to be taken. Raises StorageError; then it must not be taken."""
        self.write(StepStarted(self.deployment, step, attempt, self.fence, dict(intent)))

    def runs_on(self, step: str, handle: Mapping[str, Any]) -> None:
        """Write how the platform can be asked about a change that runs on."""
        self.write(StepRunning(self.deployment, step, dict(handle)))

    def waits(self, step: str, obstacle: UnderWay) -> None:
        """Write what a step waits for there, for whoever looks; and since when, so that it does not wait for ever."""
        self.write(StepHindered(self.deployment, step, obstacle.what, obstacle.since, obstacle.by))

    def end(self, step: str, state: StepState, detail: Mapping[str, Any], also: More | None = None) -> None:
        """Say how a step ended, and what it found with it. Written with the next entry, or by `flush`."""
        if also is not None:
            self._held.append(also)
        self._held.append(_adding(StepFinished(self.deployment, step, state, dict(detail))))

    def hold(self, more: More) -> None:
        """Add something to the next entry."""
        self._held.append(more)

    def flush(self) -> None:
        """Write what was held."""
        if self._held:
            self.write()

    def write(
        self, *events: Event, also: More | None = None, then: Callable[[Reading], list[Event]] | None = None
    ) -> None:
        """Write what was held, these events, what else there is, and what follows from the records then; or nothing.

        Raises StorageError when another process took over, or a person gave the deployment up.
        """
        with self.engine.store.transaction() as transaction:
            self._require_ours(transaction)
            told = [recorded for more in self._held for recorded in more(transaction)]
            told += [transaction.append(event, ENGINE) for event in events]
            told += also(transaction) if also else []
            told += [transaction.append(event, ENGINE) for event in (then(transaction) if then else ())]
            current = transaction.get(Deployment, self.deployment)
        self._held.clear()
        self.current = current or self.current
        self.engine.tell(told)

    def require_ours(self) -> None:
        """Go on to a change, or to wait for one, only while it is ours. Raises StorageError like `write`."""
        with self.engine.store.reading() as reading:
            self._require_ours(reading)

    def _require_ours(self, reading: Reading) -> None:
        reading.require_fence(self.environment, self.fence)
        found = reading.get(Deployment, self.deployment)
        if found is not None and found.state is not DeploymentState.RUNNING:
            raise StorageError(
                f"deployment {self.deployment} in {self.environment} was taken out of our hands: {found.note}",
                hint="lampway status",
            )


def open_journal(engine: Engine, deployment: Deployment, fence: int) -> Journal:
    """Return the journal of a deployment that is worked on under this fence."""
    return Journal(engine, deployment.id, deployment.environment, fence, deployment)


def _adding(event: Event) -> More:
    return lambda transaction: [transaction.append(event, ENGINE)]
