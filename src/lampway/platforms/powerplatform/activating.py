"""Bring the flows of a solution into the state that its package has them in, after everything they need is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lampway.engine.platform import Found, Outcome, Progress
from lampway.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.held import flow_states
from lampway.platforms.powerplatform.situation import Situation, flows_to_turn_off, flows_to_turn_on

_ON, _OFF = {"statecode": 1, "statuscode": 2}, {"statecode": 0, "statuscode": 1}
_NAMED = 5


def intend_flows(client: Client, now: Situation) -> dict[str, Any]:
    """Return which flows shall be on, which of these are off now, and which are on that the package ships off."""
    flows = flows_to_turn_on(now.new) if now.new is not None else {}
    states = flow_states(client)
    ends = [id_ for id_ in flows_to_turn_off(now.new) if states.get(id_)] if now.new is not None else []
    return {
        "flows": list(flows),
        "off_before": sorted(id_ for id_ in flows if not states.get(id_, False)),
        **({"ends": ends} if ends else {}),
    }


def activate(client: Client, intent: Mapping[str, Any]) -> Outcome:
    """Turn flows off and on as intended; what is so already is left alone.

    A flow that the platform does not turn is told with its reason, after all others were tried. Raises
    UnknownOutcomeError where it stopped half way, UnreachableError where nothing was turned.
    """
    states = flow_states(client)
    missing = [id_ for id_ in intent["flows"] if id_ not in states]
    if missing:
        told = f"{len(missing)} flows are not there, or not to be seen: {', '.join(missing[:_NAMED])}"
        return Outcome(Progress.FAILED, {"message": told})
    turned: list[str] = []
    refused: list[str] = []
    for id_, is_on in _wanted(intent):
        if states.get(id_, is_on) is is_on:
            continue
        try:
            client.update("workflows", id_, _ON if is_on else _OFF)
        except (PlatformRefusedError, NotFoundError, AccessError, ConflictError) as error:  # this one; try the others
            refused.append(f"{id_}: {error.message}")
        except UnreachableError as error:
            if not turned:
                raise
            stopped = f"turned {len(turned)} flows, and was stopped: {error.message}"
            raise UnknownOutcomeError(stopped, where=client.where, hint=error.hint) from error
        else:
            turned.append(id_)
    return _told(intent, flow_states(client), turned, refused)


def _wanted(intent: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield flows and whether each shall be on: those that call others go off first, and come on last."""
    yield from ((id_, False) for id_ in intent.get("ends", ()))
    yield from ((id_, True) for id_ in intent["flows"])


def _told(intent: Mapping[str, Any], after: Mapping[str, bool], turned: list[str], refused: list[str]) -> Outcome:
    off = [id_ for id_ in intent["flows"] if not after.get(id_, False)]
    on = [id_ for id_ in intent.get("ends", ()) if after.get(id_, False)]
    if off or on:
        message = f"{len(off)} flows stay off; turn them on there to see why, or mend their connections"
        if not off:
            message = f"{len(on)} flows stay on that the package has turned off; turn them off there to see why"
        done = [id_ for id_ in turned if after.get(id_, False)]
        applied = {"applied": turned} if turned else {}
        return Outcome(Progress.FAILED, {"message": message, "off": off, "on": done, "components": refused, **applied})
    ended = [id_ for id_ in turned if not after.get(id_, False)]
    on_now = [id_ for id_ in turned if after.get(id_, False)]
    return Outcome(Progress.DONE, {"turned_on": on_now, **({"turned_off": ended} if ended else {})})


def look_for_flows(client: Client, intent: Mapping[str, Any]) -> Found:
    """Return whether the flows are as intended, or as they were before, or neither. Some turned counts as before."""
    states = flow_states(client)
    if any(id_ not in states for id_ in intent["flows"]):
        return Found.UNCLEAR
    off = {id_ for id_ in intent["flows"] if not states[id_]}
    on = {id_ for id_ in intent.get("ends", ()) if states.get(id_, False)}
    if not off and not on:
        return Found.REACHED if intent["off_before"] or intent.get("ends") else Found.UNTOUCHED
    return Found.UNTOUCHED if off <= set(intent["off_before"]) else Found.UNCLEAR
