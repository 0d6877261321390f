"""Watching what was deployed: looks at what is due, says how it does, and falls back where the stage says so.

A look holds no lease: it is recorded only if the very deployment still is what runs, and nobody else looked meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lampway.domain.deployment import CheckOutcome, Deployment, DeploymentState, Evidence, Installation
from lampway.domain.events import ENGINE, Event, PromotionRequested, Recorded, WatchEnded, WatchLooked
from lampway.domain.health import HealthWatch, Seen, Verdict, WatchState, after_look, is_due, soonest, verdict
from lampway.domain.strategy import Check
from lampway.engine import abilities
from lampway.engine import platform as port
from lampway.engine.checking import Site, add_evidence, run_check
from lampway.engine.context import Engine, find_release, rules_in_force
from lampway.engine.facts import installed
from lampway.engine.fallback import fall_back
from lampway.engine.recheck import site_of
from lampway.engine.store import Reading, Transaction
from lampway.errors import LampwayError

_PROBE_PATIENCE = 10.0
"""Seconds that a probe may take."""
_BUSY = (DeploymentState.RUNNING, DeploymentState.RECONCILE)


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at one release told."""

    release: str
    environment: str
    seen: str
    """good, bad or unknown; empty where nobody looked, because something else is there now."""
    summary: str
    state: str
    """Where the watch stands now."""
    rollback: str = ""
    """Id of the rollback that was asked for because of it."""


def tend_watches(engine: Engine) -> tuple[tuple[Looked, ...], str]:
    """Look at everything that is due, once each, and return what was seen, and when the next look is due."""
    with engine.store.reading() as reading:
        due = [w for w in reading.find(HealthWatch, states=(WatchState.WATCHING,)) if is_due(w, engine.now())]
    found = [_tend(engine, watch) for watch in due]
    with engine.store.reading() as reading:
        left = reading.find(HealthWatch, states=(WatchState.WATCHING,))
    return tuple(looked for looked in found if looked is not None), soonest(left)


def _tend(engine: Engine, watch: HealthWatch) -> Looked | None:
    with engine.store.reading() as reading:
        gone = _replaced(reading, watch)
    told = _look(engine, watch) if not gone else (Seen.UNKNOWN, "", ())
    return _record(engine, watch, told)


def _replaced(reading: Reading, watch: HealthWatch) -> str:
    """Return what else is, or is being, deployed there; empty while it is what runs."""
    busy = reading.find(Deployment, environment=watch.environment, solution=watch.solution, states=_BUSY)
    if busy:
        return f"{busy[0].version} is being deployed"
    here = installed(reading, watch.environment, watch.solution)
    if here is None or here.deployment != watch.id:
        return f"{here.version} was deployed over it" if here else "it was removed"
    return ""


_Told = tuple[Seen, str, tuple[tuple[Check, Evidence], ...]]
"""What a look told: how it does, in words, and the evidence of declared checks that said no."""


def _look(engine: Engine, watch: HealthWatch) -> _Told:
    """Look once, changing nothing. What cannot be asked is unknown, never good and never bad."""
    try:
        site, here = _site(engine, watch)
        found = [(check, run_check(site, check), declared) for check, declared in _checks(site, watch)]
        counted = _count(engine, site, here, watch) if watch.rule.failed_executions is not None else (Seen.GOOD, "")
    except LampwayError as error:
        return Seen.UNKNOWN, f"it cannot be looked at: {error}", ()
    bad = [(check, e) for check, e, declared in found if declared and e.outcome is CheckOutcome.FAILED]
    lines = [(_SEEN[e.outcome], f"{e.check}: {e.summary}") for _, e, _ in found]
    lines += [counted] if counted[1] else []
    for seen in (Seen.BAD, Seen.UNKNOWN):
        said = [line for state, line in lines if state is seen]
        if said:
            return seen, "; ".join(said), tuple(bad)
    if not lines:
        return Seen.UNKNOWN, f"{watch.solution} has none of what is to be looked at", ()
    return Seen.GOOD, "; ".join(line for _, line in lines), ()


