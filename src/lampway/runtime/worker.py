"""The worker: carries out whatever may start, and does what is due, for as long as it runs.

It waits for nothing by holding something: what waits for people or for time is rows in the store. A worker that dies
at any moment leaves nothing that the next one does not find.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from lampway.domain.deployment import Deployment
from lampway.domain.events import ENGINE
from lampway.domain.moments import seconds_between
from lampway.domain.promotion import Promotion, PromotionState
from lampway.engine.context import Engine
from lampway.engine.drain import drain
from lampway.engine.due import RunDue, run_due
from lampway.engine.known import Known
from lampway.engine.reach import concerns_everywhere, every_environment, reach
from lampway.engine.schedules import ASKING, Calendar, fire, next_moment, plan_environment, plan_everywhere
from lampway.engine.store import Presence, Scheduled
from lampway.errors import LampwayError, TakenOverError

BEAT = 3.0
"""Seconds between two signs of life."""
_TICK = 0.02
_LOOK = 1.0
_SWEEP = 60.0
"""Seconds between two looks for what was interrupted and has nobody."""
_ALL = 600.0
"""Seconds between two looks at everything: that is for what nobody thought of."""
_LONGEST = 900.0
_BUSY = 0.5
_SCANS = 4
_DUE = "due"
_FAR_BEHIND = 1000
_TELL = 5.0
"""Seconds between two rounds of looking at what is watched, and of telling people what concerns them."""
_FORGET = 7 * 86_400.0


class Lanes(Protocol):
    """Lets one process at a time work in an environment."""

    def lane(self, environment: str) -> AbstractContextManager[None]:
        """Be the only one there. Raises TakenOverError when somebody else is."""
        ...


class Hands(Protocol):
    """Carries out what a worker asks for, in this process or in whichever is free."""

    def open(self, tend: Callable[[str], None]) -> None:
        """Begin to carry out; `tend` sees to one environment and raises nothing."""
        ...

    def ask(self, environment: str) -> None:
        """See to it that an environment is tended soon, and never twice at once. Raises StorageError."""
        ...

    def take_up(self, environment: str) -> None:
        """Ask for an environment whose holder has gone, whatever it had taken on. Raises StorageError."""
        ...

    def is_idle(self) -> bool:
        """Return whether nothing asked for is waiting or under way here."""
        ...

    def close(self) -> None:
        """Begin nothing more, and return once what is under way has come to a stop."""
        ...


@dataclass(frozen=True, slots=True)
class Duty:
    """What a worker is there for."""

    name: str
    """Unlike that of any other worker."""
    lanes: tuple[str, ...] = ()
    """The environments it works on; empty for all."""

    def covers(self, environment: str) -> bool:
        """Return whether it works on this environment."""
        return not self.lanes or environment in self.lanes


class Worker:
    """One worker process. `leave` may be called from a signal handler or another thread."""

    def __init__(
        self,
        engine: Engine,
        duty: Duty,
        *,
        lanes: Lanes,
        hands: Hands,
        calendar: Calendar,
        leaving: threading.Event,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._duty = duty
        self._lanes = lanes
        self._hands = hands
        self._calendar = calendar
        self._leaving = leaving
        self._say = say
        self._scans = ThreadPoolExecutor(_SCANS, thread_name_prefix="scan")
        self._scanning: set[str] = set()
        self._tries: dict[str, int] = {}
        self._known: dict[str, tuple[Known, float]] = {}
        self._later: dict[str, float] = {}
        self._guard = threading.Lock()
        self._presence: Presence | None = None
        self._seen = 0
        self._next = dict.fromkeys(("beat", "look", "fire", "sweep", "all", "tell"), 0.0)

    def leave(self) -> None:
        """End once the steps under way have ended."""
        self._leaving.set()

    def name_of(self, key: str) -> str:
        """Return what the id of a promotion or a deployment stands for, for people. Raises StorageError."""
        with self._engine.store.reading() as reading:
            found = reading.get(Promotion, key) or reading.get(Deployment, key)
        return f"{found.solution}@{found.version} → {found.environment}" if found else key

    def run(self) -> None:
        """Work until asked to leave. Trouble with the store is told and waited out."""
        trouble = 0
        watch = self._engine.store.watch()
        with self._present():
            while not self._leaving.is_set():
                try:
                    self._turn(changed=watch.changed())
                    trouble = 0
                except LampwayError as error:
                    trouble += 1
                    self._say(f"{error}; trying again")
                    self._leaving.wait(min(2.0 ** (trouble - 1), 30.0))
                else:
                    self._leaving.wait(_TICK)
        watch.close()

    def once(self) -> None:
        """Do everything that can be done now, and return. Raises StorageError."""
        with self._present():
            self._beat()
            self._sweep()
            self._tell_soon()
            is_quiet = False
            while not self._leaving.is_set() and not is_quiet:
                is_quiet = self._hands.is_idle() and not self._scanning
                if self._follow() or self._fire():
                    is_quiet = False
                self._leaving.wait(_TICK)

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Be there, with hands to work with; in the end let go of both, and of our line in the list of workers."""
        with self._engine.store.presence(self._duty.name) as self._presence:
            self._tidy()
            self._hands.open(self._tend)
            try:
                yield
            finally:
                self._leaving.set()
                self._hands.close()
                self._scans.shutdown()
                with suppress(LampwayError), self._engine.store.transaction() as transaction:
                    transaction.forget_worker(self._duty.name)

    def _tidy(self) -> None:
        """Forget workers that died long ago, and one of another life with our name."""
        with self._engine.store.reading() as reading:
            now = reading.time()
            known = reading.workers()
        old = [w.name for w in known if seconds_between(w.seen_at, now) > _FORGET or w.name == self._duty.name]
        with self._engine.store.transaction() as transaction:
            for name in old:
                transaction.forget_worker(name)

    def _turn(self, *, changed: bool) -> None:
        now = time.monotonic()
        if now >= self._next["beat"]:
            self._next["beat"] = now + BEAT
            self._beat()
        if now >= self._next["all"]:
            self._next["all"] = now + _ALL
            self._sweep()
        if now >= self._next["sweep"]:
            self._next["sweep"] = now + _SWEEP
            self._resume()
        if changed or now >= self._next["look"]:
            self._next["look"] = now + _LOOK
            self._follow()
            self._next["fire"] = now + min(next_moment(self._engine, self._duty.lanes), _SWEEP)
        if now >= self._next["fire"]:
            self._fire()
            self._next["fire"] = now + min(next_moment(self._engine, self._duty.lanes), _SWEEP)
        if now >= self._next["tell"]:
            self._next["tell"] = now + _TELL
            self._tell_soon()
        self._retry(now)

    def _beat(self) -> None:
        """Give a sign of life, and take up what others left when they died."""
        if self._presence is not None:
            self._presence.assure()
        with self._engine.store.transaction() as transaction:
            transaction.see_worker(self._duty.name, self._duty.lanes)
            places = transaction.abandoned(self._duty.name)
        for place in places:
            if self._duty.covers(place):
                self._hands.take_up(place)

    def _sweep(self) -> None:
        """Look at everything: whatever was missed, whoever missed it, is found here."""
        with self._engine.store.reading() as reading:
            self._seen = max(self._seen, reading.head()[0])
            places = every_environment(reading)
        plan_everywhere(self._engine, self._calendar)
        for place in places:
            self._ask(place)

    def _resume(self) -> None:
        """Ask for what is ready or under way and held by nobody, whoever let it go."""
        with self._engine.store.reading() as reading:
            going = reading.find(Promotion, states=(PromotionState.READY, PromotionState.RUNNING))
            held = reading.held()
        for place in dict.fromkeys(p.environment for p in going if p.environment not in held):
            self._ask(place)

    def _follow(self) -> bool:
        """Ask for what new events may have set free. Returns whether there were any."""
        with self._engine.store.reading() as reading:
            head = reading.head()[0]
        if head <= self._seen:
            return False
        recorded = list(islice(self._engine.store.events(self._seen), _FAR_BEHIND + 1))
        if len(recorded) > _FAR_BEHIND:
            self._sweep()
            return True
        with self._engine.store.reading() as reading:
            places = reach(reading, recorded)
        if concerns_everywhere(recorded):
            plan_everywhere(self._engine, self._calendar)
        for place in places:
            self._ask(place)
        self._seen = recorded[-1].seq if recorded else head
        return True

    def _fire(self) -> bool:
        """Do what is due, if nobody else was faster. Returns whether anything was."""
        with self._engine.store.reading() as reading:
            due = reading.due_by(self._engine.now(), self._duty.lanes)
        for row in due:
            if row.kind in ASKING:
                self._scan_soon(row)
                continue
            fired = fire(self._engine, self._calendar, row)
            if fired is not None and fired.drain:
                self._ask(fired.drain)
        return bool(due)

    def _scan_soon(self, row: Scheduled) -> None:
        with self._guard:
            if row.key in self._scanning:
                return
            self._scanning.add(row.key)
        self._scans.submit(self._scan, row)

    def _scan(self, row: Scheduled) -> None:
        try:
            fired = fire(self._engine, self._calendar, row)
            if fired is not None and fired.scanned is not None and fired.scanned.error:
                self._say(f"{row.words}: {fired.scanned.error}")
        except Exception as error:  # noqa: BLE001 - it is tried again; a worker outlives it
            self._say(f"{row.words}: {error}")
        finally:
            with self._guard:
                self._scanning.discard(row.key)

    def _tell_soon(self) -> None:
        with self._guard:
            if _DUE in self._scanning:
                return
            self._scanning.add(_DUE)
        self._scans.submit(self._tell)

    def _tell(self) -> None:
        """Look at what is watched, and bring out what people are to be told; others may do the same at once."""
        try:
            run_due(self._engine, RunDue(lanes=self._duty.lanes), ENGINE)
        except Exception as error:  # noqa: BLE001 - it is tried again; a worker outlives it
            self._say(f"what is watched or to be told: {error}")
        finally:
            with self._guard:
                self._scanning.discard(_DUE)

    def _ask(self, environment: str) -> None:
        if environment and self._duty.covers(environment):
            self._hands.ask(environment)

    def _retry(self, now: float) -> None:
        with self._guard:
            due = [place for place, at in self._later.items() if at <= now]
            for place in due:
                del self._later[place]
        for place in due:
            self._ask(place)

    def _tend(self, environment: str) -> None:
        """Drain one environment and plan what is due there; what could not be done is tried again later."""
        tries = self._tries.get(environment, 0)
        try:
            with self._lanes.lane(environment), self._knowing(environment) as known:
                again = drain(self._engine, environment, known)
                plan_environment(self._engine, environment, known)
            wait = min(2.0**tries, _LONGEST) if again else 0.0
        except TakenOverError:
            tries, wait = 0, _BUSY
        except LampwayError as error:
            mending = f"; hint: {error.hint}" if error.hint else ""
            self._say(f"{environment}: {error}{mending}; trying again")
            wait = min(2.0**tries, _LONGEST)
        except Exception as error:  # noqa: BLE001 - a fault in one environment stops no other
            self._say(f"{environment}: a fault in Lampway itself: {type(error).__name__}: {error}")
            wait = min(2.0**tries, _LONGEST)
        with self._guard:
            self._tries[environment] = tries + 1 if wait else 0
            if wait:
                self._later[environment] = time.monotonic() + wait

    @contextmanager
    def _knowing(self, environment: str) -> Iterator[Known]:
        """Yield what is known of an environment: to be worked with by whoever is in its lane.

        Forgotten where anything went wrong, and after a while in any case, for what nobody thought of.
        """
        known, until = self._known.pop(environment, (Known(environment), time.monotonic() + _ALL))
        yield known if time.monotonic() < until else Known(environment)
        if time.monotonic() < until:
            self._known[environment] = known, until


