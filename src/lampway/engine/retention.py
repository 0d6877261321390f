"""Retention: remove what nobody needs any more, as the strategy declares, and never anything about production."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from lampway.domain.deployment import Deployment, DeploymentState, Installation, KnownGood
from lampway.domain.events import Actor, PackagesRemoved
from lampway.domain.kept import forgotten, kept
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.release import Release
from lampway.domain.retention import Removable, removable
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import RefusedError

_AT_WORK = (DeploymentState.RUNNING, DeploymentState.RECONCILE)
_GOODS = 2
"""How many releases known to be good stay in each place: what runs, and what a rollback brings back."""


@dataclass(frozen=True, slots=True)
class RetentionView:
    """What may go, or went."""

    keep: float
    """For how many seconds things are kept, as the strategy in force declares."""
    removable: tuple[Removable, ...]
    applied: bool
    """Whether they were removed."""


@dataclass(frozen=True, slots=True)
class Retain(Request[RetentionView]):
    """Show which packages and outputs may go."""

    apply: bool = False
    """Also remove them."""


def retain(engine: Engine, request: Retain, actor: Actor) -> RetentionView:
    """Return what may go and, if asked to, record that it goes and remove it.

    Asking again after a crash removes what was left. Raises RefusedError where the strategy declares nothing,
    StorageError.
    """
    while True:
        view, seq = _look(engine)
        if not request.apply:
            return view
        if _record(engine, view, seq, actor):
            break  # else somebody added something meanwhile: look again
    for digest in _leftovers(engine):
        engine.packages.remove(digest)
    return RetentionView(view.keep, view.removable, applied=True)


def _look(engine: Engine) -> tuple[RetentionView, int]:
    with engine.store.reading() as reading:
        keep = rules_in_force(reading).strategy.retention
        seq, _ = reading.head()
        in_use = frozenset(_in_use(reading))
    if not keep:
        raise RefusedError(
            "the strategy declares no retention: nothing is ever removed",
            hint="add to lampway.yaml: retention: 180d, and put it in force",
        )
    found = removable(engine.store.events(), timedelta(seconds=keep), engine.clock.now(), in_use)
    return RetentionView(keep, found, applied=False), seq


def _record(engine: Engine, view: RetentionView, seq: int, actor: Actor) -> bool:
    """Record what goes before it goes, and return True; or return False when the ledger went on since row `seq`."""
    with engine.store.transaction() as transaction:
        if transaction.head()[0] != seq:
            return False
        if not view.removable:
            return True
        releases = tuple(dict.fromkeys(one.release for one in view.removable if one.release))
        digests = tuple(one.digest for one in view.removable)
        recorded = transaction.append(PackagesRemoved(digests, releases, view.keep), actor)
    engine.tell([recorded])
    return True


def _leftovers(engine: Engine) -> Iterator[str]:
    """Yield everything that the ledger says is gone, also what an earlier run did not come to."""
    wanted = kept(engine.store.events())
    for recorded in engine.store.events(kinds=(PackagesRemoved.kind,)):
        yield from (d for d in forgotten(recorded.event) if d not in wanted and engine.packages.has(d))


def _in_use(reading: Reading) -> Iterator[str]:
    """Yield the digests of releases and packages that something rests on right now."""
    places: dict[tuple[str, str], list[str]] = {}
    for good in reading.find(KnownGood, newest_first=True):
        known = places.setdefault((good.environment, good.solution), [])
        if good.release in known or len(known) < _GOODS:
            known.append(good.release)
            yield from (good.release, good.package)
    for here in reading.find(Installation):
        yield from (here.release, here.package)
    for promotion in reading.find(Promotion, states=OPEN_STATES):
        yield from (promotion.bound.release, promotion.bound.rollback, promotion.bound.installed.partition("+")[0])
    for deployment in reading.find(Deployment, states=_AT_WORK):
        yield from (deployment.release, deployment.package)
        yield from (str(step.detail.get("kept", "")) for step in deployment.steps)
    newest = {release.solution: release for release in reading.find(Release)}  # what the next one is compared with
    yield from (release.digest for release in newest.values())
