"""Timing: things measured side by side, and one stretch of time divided among those who used it."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

Samples = dict[str, list[float]]
"""Name to the seconds of every repetition."""


def seconds(thing: Callable[[], Any]) -> float:
    """Return how long it takes once."""
    started = time.perf_counter()
    thing()
    return time.perf_counter() - started


def side_by_side(things: Mapping[str, Callable[[], Any]], *, rounds: int, warm_up: int = 1) -> Samples:
    """Take every thing once per round, in turn, so that a busy machine is equally busy for all of them."""
    samples: Samples = {name: [] for name in things}
    for number in range(warm_up + rounds):
        for name, thing in things.items():
            took = seconds(thing)
            if number >= warm_up:
                samples[name].append(took)
    return samples


def median(samples: Sequence[float], unit: float = 1.0) -> float:
    """Return the median in units of so many seconds."""
    return statistics.median(samples) / unit


class Meter:
    """Divides time among those who used it: at any moment exactly one of them, whoever was entered last."""

    def __init__(self, rest: str) -> None:
        self._rest = rest
        self.reset()

    def reset(self) -> None:
        """Forget everything and begin to count for the rest."""
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._users = [self._rest]
        self._since = time.perf_counter()

    def enter(self, name: str) -> None:
        """Count for `name` from now on."""
        self._charge()
        if self._users[-1] != name:
            self.calls[name] += 1
        self._users.append(name)

    def leave(self) -> None:
        """Count for whoever it was before."""
        self._charge()
        self._users.pop()

    @contextlib.contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Count for `name` for a while."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def _charge(self) -> None:
        now = time.perf_counter()
        self.seconds[self._users[-1]] += now - self._since
        self._since = now


def watch(thing: T, meter: Meter, name: str) -> T:
    """Make every public method of this one object count for `name`; also of what a context manager of it gives out."""
    for attribute in dir(type(thing)):
        method = getattr(thing, attribute)
        if not attribute.startswith("_") and callable(method):
            setattr(thing, attribute, _watched(method, meter, name))
    return thing


def _watched(method: Callable[..., Any], meter: Meter, name: str) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        with meter.during(name):
            result = method(*given, **named)
        return _opened(result, meter, name) if hasattr(result, "__enter__") else result

    return call


@contextlib.contextmanager
def _opened(manager: Any, meter: Meter, name: str) -> Iterator[Any]:
    """Count entering and leaving for `name`, and what happens in between for whoever does it."""
    meter.enter(name)
    try:
        with manager as inside:
            meter.leave()
            try:
                yield watch(inside, meter, name)
            finally:
                meter.enter(name)
    finally:
        meter.leave()
