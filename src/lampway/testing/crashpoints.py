"""Crash points: every place where an engine touches anything that outlives it, so that a process can die there.

An engine reaches the outside through its ports only. Wrapping them therefore shows every durable write and every side
effect, and an engine that nobody wraps pays nothing for it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from lampway.domain.events import Actor, Event, Recorded
from lampway.engine.context import Engine
from lampway.engine.platform import Platform

T = TypeVar("T")

Passing = Callable[[str], None]
"""Told the name of each point as it is passed, such as `after step-started:import` or `before perform import`."""

_PLATFORM = ("probe", "export", "observe", "plan", "intend", "perform", "poll", "look_up", "observe_lock", "smoke_run")
_SWITCHES = ("is_switched", "activate", "deactivate")
_SOURCE = ("commit_tree", "commit_paths", "tag", "push", "write")
_STORE = ("take_lease", "release_lease")


def with_crash_points(engine: Engine, passing: Passing) -> Engine:
    """Return an engine that calls `passing` before and after everything that outlives it."""
    return replace(
        engine,
        store=_with_store(engine.store, passing),
        platforms=_Platforms(engine.platforms, passing),
        packages=_around(engine.packages, ("put",), passing),
        source=_around(engine.source, _SOURCE, passing),
        pause=_called(engine.pause, "pause", passing),
    )


class _Platforms(Mapping[str, Platform]):
    def __init__(self, platforms: Mapping[str, Platform], passing: Passing) -> None:
        self._platforms = platforms
        self._passing = passing

    def __getitem__(self, name: str) -> Platform:
        return _around(self._platforms[name], (*_PLATFORM, *_SWITCHES), self._passing)

    def __iter__(self) -> Iterator[str]:
        return iter(self._platforms)

    def __len__(self) -> int:
        return len(self._platforms)


class _Transaction:
    def __init__(self, transaction: Any, passing: Passing) -> None:
        self._transaction = transaction
        self._passing = passing
        self.written: list[str] = []

    def append(self, event: Event, actor: Actor) -> Recorded:
        name = ":".join([event.kind, *([str(step)] if (step := getattr(event, "step", "")) else [])])
        self._passing(f"before {name}")
        recorded: Recorded = self._transaction.append(event, actor)
        self.written.append(name)
        return recorded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def _with_store(store: Any, passing: Passing) -> Any:
    wrapped = _around(store, _STORE, passing)

    @contextmanager
    def transaction() -> Iterator[Any]:
        with store.transaction() as opened:
            shown = _Transaction(opened, passing)
            yield shown
            if shown.written:
                passing(f"before commit {shown.written[-1]}")
        if shown.written:
            passing(f"after commit {shown.written[-1]}")

    wrapped.transaction = transaction
    return wrapped


def _around(thing: T, names: tuple[str, ...], passing: Passing) -> T:
    """Return a copy of this one object whose methods of these names are points."""
    copied = copy.copy(thing)
    for name in names:
        if hasattr(thing, name):
            setattr(copied, name, _called(getattr(thing, name), name, passing))
    return copied


def _called(method: Callable[..., Any], name: str, passing: Passing) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        words = [name, *([given[2]] if name in {"intend", "perform", "look_up"} else [])]
        passing(f"before {' '.join(words)}")
        answer = method(*given, **named)
        passing(f"after {' '.join(words)}")
        return answer

    return call