class Threads:
    """Hands in this process: a bounded number of threads, one environment each."""

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="lane")
        self._under_way: dict[str, bool] = {}
        """Environment to whether it was asked for once more meanwhile."""
        self._guard = threading.Lock()
        self._is_closed = False
        self._tend: Callable[[str], None] = lambda _: None

    def open(self, tend: Callable[[str], None]) -> None:
        """Begin to carry out."""
        self._tend = tend

    def ask(self, environment: str) -> None:
        """Tend an environment as soon as a thread is free; once more if it is being tended."""
        with self._guard:
            if self._is_closed:
                return
            if environment in self._under_way:
                self._under_way[environment] = True
                return
            self._under_way[environment] = False
        self._pool.submit(self._run, environment)

    def take_up(self, environment: str) -> None:
        """Ask for it like for any other: nothing of the dead is left here."""
        self.ask(environment)

    def is_idle(self) -> bool:
        """Return whether nothing is waiting or under way."""
        with self._guard:
            return not self._under_way

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        with self._guard:
            self._is_closed = True
        self._pool.shutdown(cancel_futures=True)

    def _run(self, environment: str) -> None:
        is_wanted = True
        while is_wanted:
            self._tend(environment)
            with self._guard:
                is_wanted = self._under_way[environment] and not self._is_closed
                if is_wanted:
                    self._under_way[environment] = False
                else:
                    del self._under_way[environment]
