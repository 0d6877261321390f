"""Take the steps of a deployment: say what will be reached, reach it, and tell after a crash whether it was reached.

n8n changes one workflow at a time and takes no precondition. So a step looks right before it changes anything, and what
it had done is undone when n8n refuses the rest of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lampway.engine.platform import Found, Outcome, Progress, Wanted
from lampway.errors import (
    AccessError,
    ConflictError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.going_live import wait_until_live, wait_until_quiet
from lampway.platforms.n8n.plan import SAVE, STEPS
from lampway.platforms.n8n.situation import Situation, read_situation
from lampway.platforms.n8n.wire import body_of, called_first, is_same_draft, pack_for_import
from lampway.platforms.n8n.workflows import Workflow, keep, name_of

Pause = Callable[[float], None]

_NO = (ConflictError, PlatformRefusedError, AccessError, UnreachableError)
"""What says that the change just asked for was not made."""
_PATIENCE = 150.0  # seconds; n8n lets go of a trigger that cannot connect after ten, of what it died over after 120


def make_intent(api: Api, wanted: Wanted, step: str) -> dict[str, Any]:
    """Return the state a step leaves from and the one it will reach, as digests without any value."""
    now = read_situation(api, _checked(wanted, step))
    before, intended = _states(now, step)
    return {"before": before, "intended": intended}


def _checked(wanted: Wanted, step: str) -> Wanted:
    if step not in STEPS:
        raise PlatformError(f"no such step in a plan for n8n: {step}")
    return wanted


def _states(now: Situation, step: str) -> tuple[str, str]:
    if step == SAVE:
        return now.drafts(), now.wanted_drafts()
    return now.running(), now.wanted_running()


def look_up_step(api: Api, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found:
    """Return which of the intent's two states is there; neither where a step of several changes was cut off."""
    before, _ = _states(read_situation(api, _checked(wanted, step)), step)
    if before == intent["intended"]:
        return Found.REACHED
    return Found.UNTOUCHED if before == intent["before"] else Found.UNCLEAR


def take_step(api: Api, wanted: Wanted, step: str, intent: Mapping[str, Any], *, pause: Pause = time.sleep) -> Outcome:
    """Take a step from the state the intent leaves from; what is reached already is left as it is.

    Raises ConflictError when neither state is there (nothing was changed), PlatformRefusedError, AccessError and
    UnreachableError when nothing was changed in the end, else UnknownOutcomeError.
    """
    now = read_situation(api, _checked(wanted, step))
    here, shall = _states(now, step)
    if here not in {intent["before"], intent["intended"]}:
        hint = "somebody saved or published there meanwhile; look at what changed, then try again"
        raise ConflictError("the workflows are no longer those that were looked at", where=api.where, hint=hint)
    if shall != intent["intended"]:
        raise ConflictError(
            "what would be deployed is not what was intended", where=api.where, hint="plan the deployment again"
        )
    done = _save(api, now) if step == SAVE else _publish(api, now, pause)
    return done if isinstance(done, Outcome) else _read_back(api, wanted, step, intent, done, pause=pause)


@dataclass(slots=True)
class _Done:
    """What a step changed so far, with what takes each change back."""

    told: list[str] = field(default_factory=list)
    back: list[Callable[[], None]] = field(default_factory=list)
    published: dict[str, str] = field(default_factory=dict)
    """Workflow to the version that was published."""
    ended: list[Workflow] = field(default_factory=list)
    """Workflows as they ran, whose webhooks nobody shall answer any more."""

    def did(self, what: str, back: Callable[[], None]) -> None:
        """Remember a change, and how it is taken back."""
        self.told.append(what)
        self.back.append(back)


def _refused(done: _Done, error: PlatformError) -> Outcome:
    """Take back what was done, and raise why; where that fails, tell what was applied."""
    kept = []
    for what, back in reversed(list(zip(done.told, done.back, strict=True))):
        try:
            back()
        except UnknownOutcomeError:
            raise
        except UnreachableError as gone:
            message = f"{error.message}; what was done before could not be taken back: {what}"
            raise UnknownOutcomeError(message, where=gone.where, hint=gone.hint) from error
        except PlatformError:
            kept.append(what)
    if not kept:
        raise error
    message = f"{error.message}; what had been done before could not all be taken back"
    return Outcome(Progress.FAILED, {"applied": kept[::-1], "message": message})


