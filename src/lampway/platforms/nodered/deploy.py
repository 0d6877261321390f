"""Deploy: say what will be reached, reach it from exactly there, and tell after a crash whether it was reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from lampway.engine.platform import Found, Outcome, Progress, Wanted
from lampway.errors import ConflictError, PlatformError, UnknownOutcomeError
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.flows import revision
from lampway.platforms.nodered.merge import state_digest
from lampway.platforms.nodered.plan import Situation, missing_types, read_situation

DEPLOYMENT_TYPE = "nodes"
"""Restarts only what changed: requests under way in other solutions are answered (observed with 4.1.15)."""

_LIVE = 10.0  # seconds until a deployment that was accepted must run


def make_intent(api: Api, wanted: Wanted) -> dict[str, Any]:
    """Return the state a deployment leaves from and the one it will reach, as digests without any value."""
    now = read_situation(api, wanted)
    merged = now.merged()
    return {
        "revision_before": now.revision,
        "revision_intended": revision(merged),
        "own_before": state_digest(now.live, now.old, now.new),
        "own_intended": state_digest(merged, now.old, now.new),
        "deployment_type": DEPLOYMENT_TYPE,
    }


def deploy(
    api: Api, wanted: Wanted, intent: Mapping[str, Any], *, pause: Callable[[float], None] = time.sleep
) -> Outcome:
    """Deploy from the state the intent leaves from, or send the secrets again where it is reached already.

    Raises ConflictError when neither is there; nothing was changed then.
    """
    now = read_situation(api, wanted)
    merged = now.merged()
    if now.revision not in {intent["revision_before"], intent["revision_intended"]}:
        hint = "somebody deployed there meanwhile; look at what changed, then try again"
        raise ConflictError("the flows are no longer the ones that were looked at", where=_where(api), hint=hint)
    if revision(merged) != intent["revision_intended"]:
        hint = "plan the deployment again"
        raise ConflictError("what would be deployed is not what was intended", where=_where(api), hint=hint)
    reached = api.deploy(now.body(merged), now.revision, str(intent["deployment_type"]))
    try:
        return _read_back(api, now, reached, intent, pause)
    except UnknownOutcomeError:
        raise
    except PlatformError as error:
        hint = "the deployment was accepted; whether it runs could not be read back"
        raise UnknownOutcomeError(error.message, where=error.where, hint=hint) from error


def _read_back(
    api: Api, now: Situation, reached: str, intent: Mapping[str, Any], pause: Callable[[float], None]
) -> Outcome:
    state = _settled(api, pause)
    live, rev = api.flows()
    detail = {"revision": rev, "accepted": reached, "state": state}
    if state_digest(live, now.old, now.new) != intent["own_intended"]:
        told = "what is there is not what was deployed; somebody changed it at once"
        return Outcome(Progress.FAILED, {**detail, "applied": True, "message": told})
    missing = sorted(missing_types(live, api.node_types()[0]))
    if missing:
        told = f"the flows were saved and do not start; node types are missing: {', '.join(missing)}"
        return Outcome(Progress.FAILED, {**detail, "applied": True, "message": told})
    if state != "start":
        told = f"the flows were saved and do not run: their state is {state}"
        return Outcome(Progress.FAILED, {**detail, "applied": True, "message": told})
    return Outcome(Progress.DONE, detail)


def _settled(api: Api, pause: Callable[[float], None]) -> str:
    """Return the run state once the flows run, or after waiting long enough."""
    end = time.monotonic() + _LIVE
    state = api.state()
    while state != "start" and time.monotonic() < end:
        pause(0.1)
        state = api.state()
    return state


def look_up_deployment(api: Api, wanted: Wanted, intent: Mapping[str, Any]) -> Found:
    """Return which of the intent's two states is there.

    When somebody else deployed meanwhile, what is ours decides. Where both states are the same (the same flows again,
    with new secrets) the answer is UNTOUCHED: whether the secrets arrived cannot be seen, and to send them twice does
    no harm.
    """
    now = read_situation(api, wanted)
    if now.revision == intent["revision_before"]:
        return Found.UNTOUCHED
    if now.revision == intent["revision_intended"]:
        return Found.REACHED
    own = state_digest(now.live, now.old, now.new)
    if intent["own_before"] == intent["own_intended"]:
        return Found.UNTOUCHED if own == intent["own_before"] else Found.UNCLEAR
    return {intent["own_intended"]: Found.REACHED, intent["own_before"]: Found.UNTOUCHED}.get(own, Found.UNCLEAR)


def _where(api: Api) -> str:
    return api.where
