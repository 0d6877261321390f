"""How words that suit a terminal are put on a page: shorter, and without what only a terminal can do."""

from __future__ import annotations

import re

from lampway.domain.package import Component, Diff, Edit

_LONG = 140
_LONG_LINE = 70
_APPROVE = re.compile(r"^one of (?P<who>.+?): lampway approve \S+")
_LIVE = re.compile(r"lampway drift revert (?P<what>\S+) --in \S+, or lampway drift accept .+")
_REVIEW = re.compile(r"lampway unlock (?P<where>\S+) --review '\.\.\.'")
_BACK = {
    "reversible": "can be taken back",
    "data-step": "can be taken back only with a step for its data",
    "forward-only": "cannot be taken back",
}
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


def onscreen(advice: str) -> str:
    """Return what to do next, to somebody on a page: whoever decides does so there, and options are on the form."""
    for words, instead in _ON_THE_FORM.items():
        advice = advice.replace(words, instead)
    advice = _LIVE.sub(lambda found: f"say on the page of {found['what']} what becomes of it", advice)
    advice = _REVIEW.sub(lambda found: f"review it on the page of {found['where']}", advice)
    return _APPROVE.sub(lambda found: f"waits for {found['who'].replace(', ', ' or ')}", advice)
