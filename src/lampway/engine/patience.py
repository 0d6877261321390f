"""Patience: what a change waits for is told to whoever looks, and it is waited for only so long.

A platform that makes one change after the other lets ours wait for whatever others began, and some of that never ends.
What the records say of it outlives our process: how long it was waited for is counted from when it was seen first.
"""

from __future__ import annotations

from lampway.domain.moments import seconds_between
from lampway.domain.spans import span_in_words
from lampway.engine.checking import printable
from lampway.engine.platform import UnderWay
from lampway.engine.steps import DisagreementError, Run

UNNAMED = UnderWay("a change that is under way")
"""What is waited for where a platform can tell no more."""
_LONGEST = 200
"""Characters of each thing that a platform tells: others chose their own names there, and terminals show them."""


def go_on_waiting(run: Run, name: str, other: UnderWay) -> None:
    """Journal what a step waits for, once, and let it wait on. Raises DisagreementError after the longest wait."""
    other = UnderWay(*(printable(text)[:_LONGEST] for text in (other.what, other.since, other.by)))
    entry = run.journal.current.step(name)
    known = entry.obstacle if entry is not None else None
    if known is None or (known.what, known.since, known.by) != (other.what, other.since, other.by):
        run.journal.waits(name, other)
    place = run.strategy.environment(run.deployment.environment)
    waited = seconds_between(known.seen, run.engine.now()) if known is not None else 0.0
    if waited >= place.longest_wait:
        raise DisagreementError(
            f"step {name} still {run.journal.current.waits_for}, after {span_in_words(waited)}",
            hint=f"let it come to its end there, look what is there, then: lampway reconcile {run.deployment.solution}"
            f" --in {place.name}; or wait longer by `longest_wait` in environments/{place.name}.yaml",
        )
