"""Change tickets: the name of a change elsewhere, and the patterns that such names must match.

A pattern is a regular expression for the whole ticket. It is read here before it is ever used: whatever could keep the
machine busy, whoever writes the ticket, is refused when the strategy is read.
"""

from __future__ import annotations

import re
import warnings

LONGEST = 100
"""Characters of a ticket."""
_LONGEST_PATTERN = 200
_MOST_WAYS = 1_000_000
"""In so many ways, at most, may a pattern be tried on a ticket."""
_REPEAT = re.compile(r"[*+?]|\{(\d*)(,(\d*))?\}", re.ASCII)
_ESCAPES = "dDwWsS"


def ticket_fault(text: str) -> str:
    """Return what is wrong with a ticket, whatever the pattern; empty for nothing."""
    if not text or text != text.strip():
        return "a change ticket must not be blank, nor begin or end with white space"
    if len(text) > LONGEST:
        return f"a change ticket may have {LONGEST} characters, and this has {len(text)}"
    return "" if text.isprintable() else "a change ticket must be one line of printable text"


def matches(pattern: str, ticket: str) -> bool:
    """Return whether the whole ticket matches a pattern that has no fault. No pattern means any ticket."""
    return len(ticket) <= LONGEST and (not pattern or re.fullmatch(pattern, ticket) is not None)


def pattern_fault(pattern: str) -> str:
    """Return why a pattern cannot be used, in words; empty when it can."""
    if len(pattern) > _LONGEST_PATTERN:
        return f"is longer than {_LONGEST_PATTERN} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what may mean something else tomorrow is refused today
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"is no regular expression: {error}"
    reader = _Reader(pattern)
    try:
        ways = reader.choices()
    except _UnusualError as error:
        return str(error)
    return "" if ways <= _MOST_WAYS else "can be tried on one ticket in too many ways: repeat less in what is repeated"


class _UnusualError(Exception):
    """The pattern holds something that is not allowed here."""


class _Reader:
    """Counts in how many ways a pattern can be tried: what a matcher that tries them all would have to do."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def choices(self, closing: str = "") -> int:
        """Read alternatives up to the end, or the bracket that closes a group; their ways add up."""
        total, ways = 0, 1
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == ")":
                break
            if character == "|":
                self._at += 1
                total, ways = total + ways, 1
                continue
            ways = min(ways * self._repeated(self._atom()), _MOST_WAYS + 1)
        if self._text[self._at : self._at + 1] != closing:
            raise _UnusualError("has a bracket too many")  # compiling finds it first
        self._at += len(closing)
        return min(total + ways, _MOST_WAYS + 1)

    def _atom(self) -> int:
        character = self._text[self._at]
        self._at += 1
        if character == "(":
            if self._text.startswith("?", self._at):
                if not self._text.startswith("?:", self._at):
                    raise _UnusualError("holds (?...), of which only (?:...) is allowed")
                self._at += 2
            return self.choices(")")
        if character == "[":
            self._set()
        elif character == "\\":
            self._escape()
        return 1

    def _escape(self) -> None:
        character = self._text[self._at]
        self._at += 1
        if character.isalnum() and character not in _ESCAPES:
            raise _UnusualError(f"holds \\{character}, which is not allowed; escapes are: \\d \\w \\s \\. and the like")

    def _set(self) -> None:
        """Go past `[...]`; a bracket right at its beginning stands for itself."""
        self._at += self._text.startswith("^", self._at)
        self._at += self._text.startswith("]", self._at)
        while self._text[self._at] != "]":
            self._at += 1
            if self._text[self._at - 1] == "\\":
                self._escape()
        self._at += 1

    def _repeated(self, ways: int) -> int:
        """Return in how many ways something is tried that may be repeated; so many times the ways of one, each."""
        found = _REPEAT.match(self._text, self._at)
        if found is None or found[0] == "{}":
            return ways
        self._at = found.end()
        self._at += self._text.startswith(("?", "+"), self._at)
        least, most = _bounds(found)
        total = 0
        for times in range(least, most + 1):
            total += ways**times
            if total > _MOST_WAYS:
                break
        return max(total, 1)


def _bounds(found: re.Match[str]) -> tuple[int, int]:
    """Return how often something may be repeated: no more often than a ticket has characters."""
    plain = {"*": (0, LONGEST), "+": (1, LONGEST), "?": (0, 1)}
    if found[0] in plain:
        return plain[found[0]]
    least = min(int(found[1] or 0), LONGEST)
    most = LONGEST if found[2] == "," else int(found[3]) if found[3] else least
    return least, max(least, min(most, LONGEST))