def _save(api: Api, now: Situation) -> _Done | Outcome:
    """Let every draft be as it shall: those that are not there are created under their ids, all at once."""
    done, bodies = _Done(), now.bodies()
    created = [body for id_, body in bodies.items() if id_ not in now.live]
    live = dict(now.live)
    try:
        if created:
            _bring(api, created, done)
            live = {workflow["id"]: workflow for workflow in api.workflows()}
        for id_, body in bodies.items():
            held = live.get(id_)
            if held is not None and not is_same_draft(body, held):
                api.save(body)
                done.did(f"draft of *{body['name']}* saved", partial(_save_again, api, now.live.get(id_), body))
    except _NO as error:
        return _refused(done, error)
    return done


def _bring(api: Api, created: Sequence[Workflow], done: _Done) -> None:
    """Create workflows, and remember them even where n8n refuses: it may create some, and then refuse another one."""
    is_asked = True
    try:
        api.bring(pack_for_import(created))
    except UnreachableError:
        is_asked = False
        raise
    finally:
        for body in created if is_asked else ():
            done.did(f"*{body['name']}* created", partial(_take_away, api, body["id"]))


def _take_away(api: Api, id_: str) -> None:
    if any(workflow["id"] == id_ for workflow in api.workflows()):
        api.delete(id_)


def _save_again(api: Api, old: Workflow | None, new: Workflow) -> None:
    if old is not None:
        api.save(body_of(keep(old), new))


def _publish(api: Api, now: Situation, pause: Pause) -> _Done | Outcome:
    """Let run what shall run, those that others call first; then take away what shall not be there."""
    done, bodies = _Done(), now.bodies()
    ordered = [workflow["id"] for workflow in called_first(list(now.packaged.values()))]
    going = [w["id"] for w in reversed(called_first([now.recorded[id_] for id_ in now.leaving]))]
    starting = [id_ for id_ in ordered if now.packaged[id_]["active"] and now.runs(id_) != now.run_of(id_, bodies)]
    ending = [id_ for id_ in (*reversed(ordered), *going) if now.runs(id_) and not now.run_of(id_, bodies)]
    if starting and now.drafts() != now.wanted_drafts():
        hint = "somebody saved there meanwhile; look at what changed, then try again"
        raise ConflictError("the drafts are not those that were saved", where=api.where, hint=hint)
    try:
        for id_ in starting:
            live = now.live[id_]
            api.publish(id_, str(live["versionId"]))
            done.published[id_] = str(live["versionId"])
            done.did(f"*{name_of(live)}* published", partial(_run_again, api, live))
        for id_ in ending:
            live = now.live[id_]
            api.unpublish(id_)
            done.ended.append(live)
            done.did(f"*{name_of(live)}* unpublished", partial(_run_again, api, live))
    except _NO as error:
        return _refused(done, error)
    for id_ in going:
        _delete(api, id_, pause)
        done.told.append(f"*{name_of(now.live[id_])}* deleted")
    return done


def _run_again(api: Api, live: Workflow) -> None:
    """Let that version run again that ran before, or none."""
    if live.get("active") and live.get("activeVersionId"):
        api.publish(live["id"], str(live["activeVersionId"]))
    else:
        api.unpublish(live["id"])


def _delete(api: Api, id_: str, pause: Pause) -> None:
    """Delete a workflow that was unpublished; n8n may still refuse that for a moment."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            api.delete(id_)
        except ConflictError as error:
            if all(workflow["id"] != id_ for workflow in api.workflows()):
                return
            if time.monotonic() > end:
                message = f"it was unpublished and cannot be deleted: {error.message}"
                raise UnknownOutcomeError(message, where=api.where) from error
            pause(0.2)
        except (PlatformRefusedError, AccessError, UnreachableError) as error:
            message = f"it was unpublished and cannot be deleted: {error.message}"
            raise UnknownOutcomeError(message, where=api.where, hint=error.hint) from error
        else:
            return


def _read_back(api: Api, wanted: Wanted, step: str, intent: Mapping[str, Any], done: _Done, *, pause: Pause) -> Outcome:
    """Wait until a change is so, and read it back. A reading that fails says nothing about the change."""
    detail: dict[str, Any] = {"changes": done.told}
    try:
        now = read_situation(api, wanted)
        faults = wait_until_live(api, now.live, done.published, pause) + wait_until_quiet(api, done.ended, pause)
    except UnknownOutcomeError:
        raise
    except PlatformError as error:
        hint = "the change was accepted; whether it came about could not be read back"
        raise UnknownOutcomeError(error.message, where=error.where, hint=hint) from error
    if _states(now, step)[0] != intent["intended"]:
        faults.insert(0, "what is there is not what was deployed; somebody changed it at once")
    if faults:
        return Outcome(Progress.FAILED, {**detail, "applied": True, "message": "; ".join(faults)})
    return Outcome(Progress.DONE, detail)
