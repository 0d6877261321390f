"""What no path may do: lead back to where it came from, down a tier, or open by windows that say the same twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from lampway.config.document import Document, Path
from lampway.config.static_rules import SANDBOX
from lampway.domain.moments import DAYS
from lampway.errors import Mistake

_MINUTES = 1440


def check_paths(strategy: Document, environments: Mapping[str, Document]) -> Iterator[Mistake]:
    """Yield every circle that paths make together, every step down, and every window that overlaps another."""
    yield from _circles(strategy)
    for name in strategy.names("pipelines") or ():
        yield from _steps_down(strategy, environments, name)
        for stage, _ in (*_stages(strategy, name), *strategy.items("pipelines", name, "hotfix")):
            yield from _overlaps(strategy, stage)


def _circles(strategy: Document) -> Iterator[Mistake]:
    """Yield the step by which a path leads back to where another one comes from; one mistake per circle.

    An environment that one path names twice is told elsewhere.
    """
    after: dict[str, set[str]] = {}
    for name in strategy.names("pipelines") or ():
        here, passed = strategy.at("pipelines", name, "from"), set[str]()
        for stage, _ in _stages(strategy, name):
            place = _place(strategy, stage)
            there = strategy.at(*place)
            if not isinstance(here, str) or not isinstance(there, str):
                here = there
                continue
            passed.add(here)
            way = [] if there in passed else _way(after, there, here)
            if way:
                message = f"paths lead in a circle: {' → '.join((here, *way))}"
                hint = "let releases move up only, and makers build where no path ends"
                yield strategy.mistake(place, message, hint)
            else:
                after.setdefault(here, set()).add(there)
            here = there


def _place(strategy: Document, stage: Path) -> Path:
    return (*stage, "name" if strategy.at(*stage, "environment") is None else "environment")


def _stages(strategy: Document, name: str) -> tuple[tuple[Path, Any], ...]:
    return strategy.items("pipelines", name, "stages")


def _way(after: Mapping[str, set[str]], start: str, end: str) -> list[str]:
    """Return how one gets from one environment to another, both included; empty where there is no way."""
    waiting = [[start]]
    seen = {start}
    while waiting:
        way = waiting.pop(0)
        if way[-1] == end:
            return way
        for following in sorted(after.get(way[-1], set()) - seen):
            seen.add(following)
            waiting.append([*way, following])
    return []


def _steps_down(strategy: Document, environments: Mapping[str, Document], name: str) -> Iterator[Mistake]:
    tiers = strategy.names("tiers") or ()

    def level(environment: object) -> int | None:
        document = environments.get(environment) if isinstance(environment, str) else None
        tier = document.at("tier") if document else None
        return tiers.index(tier) if tier in tiers and tier != SANDBOX else None  # a sandbox is refused elsewhere

    before = level(strategy.at("pipelines", name, "from"))
    for stage, _ in _stages(strategy, name):
        place = _place(strategy, stage)
        here = level(strategy.at(*place))
        if before is not None and here is not None and here < before:
            message = f"a path goes down from the tier {tiers[before]} to {tiers[here]}"
            yield strategy.mistake(place, message, "put the stages in the order of the tiers")
        before = here if here is not None else before


def _overlaps(strategy: Document, stage: Path) -> Iterator[Mistake]:
    """Yield windows of one zone that are open at the same time: one of the two says nothing."""
    known = [(path, _open_minutes(window), window) for path, window in strategy.items(*stage, "windows")]
    told: set[Path] = set()
    for (first, one, given), (second, other, later) in combinations(known, 2):
        both = one & other
        if both and second not in told and given.get("zone") == later.get("zone"):
            told.add(second)
            day, minute = divmod(min(both), _MINUTES)
            when = f"{DAYS[day].title()} {minute // 60:02}:{minute % 60:02}"
            message = f"window {_number(second)} overlaps window {_number(first)}, as on {when}"
            yield strategy.mistake(second, message, "make one window of the two, or let them touch")


def _number(path: Path) -> int:
    return int(path[-1]) + 1


def _open_minutes(window: Any) -> set[int]:
    """Return the minutes of the week at which a window is open; none where it cannot be read."""
    from lampway.config.windows import spread
    from lampway.domain.windows import parse_clock

    if not isinstance(window, dict) or not isinstance(window.get("days"), list):
        return set()
    opens, closes = (parse_clock(t) if isinstance(t := window.get(key), str) else None for key in ("from", "to"))
    days = spread([day for day in window["days"] if isinstance(day, str)])
    if opens is None or closes is None or not days:
        return set()
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in (opens, closes))
    length = end - start if end > start else end - start + _MINUTES
    week = 7 * _MINUTES
    return {(DAYS.index(day) * _MINUTES + start + n) % week for day in days for n in range(length)}
