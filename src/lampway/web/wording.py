"""How words that suit a terminal are put on a page: shorter, and without what only a terminal can do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lampway.domain.package import Component, Diff, Edit

_LONG = 140
_LONG_LINE = 70
_BACK = {
    "reversible": "can be taken back",
    "data-step": "can be taken back only with a step for its data",
    "forward-only": "cannot be taken back",
}
_HERE = tuple(
    (re.compile(command), instead)
    for command, instead in (
        (
            r"lampway drift revert (\S+) --in \S+, or lampway drift accept .+",
            r"say on the page of \1 what becomes of it",
        ),
        (r"lampway unlock (\S+) --review '\.\.\.'", r"review it on the page of \1"),
        (r": lampway check attest .+? --cases '\.\.\.'(?:; signed: .+)?$", " says what came of it"),
        (r"lampway checklist \S+ --answer \S+", "answered on the page of the promotion"),
        (r": lampway recertify \S+", " answers on the page *Still needed*"),
        (r"lampway waive \S+ (\S+) --until \S+ --reason \.\.\.", r"accept the exception from *\1* on this page"),
        (r"(?:ask again: )?lampway promote (\S+) --to (\S+)$", r"ask for \1 to go to \2"),
        (r"lampway lock (\S+)$", r"look at its lock on the page of \1"),
        (r"wait; then:? lampway resume|lampway resume, when its time is over", "it goes on by itself then"),
    )
)
"""What a command does that a page does as well, and what somebody on a page reads instead."""
_HINT = re.compile(r"; hint: [^;]*\blampway [a-z].*$")
_WAITS = re.compile(r"^one of (?P<who>.+?): lampway approve \S+")
_ON_THE_FORM = {
    "add --accept-loss": "tick the box on the form",
    "let lampway blank, or release --blank-defaults, take it out": "have it taken out, below",
}


def brief(text: str) -> tuple[str, str]:
    """Return a long message with its first and last part, where its point is, and in full; a short one is not cut."""
    first, *between, last = text.split("; ") if text.count("; ") > 1 else (text, text)
    if not between or len(text) <= _LONG or first.count("`") % 2 or last.count("`") % 2:
        return text, ""
    return f"{first}; …; {last}", text


def headed(text: str) -> tuple[str, str]:
    """Return what a long line of a change says first, and the rest of it; a short one is not cut."""
    head, _, rest = text.partition("; ")
    return (head, rest) if rest and len(text) > _LONG_LINE and head.count("`") % 2 == 0 else (text, "")


def lines_of(diff: Diff) -> list[tuple[str, Component, tuple[Edit, ...]]]:
    """Return a line for each component that differs: what became of it, which one, and each difference inside it."""
    added: list[tuple[str, Component, tuple[Edit, ...]]] = [("added", one, ()) for one in diff.added]
    removed = [("removed", one, ()) for one in diff.removed]
    return [*added, *removed, *(("changed", one.component, one.edits) for one in diff.changed)]


def back_words(reversibility: str) -> str:
    """Return whether a change can be taken back, for somebody who does not know our words for it."""
    return _BACK.get(reversibility, reversibility)


def unhinted(note: str) -> str:
    """Return how something stands, without the command that comes next: the page has a form for that."""
    return _HINT.sub("", note)


def failing(log: Sequence[str]) -> str:
    """Return the line of a step's log that says why it failed, in words; empty where none does: a code is no word."""
    told = [line for line in log if not line.startswith("error: ")]
    return next((line for line in told if " failed: " in line), told[0] if told else "")


def onscreen(advice: str) -> str:
    """Return what to do next, to somebody on a page: whoever decides does so there, and options are on the form."""
    for words, instead in _ON_THE_FORM.items():
        advice = advice.replace(words, instead)
    for command, reads in _HERE:
        advice = command.sub(reads, advice)
    return _WAITS.sub(lambda found: f"waits for {found['who'].replace(', ', ' or ')}", advice)