_SEEN = {CheckOutcome.PASSED: Seen.GOOD, CheckOutcome.FAILED: Seen.BAD, CheckOutcome.ERRORED: Seen.UNKNOWN}


def _site(engine: Engine, watch: HealthWatch) -> tuple[Site, Installation]:
    with engine.store.reading() as reading:
        release = find_release(reading, f"{watch.solution}@{watch.version}")
        here = installed(reading, watch.environment, watch.solution)
    if here is None:  # it was there a moment ago
        raise LampwayError(f"nothing of {watch.solution} is installed in {watch.environment}")
    return site_of(engine, release, here), here


def _checks(site: Site, watch: HealthWatch) -> Iterator[tuple[Check, bool]]:
    """Yield what is asked at every look, with whether the solution declares it as a check."""
    for check in site.solution.automatic:
        if check.name in watch.rule.checks:
            yield check, True
    for probe in watch.rule.probes:
        yield Check(probe.name, "functional", timeout=_PROBE_PATIENCE, http=probe.http), False


def _count(engine: Engine, site: Site, here: Installation, watch: HealthWatch) -> tuple[Seen, str]:
    platform = site.platform
    if not isinstance(platform, abilities.ExecutionCounting):
        return Seen.UNKNOWN, f"{platform.name} does not tell how many executions failed"
    base = port.Installed(engine.packages.get(here.package), here.configuration)
    counted = platform.count_executions(site.access, base, watch.since)
    words = f"{counted.failed} of {counted.total} executions failed"
    limit = watch.rule.failed_executions or 0
    return (Seen.BAD if counted.failed > limit else Seen.GOOD), words


def _record(engine: Engine, watch: HealthWatch, told: _Told) -> Looked | None:
    """Record a look and what follows from it, all at once. Returns None where somebody else looked meanwhile."""
    seen, summary, evidence = told
    with engine.store.transaction() as transaction:
        if transaction.get(HealthWatch, watch.id) != watch:
            return None
        gone = _replaced(transaction, watch)
        recorded: list[Recorded] = []
        rollback = ""
        if gone:
            ended: Verdict | None = Verdict(WatchState.ABANDONED, gone)
            recorded += _append(transaction, [WatchEnded(watch.id, WatchState.ABANDONED, gone)])
        else:
            recorded += _append(transaction, [WatchLooked(watch.id, seen, summary)])
            ended = verdict(after_look(watch, seen, summary, engine.now()), seen)
            events = _end(engine, transaction, watch, ended) if ended else []
            recorded += _append(transaction, events)
            rollback = next((e.promotion.id for e in events if isinstance(e, PromotionRequested)), "")
            for check, one in evidence if ended and ended.state is WatchState.FAILED else ():
                solution = rules_in_force(transaction).strategy.solution(watch.solution)
                recorded += add_evidence(engine, transaction, one, ENGINE, declared=(solution, check))
    engine.tell(recorded)
    state = ended.state if ended else WatchState.WATCHING
    words = next((r.event.note for r in recorded if isinstance(r.event, WatchEnded)), summary)
    name = f"{watch.solution}@{watch.version}"
    return Looked(name, watch.environment, "" if gone else str(seen), words, str(state), rollback)


def _append(transaction: Transaction, events: Sequence[Event]) -> list[Recorded]:
    return [transaction.append(event, ENGINE) for event in events]


def _end(engine: Engine, reading: Reading, watch: HealthWatch, ended: Verdict) -> list[Event]:
    """Return what ends a watch, and, where it failed and the stage says so, the rollback that follows."""
    deployment = reading.get(Deployment, watch.id)
    note, events = ended.note, []
    if ended.state is WatchState.FAILED and ended.is_judged and deployment is not None:
        asked, words = fall_back(engine, reading, deployment, f"it failed its watch: {ended.note}")
        events, note = list(asked), "; ".join(part for part in (note, words) if part)
    return [WatchEnded(watch.id, ended.state, note), *events]
