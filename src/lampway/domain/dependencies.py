"""Dependencies of a solution on others: what a release needs, which version will do, and circles among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from lampway.domain.package import Dependency
from lampway.domain.release import Release

SOLUTION = "solution"
"""The kind of dependency that names another solution."""
_NUMBERS = re.compile(r"\d{1,9}(\.\d{1,9}){0,3}", re.ASCII)


def parse_numbers(text: str) -> tuple[int, ...] | None:
    """Return the one to four numbers of a version, or None. `1.2` and `1.2.0` are equal: what is left out is 0."""
    return tuple(map(int, text.split("."))) if _NUMBERS.fullmatch(text) else None


def is_at_least(version: str, lowest: str) -> bool | None:
    """Return whether a version will do where `lowest` is asked for; None where that cannot be told.

    Versions are compared number by number, so that 1.10 comes after 1.9. No `lowest` at all means any version.
    """
    if not lowest:
        return True
    found, asked = parse_numbers(version), parse_numbers(lowest)
    if found is None or asked is None:
        return None
    pairs = zip_longest(found, asked, fillvalue=0)
    return next((mine > theirs for mine, theirs in pairs if mine != theirs), True)


def declared(depends_on: Mapping[str, str]) -> tuple[Dependency, ...]:
    """Return what an owner declares, as it is sealed."""
    return tuple(Dependency(SOLUTION, name, version) for name, version in sorted(depends_on.items()))


def needs_of(release: Release) -> tuple[Dependency, ...]:
    """Return every other solution that a release needs: as declared and as the platform reports, both as sealed.

    Where both name the same one, both are asked for.
    """
    reported = (d for d in release.inventory.dependencies if d.kind == SOLUTION and d.name != release.solution)
    return tuple(dict.fromkeys((*release.depends_on, *reported)))


def circles(graph: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield ways that lead from a solution back to it, each once, beginning with the first name in it."""
    seen: set[frozenset[str]] = set()
    for start in sorted(graph):
        way = _way_back(graph, start)
        if way and frozenset(way) not in seen:
            seen.add(frozenset(way))
            yield way


def _way_back(graph: Mapping[str, Sequence[str]], start: str) -> tuple[str, ...]:
    """Return the shortest way from `start` to itself, as names from first to last; empty for none."""
    waiting: list[tuple[str, ...]] = [(start,)]
    reached: set[str] = set()
    while waiting:
        way = waiting.pop(0)
        for name in graph.get(way[-1], ()):
            if name == start:
                return way
            if name not in reached:
                reached.add(name)
                waiting.append((*way, name))
    return ()
