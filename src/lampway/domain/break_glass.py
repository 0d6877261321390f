"""The gate that nobody declares: an environment that was unlocked lets nothing forward in before all is well again."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.judgement import Facts, GateResult, GateState
from lampway.domain.promotion import DeploymentKind

GATE = "break-glass"


def break_glass(facts: Facts) -> Iterator[GateResult]:
    """Yield what closes this environment because it is unlocked, or because nobody reviewed that it was.

    Going back is let through: it is what one may need right then. It cannot be waived.
    """
    if facts.kind is DeploymentKind.ROLLBACK:
        return
    for one in facts.unlockings:
        if one.is_open:
            lock = f"lampway lock {one.environment}, or wait until its time is over"
            yield GateResult(GATE, GateState.PENDING, one.words, lock)
        if one.is_overdue(facts.now):
            reason = f"nobody has reviewed that {one.words}"
            cure = f"somebody other than {one.by}: lampway unlock {one.environment} --review '...'"
            yield GateResult(GATE, GateState.FAILED, reason, cure)
