"""What differs between two texts of several lines, or between two lists, told shortly and without secrets."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from lampway.platforms.masking import hide, shorten

_LARGEST = 1_000_000


def lines_edit(name: str, before: str, after: str) -> str:
    """Return how many lines differ, and the first of them."""
    old, new = before.splitlines(), after.splitlines()
    added = removed = 0
    first = ""
    for i1, i2, j1, j2 in differing(old, new):
        added, removed = added + j2 - j1, removed + i2 - i1
        lines = new[j1:j2] or old[i1:i2]
        if not first and "".join(lines).strip():
            line = next(line for line in lines if line.strip())
            first = f"; first {'added' if j2 > j1 and i2 == i1 else 'changed' if j2 > j1 else 'removed'} line: "
            first += f"`{shorten(hide(line))}`"
    return (
        f"{name} changed: lines +{added} −{removed}{first}" if added or removed else f"{name} changed: line ends only"
    )


def differing(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield what differs between two lists as ranges in the old and the new one; coarsely where they are very long."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    rest = min(len(old), len(new)) - start
    end = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    was, now = old[start : len(old) - end], new[start : len(new) - end]
    if len(was) * len(now) > _LARGEST:
        yield start, start + len(was), start, start + len(now)
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            yield start + i1, start + i2, start + j1, start + j2
