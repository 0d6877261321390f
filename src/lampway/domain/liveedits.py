"""The gate about live edits: what is edited in the target blocks until somebody dealt with it."""

from __future__ import annotations

from lampway.domain.backport import Cause
from lampway.domain.deployment import DriftState
from lampway.domain.judgement import Facts, GateResult, GateState
from lampway.domain.strategy import GateRule


def drift(rule: GateRule, facts: Facts) -> GateResult:
    """Judge whether what runs is what was deployed, of this solution and of those that it needs."""
    found = (*facts.drift, *facts.dependency_drift)
    unresolved = [f for f in found if f.state is DriftState.OPEN]
    if unresolved:
        edited = unresolved[0].solution
        whose = "" if edited == facts.solution else f" in {edited}, which it depends on"
        place = f"{edited} --in {facts.stage.environment}"
        cures = f"lampway drift revert {place}, or lampway drift accept {place} --reason ..."
        return GateResult(
            rule.gate,
            GateState.FAILED,
            f"{facts.stage.environment} was edited live{whose}: {unresolved[0].changes[0]}",
            f"{cures}, or lampway drift backport {place}",
        )
    accepted = [f for f in found if f.state is DriftState.ACCEPTED]
    if accepted:
        return GateResult(rule.gate, GateState.WAIVED, f"accepted by {accepted[0].resolved_by}: {accepted[0].reason}")
    backported = [f for f in found if f.state is DriftState.BACKPORTED]
    if backported:
        return _backported(rule, facts, backported[0].resolved_by)
    return GateResult(rule.gate, GateState.PASSED, "what runs is what was deployed")


def _backported(rule: GateRule, facts: Facts, by: str) -> GateResult:
    """Judge a live edit that has a branch and a task: say whether this release contains it or takes it back."""
    place = facts.stage.environment
    tasks = [task for task in facts.backports if task.cause is Cause.DRIFT and task.environment == place]
    lacks = [line for task in tasks for line in task.edited.lacks(facts.release.inventory)]
    if lacks:
        words = f"edited live and back-ported by {by}; this release overwrites it, for it does not contain {lacks[0]}"
        return GateResult(rule.gate, GateState.WARNED, words)
    ours = [f for f in facts.drift if f.state is DriftState.BACKPORTED]
    words = "this release contains it" if ours else "it is of a solution that this one depends on"
    return GateResult(rule.gate, GateState.WAIVED, f"edited live and back-ported by {by}: {words}")
