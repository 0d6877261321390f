"""Lives: processes forked from this warm one, each killed somewhere, until one comes to the end of the story.

The process that forks must have no threads and no open files of the town: whatever opens them is a fork of its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from chaos.disk import Trouble, mend, small_disk
from chaos.story import STORIES, Player, play, trouble
from chaos.town import Town
from chaos.verdict import judge
from lampway.domain.digest import digest_bytes
from lampway.engine.context import Engine
from lampway.errors import SourceError, StorageError
from lampway.testing.crashpoints import with_crash_points

_HANGS = 120.0
"""Seconds after which a life that nobody killed counts as hanging."""
OUTSIDE = ("plan", "observe", "export", "intend", "perform", "poll", "look_up", "put", "tag", "push", "pause")
_FENCED = 3
"""Exit code of a process that found out that another took over."""
_STOPPED = 0.4
"""Which part of the lives is stopped and woken up again, where lives are; the others are killed, and count."""
LOST = 4
"""Exit code of a process that lost its store and said so: a person sees it and runs the command again."""


@dataclass(slots=True)
class Told:
    """What became of one story."""

    number: int
    story: str
    how: str
    kills: int = 0
    points: dict[str, int] = field(default_factory=dict)
    """Where processes died; by time: *anywhere*."""
    fenced: int = 0
    zombies: int = 0
    lost_store: int = 0
    """How often a process found its store gone, full or read-only, and said so."""
    faults: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    disturbed: dict[str, int] = field(default_factory=dict)
    """What was done to the database meanwhile."""

    def died(self, place: str) -> None:
        """Count a death."""
        self.kills += 1
        self.points[place] = self.points.get(place, 0) + 1


@dataclass(frozen=True, slots=True)
class Way:
    """How lives end."""

    name: str
    kills: int
    """At most, in one story."""
    share: float = 0.0
    """Which part of the kills it gets, of those that are not bespoken."""
    by_time: float = 0.0
    """Which part of the lives ends by the clock; the others at a crash point."""
    stops: bool = False
    """Whether processes are stopped, taken over from, and woken up again."""
    troubled: bool = False
    """Whether the platform is slow, silent or a liar now and then."""
    on_small_disk: bool = False
    """Whether the disk gets full or read-only now and then."""
    has_precondition: bool = True
    scale: float = 0.001
    takes: tuple[float, float] = (0.0, 0.0)

    @property
    def is_haunted(self) -> bool:
        """Return whether whoever comes back from the dead can still change something: the platform refuses nothing."""
        return self.stops and not self.has_precondition


WAYS = {
    "points": Way("points", 30, 0.32),
    "times": Way("times", 30, 0.2, by_time=1.0, takes=(0.002, 0.002)),
    "platform": Way("platform", 25, 0.18, troubled=True),
    "disk": Way("disk", 25, 0.12, on_small_disk=True),
    "blind": Way("blind", 15, 0.1, has_precondition=False),
    "zombies": Way("zombies", 12, 0.05, stops=True),
    "blind-zombies": Way("blind-zombies", 12, 0.03, stops=True, has_precondition=False),
    "production": Way("production", 10, by_time=0.5, troubled=True, scale=1.0, takes=(0.05, 0.05)),
}


def warm_up(template: Town, folder: Path) -> None:
    """Do in this process whatever lives do, once: what is read and built for it is there for every fork of it.

    Packages are kept in plain memory meanwhile: the library that keeps them has threads of its own.
    """
    import obstore  # noqa: F401 - reading it takes longer than a life

    town = template.copy(folder)
    engine = town.engine(random.Random("warm"))
    kept = (town.root / ".lampway" / "packages").rglob("*")
    packages = _Kept({digest_bytes(data): data for data in (file.read_bytes() for file in kept if file.is_file())})
    Player(town, replace(engine, packages=packages)).play(STORIES["failed verification"])
    for platform in engine.platforms.values():
        platform.close()  # type: ignore[attr-defined] # the one that counts
    engine.store.close()
    del engine
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)  # whoever forks must have no threads
    gc.collect()
    gc.freeze()  # what is here already is not looked at again in every fork
    shutil.rmtree(folder)


class _Kept(dict[str, bytes]):
    """Packages in memory."""

    def put(self, data: bytes) -> str:
        """Keep it and return its digest."""
        self[digest_bytes(data)] = data
        return digest_bytes(data)


def tell(template: Town, seed: str, number: int, way: Way, folder: Path) -> Told:
    """Play one story in a copy of the town, killing process after process, and judge how it ended."""
    with small_disk(folder / "governance") if way.on_small_disk else contextlib.nullcontext():
        town = template.copy(folder, has_precondition=way.has_precondition, scale=way.scale, is_haunted=way.is_haunted)
        told = _told(town, seed, number, way)
        if not told.faults:
            add_verdict(town, told)
    if not told.faults:
        shutil.rmtree(folder)
    return told


def _told(town: Town, seed: str, number: int, way: Way) -> Told:
    chance = random.Random(f"{seed}/{way.name}/{number}")
    told = Told(number, chance.choice(sorted(STORIES)), way.name)
    for life in range(200):
        is_last = told.kills + told.zombies >= way.kills
        ids = f"{seed}/{way.name}/{number}/{life}"
        stops = way.stops and not is_last and chance.random() < _STOPPED
        ended = _stop_and_go(town, told, ids, chance) if stops else None
        ended = ended or _live(town, told, ids, chance, way, is_last=is_last)
        if ended == "done" and way.on_small_disk and not is_last:
            ended = _live(town, told, f"{ids}/calm", chance, way, is_last=True)  # a tag may still be due
        if ended in {"done", "fault"}:
            return told
    told.faults.append("lost: the story does not come to its end")
    return told


def _live(town: Town, told: Told, ids: str, chance: random.Random, way: Way, *, is_last: bool) -> str:
    by_time = way.by_time > 0 and chance.random() < way.by_time
    dies_at = 0 if is_last or by_time else 1 + int(chance.expovariate(1 / 20))
    dies_after = 0.01 + chance.expovariate(1 / (0.05 if way.scale < 1 else 0.4)) if by_time and not is_last else 0.0
    trouble_ids = f"{ids}/trouble" if way.troubled and chance.random() < 0.5 else ""
    disk = Trouble.draw(town.root, chance) if way.on_small_disk and not is_last else None

    def run(say: Callable[[bytes], None]) -> None:
        if trouble_ids:
            trouble(town, random.Random(trouble_ids))
        _set_pace(town, way)
        points = Countdown(dies_at, say, signal.SIGKILL, disk)
        try:
            play(town, STORIES[told.story], points.wrap, has_lock=True, ids=ids)
        except (StorageError, SourceError):
            if disk is None or not disk.has_begun:
                raise
            os._exit(LOST)

    child = fork(run)
    status = child.wait(dies_after or _HANGS)
    try:
        return _outcome(child, status, told, is_early=bool(dies_after))
    finally:
        if disk is not None:
            mend(town.root)


def _outcome(child: Child, status: int | None, told: Told, *, is_early: bool) -> str:
    """Note how a life ended, ending it where it goes on, and return that in a word."""
    if status is None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(None)
        child.said()
        if not is_early:
            told.faults.append("lost: a process hangs")
            return "fault"
        told.died("anywhere")
        return "killed"
    said = child.said()
    if os.WIFSIGNALED(status):
        told.died(said or "anywhere")
        return "killed"
    if os.WEXITSTATUS(status) == LOST:
        told.lost_store += 1
        return "stopped"
    if os.WEXITSTATUS(status):
        told.faults.append(f"lost: {said}")
        return "fault"
    return "done"


def _set_pace(town: Town, way: Way) -> None:
    if way.takes == (0.0, 0.0):
        return
    platform = town.platform()
    for place in ("test", "prod"):
        with platform.at(f"http://{place}.test") as world:
            world.takes = way.takes
    platform.close()


def _stop_and_go(town: Town, told: Told, ids: str, chance: random.Random) -> str | None:
    """Stop a process somewhere, let another take over and go on, and wake the first one up again."""
    stops_at = 1 + int(chance.expovariate(1 / 40))
    dies_at = 1 + int(chance.expovariate(1 / 40)) if chance.random() < 0.7 else 0

    def sleeper(say: Callable[[bytes], None]) -> None:
        points = Countdown(stops_at, say, signal.SIGSTOP)
        play(town, STORIES[told.story], points.wrap, has_lock=False, ids=f"{ids}/sleeper")

    def other(say: Callable[[bytes], None]) -> None:
        points = Countdown(dies_at, say, signal.SIGKILL)
        play(town, STORIES[told.story], points.wrap, has_lock=False, ids=f"{ids}/other")

    first = fork(sleeper)
    status = first.wait(_HANGS)
    if status is None or not os.WIFSTOPPED(status):
        return _ended(told, first, status)
    told.zombies += 1
    second = fork(other)
    after = second.wait(_HANGS)
    os.kill(first.pid, signal.SIGCONT)
    woken = first.wait(_HANGS)
    if woken is not None and os.WIFEXITED(woken) and os.WEXITSTATUS(woken) == _FENCED:
        first.said()
        told.fenced += 1
    elif _ended(told, first, woken) == "fault":
        return "fault"
    if after is not None and os.WIFSIGNALED(after):
        told.died(second.said())
        return "killed"
    return _ended(told, second, after)


def _ended(told: Told, child: Child, status: int | None) -> str:
    if status is None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(None)
        told.faults.append("lost: a process hangs")
        return "fault"
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, _FENCED):
        child.said()
        return "done" if os.WEXITSTATUS(status) == 0 else "killed"
    told.faults.append(f"lost: {child.said()}")
    return "fault"


def add_verdict(town: Town, told: Told) -> None:
    """Judge how a story ended, in a process of its own."""

    def run(say: Callable[[bytes], None]) -> None:
        verdict = judge(town, STORIES[told.story])
        say(json.dumps({**asdict(verdict), "faults": verdict.faults}).encode())

    child = fork(run)
    status = child.wait(_HANGS)
    said = child.said()
    if status != 0:
        told.faults.append(f"damage: it could not be judged: {said}")
        return
    found: dict[str, Any] = json.loads(said)
    told.faults += found["faults"]
    told.counts = found["counts"]


class Countdown:
    """Sends this process a signal at the n-th crash point; 0 for never."""

    def __init__(
        self, at: int, say: Callable[[bytes], None], sends: signal.Signals, disk: Trouble | None = None
    ) -> None:
        self._left = at
        self._say = say
        self._signal = sends
        self._disk = disk

    def wrap(self, engine: Engine) -> Engine:
        """Return an engine that counts down."""
        if self._disk is None:
            return with_crash_points(engine, self.passing)
        return with_crash_points(self._disk.around(engine), self._disk.passing(self.passing))

    def passing(self, name: str) -> None:
        """Count one point, and die there if it is the one."""
        is_main = threading.current_thread() is threading.main_thread()
        if self._signal is signal.SIGSTOP and not (is_main and _is_outside(name)):
            return  # whoever sleeps in a transaction keeps everybody out: the database sees to that
        self._left -= 1
        if self._left == 0:
            self._say(name.encode())
            os.kill(os.getpid(), self._signal)


def _is_outside(name: str) -> bool:
    when, _, what = name.partition(" ")
    return name.startswith("after commit ") or (when in {"before", "after"} and what.split(" ")[0] in OUTSIDE)


@dataclass(slots=True)
class Child:
    """A forked process."""

    pid: int
    reads: int
    _said: str | None = None

    def wait(self, seconds: float | None) -> int | None:
        """Return how it ended or that it stopped; None if it did neither within this time."""
        if seconds is not None:
            end = time.monotonic() + seconds
            handle = os.pidfd_open(self.pid)
            try:
                while not select.select([handle], [], [], min(0.05, max(0.0, end - time.monotonic())))[0]:
                    pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
                    if pid:
                        return status
                    if time.monotonic() >= end:
                        return None
            finally:
                os.close(handle)
        return os.waitpid(self.pid, os.WUNTRACED)[1]

    def said(self) -> str:
        """Return what it said before it ended."""
        if self._said is None:
            os.set_blocking(self.reads, False)
            parts = []
            try:
                while part := os.read(self.reads, 65536):
                    parts.append(part)
            except BlockingIOError:
                pass
            os.close(self.reads)
            self._said = b"".join(parts).decode()
        return self._said


def fork(run: Callable[[Callable[[bytes], None]], None]) -> Child:
    """Run something in a fork of this process; it can say something, and says what went wrong."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return Child(pid, reads)
    code = 1
    try:
        os.close(reads)
        run(lambda text: os.write(writes, text) and None)
        code = 0
    except StorageError as error:
        code = _FENCED if "took over" in str(error) or "out of our hands" in str(error) else 1
        os.write(writes, traceback.format_exc().encode()[-4000:])
    except BaseException:  # noqa: BLE001 - whatever it is goes into the report
        os.write(writes, traceback.format_exc().encode()[-4000:])
    finally:
        os._exit(code)
    raise AssertionError
