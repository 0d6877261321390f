"""Where rules need to look: anchors of all rules, found in one quick pass over all texts at once."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from lampway.scan import assignments, rules

_RUN = re.compile(r"[A-Za-z0-9_.:/~+=@%-]{20,}")
"""Vendors' tokens stand in runs like this; everything else need not be searched for their prefixes."""

_Tree = dict[str, "_Tree"]


@dataclass(slots=True)
class Spots:
    """Where to look in one text."""

    tokens: list[tuple[int, int]] = field(default_factory=list)
    """Number of a token rule and the position where its match would start."""
    names: list[int] = field(default_factory=list)
    """Where the name of a secret may be."""


@dataclass(frozen=True, slots=True)
class _Words:
    """Anchors to search for, and who wants to know."""

    pattern: re.Pattern[str]
    wanted: dict[str, tuple[tuple[str, int], ...]]
    """Shortest anchor that matches to every anchor that begins with it, with the number of its rule (-1: a name)."""


def find_spots(texts: Sequence[str]) -> list[Spots]:
    """Return where to look in each text, positions ascending."""
    # A copy in ASCII keeps every position, is quick to search, and lower case cannot change its length.
    whole = "\0".join(texts).encode("ascii", errors="replace").decode("ascii")
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + 1)
    spots = [Spots() for _ in texts]
    for number, position in _hits(whole):
        text_number = bisect_right(starts, position) - 1
        at = position - starts[text_number]
        if number < 0:
            spots[text_number].names.append(at)
        else:
            spots[text_number].tokens.append((number, at - rules.token_rules()[number].back))
    for spot in spots:
        spot.tokens.sort()
        spot.names.sort()
    return spots


def _hits(whole: str) -> Iterator[tuple[int, int]]:
    prefixes, words = _searched()
    for run in _RUN.finditer(whole):
        yield from _occurrences(prefixes, whole, run.start(), run.end())
    yield from _occurrences(words, whole.lower(), 0, len(whole))


def _occurrences(words: _Words, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    found = words.pattern.search(text, start, end)
    while found:
        for anchor, number in words.wanted[found[0]]:
            if text.startswith(anchor, found.start()):
                yield number, found.start()
        found = words.pattern.search(text, found.start() + 1, end)


@cache
def _searched() -> tuple[_Words, _Words]:
    """Return the prefixes of tokens, searched for in runs, and the words that may stand anywhere in any case."""
    numbered = list(enumerate(rules.token_rules()))
    prefixes = [(anchor, number) for number, rule in numbered if not rule.anywhere for anchor in rule.anchors]
    words = [(anchor, number) for number, rule in numbered if rule.anywhere for anchor in rule.anchors]
    return _compile(prefixes), _compile(words + [(name, -1) for name in assignments.ANCHORS])


def _compile(anchors: list[tuple[str, int]]) -> _Words:
    all_ = {anchor for anchor, _ in anchors}
    shortest = {word for word in all_ if not any(word != other and word.startswith(other) for other in all_)}
    wanted = {word: tuple(pair for pair in anchors if pair[0].startswith(word)) for word in shortest}
    tree: _Tree = {}
    for word in shortest:
        branch = tree
        for letter in word:
            branch = branch.setdefault(letter, {})
    return _Words(re.compile(_expression(tree)), wanted)


def _expression(tree: _Tree) -> str:
    """Return the tree as a pattern that shares beginnings, which the matcher walks much quicker than a list."""
    parts = [re.escape(letter) + _expression(branch) for letter, branch in sorted(tree.items())]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})" if parts else ""
