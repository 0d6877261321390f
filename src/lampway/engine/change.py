"""A change: one step of the platform, taken exactly once whatever happens to us and to its answers.

It is journalled before it is asked for. Where it was under way when a process died, or got no usable answer, we look:
the state it was to reach is there (done; what may be sent again is), it runs on (we wait), the state it left from is
there (it is taken now, if the platform would refuse to take it twice), or none of these, and then a person must say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lampway.domain.capability import Ability, Support
from lampway.domain.deployment import Deployment, Step, StepState
from lampway.engine.patience import UNNAMED, go_on_waiting
from lampway.engine.platform import Found, Outcome, Progress, UnderWay
from lampway.engine.steps import DisagreementError, Run, pre_flight
from lampway.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    PlatformRefusedError,
    RefusedError,
    UnknownOutcomeError,
    UnreachableError,
)

_ATTEMPTS = 5
"""How often a step is taken anew when somebody else changed the platform in between, and how often we look again."""

_NOTHING_CHANGED = (ConflictError, UnreachableError, AccessError, PlatformRefusedError)
"""What `perform` raises only where it changed nothing; the port says so and the contract suite proves it."""


def take_change(run: Run, name: str) -> None:
    """Bring one step of the platform to its end and journal it. Raises LampwayError."""
    entry = run.deployment.step(name)
    if entry is not None and entry.state is StepState.STARTED and (found := _recovered(run, name, entry)):
        _done(run, name, {**dict(found.detail), "recovered": True})
        return
    for attempt in range(1, _ATTEMPTS + 1):
        intent = run.platform.intend(run.access, run.wanted, name)
        run.journal.begin(name, intent, attempt)
        try:
            outcome = _performed(run, name, intent)
        except _NOTHING_CHANGED as error:
            if isinstance(error, PlatformRefusedError):
                _require_unchanged(run, name, intent)
            _failed(run, name, {"error": error.code})
            if not isinstance(error, ConflictError) or attempt == _ATTEMPTS:
                raise
            if not _has_begun(run.deployment):
                pre_flight(run)  # whoever was faster may have edited or replaced this very solution
            continue
        _done(run, name, outcome.detail)
        return


def _recovered(run: Run, name: str, entry: Step) -> Outcome | None:
    """Return the outcome of a step that was under way when a process died; None where it may be taken now."""
    if entry.handle:
        try:
            return _accepted(run, name, _wait_for(run, name, Outcome(Progress.RUNNING, entry.handle), known=True))
        except ConflictError:
            return None
        except UnknownOutcomeError:
            pass  # the handle is no longer known there
    match _look(run, name, entry.intent):
        case Found.REACHED:
            return _send_again(run, name, entry.intent)
        case Found.UNTOUCHED if _has_precondition(run):
            return None
        case _:
            raise _unclear(run, name)


def _performed(run: Run, name: str, intent: Mapping[str, Any]) -> Outcome:
    run.journal.require_ours()
    try:
        outcome = _wait_for(run, name, run.platform.perform(run.access, run.wanted, name, intent))
    except UnknownOutcomeError:
        outcome = _resolve_unknown(run, name, intent)
    return _accepted(run, name, outcome)


def _accepted(run: Run, name: str, outcome: Outcome) -> Outcome:
    """Return the outcome of a change that was made. Raises RefusedError where the platform said no half way."""
    if outcome.progress is Progress.FAILED:
        _failed(run, name, outcome.detail)
        told = "; ".join(f"{k}: {v}" for k, v in outcome.detail.items())
        raise RefusedError(f"the platform says no to step {name}: {told}")
    return outcome


def _require_unchanged(run: Run, name: str, intent: Mapping[str, Any]) -> None:
    """Insist that a no is a no. Raises DisagreementError where what was refused is there all the same.

    Raises UnreachableError, AccessError when nobody answers: then it is looked at again later.
    """
    if _look(run, name, intent) is not Found.UNTOUCHED:
        place = run.deployment.environment
        raise DisagreementError(
            f"{place} said no to step {name}, and what is there is not what was there before",
            hint=f"look there, then: lampway reconcile {run.deployment.solution} --in {place}",
        )


def _wait_for(run: Run, name: str, outcome: Outcome, *, known: bool = False) -> Outcome:
    """Poll until a change has come to its end. That nobody answers for a while says nothing about it.

    Its handle is journalled first, unless it is known. Raises UnreachableError when nobody answers for long: then
    it is polled for again later; DisagreementError where something else there keeps it from beginning for too long.
    """
    unanswered = 0
    while outcome.progress is Progress.RUNNING:
        if not known:
            run.journal.runs_on(name, outcome.detail)
        known = True
        if outcome.waits_for is not None:
            go_on_waiting(run, name, outcome.waits_for)
        run.engine.pause(outcome.retry_after)
        run.journal.require_ours()
        try:
            told = run.platform.poll(run.access, outcome.detail)
        except NotFoundError as error:
            raise UnknownOutcomeError(f"the change is no longer known: {error.message}", where=error.where) from error
        except (UnreachableError, AccessError):
            unanswered += 1
            if unanswered == _ATTEMPTS:
                raise
            continue
        unanswered = 0
        is_free = outcome.waits_for is not None and told.waits_for is None
        known = told.detail == outcome.detail and not is_free  # that it waits no more is journalled like a new handle
        outcome = told
    return outcome


def _look(run: Run, name: str, intent: Mapping[str, Any]) -> Found:
    """Look what is there, again and again while something is under way there that must come to its end first.

    Raises UnreachableError, AccessError; DisagreementError where it does not come to its end.
    """
    waited = 0.5
    while True:
        found = run.platform.look_up(run.access, run.wanted, name, intent)
        if isinstance(found, Found) and found is not Found.RUNNING:
            return found
        go_on_waiting(run, name, found if isinstance(found, UnderWay) else UNNAMED)
        run.engine.pause(waited)
        run.journal.require_ours()
        waited = min(waited * 2, 30.0)


def _resolve_unknown(run: Run, name: str, intent: Mapping[str, Any]) -> Outcome:
    """Find out by looking what a change without an answer did. Never guesses."""
    for attempt in range(_ATTEMPTS):
        run.engine.pause(0.5 * (attempt + 1))
        try:
            found = _look(run, name, intent)
            if found is Found.REACHED:
                return _send_again(run, name, intent)
            if found is Found.UNTOUCHED and _has_precondition(run):
                run.journal.require_ours()
                return _wait_for(run, name, run.platform.perform(run.access, run.wanted, name, intent))
        except (UnreachableError, AccessError, UnknownOutcomeError):
            continue  # look again
        break
    raise _unclear(run, name)


def _send_again(run: Run, name: str, intent: Mapping[str, Any]) -> Outcome:
    """Perform from the state that is reached already: that sends only what bears repeating, such as secrets."""
    if not _has_precondition(run):
        return Outcome(Progress.DONE, {"again": False})  # it would make the whole change a second time
    run.journal.require_ours()
    send: Callable[[Mapping[str, Any]], Outcome] = lambda given: _wait_for(  # noqa: E731
        run, name, run.platform.perform(run.access, run.wanted, name, given)
    )
    try:
        try:
            return send(intent)
        except ConflictError:  # ours is there, and something of others was edited since
            fresh = run.platform.intend(run.access, run.wanted, name)
            run.journal.require_ours()
            return send(fresh)
    except (ConflictError, PlatformRefusedError) as error:
        raise _unclear(run, name) from error


def _has_begun(deployment: Deployment) -> bool:
    """Return whether a step of the platform was completed: then what differs there is our own work."""
    return any(p.by_platform and deployment.is_done(p.name) for p in deployment.plan)


def _has_precondition(run: Run) -> bool:
    return any(c.name is Ability.PRECONDITION and c.support is Support.FULL for c in run.platform.capabilities())


def _unclear(run: Run, name: str) -> DisagreementError:
    return DisagreementError(
        f"it cannot be told whether step {name} happened in {run.deployment.environment}",
        hint=f"look there, then: lampway reconcile {run.deployment.solution} --in {run.deployment.environment}",
    )


def _done(run: Run, name: str, detail: Mapping[str, Any]) -> None:
    run.journal.end(name, StepState.DONE, detail)


def _failed(run: Run, name: str, detail: Mapping[str, Any]) -> None:
    run.journal.end(name, StepState.FAILED, detail)
    run.journal.flush()
