"""Take the steps of a plan: say what each will reach, reach it from exactly there, and tell after a crash where it is.

What cannot be seen from the state alone is seen from the import job: its id is chosen by us and journalled before
anything is sent, so that an import whose answer was lost is found again.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lampway.domain.digest import digest, digest_bytes
from lampway.engine.platform import Found, Outcome, Progress, UnderWay, Wanted
from lampway.errors import (
    ConflictError,
    LampwayError,
    NotFoundError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
)
from lampway.platforms.powerplatform.activating import activate, intend_flows, look_for_flows
from lampway.platforms.powerplatform.backup import back_up, find_backup, poll_backup
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.halfway import Change, make_changes
from lampway.platforms.powerplatform.held import UPGRADE, Edit, find_held
from lampway.platforms.powerplatform.jobs import (
    Job,
    OperationState,
    follow_operation,
    installing,
    job_id,
    read_job,
    seconds_between,
)
from lampway.platforms.powerplatform.plan import (
    ACTIVATE,
    BACK_UP,
    CONFIGURE,
    IMPORT,
    PROMOTE,
    REMOVE,
    RESTORE,
    STEPS,
    TAKE_BACK,
    mode_of,
    other_than_decided,
)
from lampway.platforms.powerplatform.situation import Situation, Way, read_situation
from lampway.platforms.powerplatform.staging import stage
from lampway.platforms.powerplatform.taking_back import intend_taking, look_for_values_taken, take_back
from lampway.platforms.powerplatform.values import (
    binding_changes,
    component_parameters,
    read_connections,
    read_values,
    value_changes,
    wanted_connections,
    wanted_values,
)

Intent = Mapping[str, Any]

_TRIES = 50


def make_intent(client: Client, wanted: Wanted, step: str) -> dict[str, Any]:
    """Return the state a step leaves from and the one it will reach, without any value.

    Raises PlatformRefusedError where a removal would take away what nobody decided about, PlatformError.
    """
    _require_step(step)
    if step == BACK_UP:
        return {"label": f"lampway {wanted.solution} {wanted.version} {uuid.uuid4().hex[:8]}"}
    now = read_situation(client, wanted)
    if step in _INTEND:
        return _INTEND[step](client, now)
    other = other_than_decided(now) if step == REMOVE else None
    if other is not None:
        raise PlatformRefusedError(other.summary, where=client.where, hint=other.hint)
    held = {"solution": now.name, "own_before": now.own, "version_before": now.held.version if now.held else ""}
    if step != IMPORT:
        return {**held, "version_intended": now.leftover.version if now.leftover and step == PROMOTE else ""}
    mode = mode_of(client) if now.way is Way.UPGRADE else "install"
    return {
        **held,
        "version_intended": now.version,
        "package": digest_bytes(now.bytes_for(now.version)),
        "job": str(uuid.uuid4()),
        "mode": mode,
        "overwrites": bool(now.edits),
    }


def take_step(client: Client, wanted: Wanted, step: str, intent: Intent) -> Outcome:
    """Take a step from the state its intent leaves from; what is reached already is not done again.

    Raises ConflictError where neither state is there, PlatformRefusedError, UnknownOutcomeError.
    """
    _require_step(step)
    return _TAKE[step](client, wanted, intent)


def poll_step(client: Client, handle: Mapping[str, Any]) -> Outcome:
    """Return how far a running step has come. Raises NotFoundError for what is no longer known."""
    if handle.get("step") == BACK_UP:
        return poll_backup(client, dict(handle))
    if not handle.get("operation"):
        raise PlatformError(f"nothing of this runs on: {sorted(handle)}", where=client.where)
    state, words, other = follow_operation(client, str(handle["operation"]))
    if state is OperationState.RUNNING:
        return Outcome(Progress.RUNNING, handle, seconds_between(client), waits_for=other)
    told = {key: handle[key] for key in ("operation", "job", "version") if key in handle}
    job = read_job(client, str(handle["job"])) if handle.get("job") else None
    if state is not OperationState.SUCCEEDED:
        _require_not_there(client, handle, words)
    if state is not OperationState.SUCCEEDED or (job is not None and job.has_failed):
        return Outcome(Progress.FAILED, {**told, **_failure(state, words, job), **_left_behind(client, handle)})
    return Outcome(Progress.DONE, {**told, **({"warnings": list(job.warnings)} if job and job.warnings else {})})


def _left_behind(client: Client, handle: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a failed import left there: an upgrade in one step that cannot be ended stays beside the old one."""
    name = f"{handle['brings']}{UPGRADE}" if handle.get("step") == IMPORT and handle.get("brings") else ""
    left = find_held(client, name) if name else None
    if left is None:
        return {}
    return {"applied": [f"{left.name} {left.version} stays there: apply that upgrade, or delete it, in the solutions"]}


def _require_not_there(client: Client, handle: Mapping[str, Any], words: str) -> None:
    """Insist that what failed is not there. Raises UnknownOutcomeError: then what is there tells, not the operation."""
    there = find_held(client, str(handle["brings"])) if handle.get("brings") else None
    if there is not None and there.managed and there.carries(str(handle.get("version") or "")):
        raise UnknownOutcomeError(f"is said to have failed, and is there: {words}", where=client.where)


def _failure(state: OperationState, words: str, job: Job | None) -> dict[str, Any]:
    message = "somebody cancelled it there" if state is OperationState.CANCELLED else words
    parts = list(job.failures) if job is not None else []
    return {"message": message or "the import tells of failures", **({"components": parts} if parts else {})}


def look_up_step(client: Client, wanted: Wanted, step: str, intent: Intent) -> Found | UnderWay:
    """Return which of the intent's two states is there. Changes nothing."""
    _require_step(step)
    return _LOOK[step](client, wanted, intent)


# The import, and what takes its place.


def _import(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    now = read_situation(client, wanted)
    if _is_imported(now, intent):
        return Outcome(Progress.DONE, {"version": intent["version_intended"], "already": True})
    _require_own(client, now, intent)
    package = now.bytes_for(str(intent["version_intended"]))
    if digest_bytes(package) != intent["package"]:
        hint = "plan the deployment again"
        raise ConflictError("what would be imported is not what was intended", where=client.where, hint=hint)
    job = _free_job(client, intent)
    begun = _send(client, now, package, job, intent)
    handle = {
        "step": IMPORT,
        "operation": str(begun.get("AsyncOperationId") or ""),
        "job": str(begun.get("ImportJobKey") or job),
        "version": intent["version_intended"],
        "brings": now.name + (UPGRADE if intent["mode"] == "holding" else ""),
    }
    if not handle["operation"]:
        hint = "look at the solution history there before doing it again"
        raise UnknownOutcomeError("answers the import with no operation", where=client.where, hint=hint)
    return Outcome(Progress.RUNNING, handle, seconds_between(client))


def _send(client: Client, now: Situation, package: bytes, job: str, intent: Intent) -> dict[str, Any]:
    """Ask for the import by the id of the staged package; with the package itself where that is refused."""
    inventory = now.inventory()
    variables = inventory.variables if inventory is not None else ()
    parameters = component_parameters(now.wanted, variables, now.new, read_values(client)) if now.new else []
    mode = intent["mode"]
    name = "StageAndUpgradeAsync" if mode == "one-step" else "ImportSolutionAsync"
    body = {
        "OverwriteUnmanagedCustomizations": bool(intent["overwrites"]),
        "PublishWorkflows": False,
        "ImportJobId": job,
        "ComponentParameters": parameters,
        **({"HoldingSolution": True} if mode == "holding" else {}),
    }
    staged = stage(client, package)
    if staged.upload:
        try:
            return client.action(name, {**body, "SolutionParameters": {"StageSolutionUploadId": staged.upload}})
        except (PlatformRefusedError, ConflictError) as error:
            _require_none_begun(client, job, error)
    try:
        return client.action(name, {**body, "CustomizationFile": base64.b64encode(package).decode()})
    except (PlatformRefusedError, ConflictError) as error:
        _require_none_begun(client, job, error)
        raise


def _require_none_begun(client: Client, job: str, error: LampwayError) -> None:
    """Insist that a no to an import is one. Raises the no where it was begun and failed, else UnknownOutcomeError.

    Our own request of before, whose answer was lost, can arrive after we looked: then what is refused is its twin.
    """
    begun = read_job(client, job)
    if begun is None:
        return
    if begun.has_failed or not (begun.is_complete or isinstance(error, ConflictError)):
        raise error
    raise UnknownOutcomeError(
        f"an import of this id is under way already: {error.message}", where=client.where, hint=error.hint
    ) from error


def _free_job(client: Client, intent: Intent) -> str:
    """Return an id that no import has: that of the intent, unless it was tried before and failed."""
    for number in range(_TRIES):
        id_ = job_id(str(intent["job"]), number)
        if read_job(client, id_) is None:
            return id_
    raise PlatformError("this import was tried too often; ask for it anew", where=client.where)


def _is_imported(now: Situation, intent: Intent) -> bool:
    there = now.leftover if intent["mode"] == "holding" else now.held
    return there is not None and there.managed and there.carries(str(intent["version_intended"]))


def _look_for_import(client: Client, wanted: Wanted, intent: Intent) -> Found | UnderWay:
    if (other := installing(client)) is not None:
        return other
    now = read_situation(client, wanted)
    if _is_imported(now, intent):
        return Found.REACHED
    return Found.UNTOUCHED if now.own == intent["own_before"] else Found.UNCLEAR


def _promote(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    now = read_situation(client, wanted)
    version = str(intent["version_intended"])
    if now.leftover is None and now.held is not None and now.held.carries(version):
        return Outcome(Progress.DONE, {"version": version, "already": True})
    _require_own(client, now, intent)
    try:
        begun = client.action("DeleteAndPromoteAsync", {"UniqueName": now.name})
    except NotFoundError as error:  # what was to be promoted is gone since we looked: perhaps by our own request
        raise UnknownOutcomeError(f"nothing to promote there: {error.message}", where=client.where) from error
    handle = {
        "step": PROMOTE,
        "operation": str(begun.get("AsyncOperationId") or ""),
        "version": version,
        "brings": now.name,
    }
    if not handle["operation"]:
        raise UnknownOutcomeError("answers the upgrade with no operation", where=client.where)
    return Outcome(Progress.RUNNING, handle, seconds_between(client))


def _look_for_promotion(client: Client, wanted: Wanted, intent: Intent) -> Found | UnderWay:
    if (other := installing(client)) is not None:
        return other
    now = read_situation(client, wanted)
    if now.leftover is None and now.held is not None and now.held.carries(str(intent["version_intended"])):
        return Found.REACHED
    return Found.UNTOUCHED if now.leftover is not None and now.own == intent["own_before"] else Found.UNCLEAR


# What is the same release, put right.


def _restore(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    now = read_situation(client, wanted)
    known = {(one, id_): mark for one, id_, mark in intent["edits"]}
    if any(known.get((edit.component, edit.id)) != edit.mark for edit in now.edits):
        hint = "look at what was edited, then try again"
        raise ConflictError("somebody edited it since we looked", where=client.where, hint=hint)
    return make_changes([_removal_of(client, edit) for edit in now.edits], "removed", where=client.where)


def _removal_of(client: Client, edit: Edit) -> Change:
    name, id_ = edit.component, uuid.UUID(edit.id)
    remove = lambda: client.change_by_function(  # noqa: E731
        "RemoveActiveCustomizations", SolutionComponentName=name, ComponentId=id_
    )
    return f"{name} {edit.name}", remove


def _look_for_edits(client: Client, wanted: Wanted, intent: Intent) -> Found:
    now = read_situation(client, wanted)
    known = {(one, id_): mark for one, id_, mark in intent["edits"]}
    if not now.edits:
        return Found.REACHED if known else Found.UNTOUCHED
    are_known = all(known.get((edit.component, edit.id)) == edit.mark for edit in now.edits)
    return Found.UNTOUCHED if are_known else Found.UNCLEAR  # some of them gone: going on from there does no harm


def _given(client: Client, now: Situation) -> tuple[dict[str, str], dict[str, str]]:
    """Return name to a digest of what is given there now, and of what shall be."""
    inventory = now.inventory()
    values, connections = _wanted(now)
    held, bound = read_values(client), read_connections(client)
    types = {one.name: one for one in inventory.variables} if inventory is not None else {}
    before, intended = {}, {}
    for name, text in values.items():
        there = held.get(name.casefold())
        before[name], intended[name] = digest(there.value if there else None), digest(text)
        if there is not None and there.value is not None and name in types and there.value == text:
            before[name] = intended[name]
    for name, connection in connections.items():
        reference = bound.get(name.casefold())
        before[name], intended[name] = digest(reference.connection if reference else None), digest(connection)
    return before, intended


def _wanted(now: Situation) -> tuple[dict[str, str], dict[str, str]]:
    inventory = now.inventory()
    if inventory is None or now.new is None:
        return {}, {}
    return wanted_values(now.wanted, inventory.variables), wanted_connections(now.wanted, now.new)


def _intend_values(client: Client, now: Situation) -> dict[str, Any]:
    before, intended = _given(client, now)
    return {"before": before, "intended": intended}


def _configure(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    now = read_situation(client, wanted)
    before, intended = _given(client, now)
    if intended != intent["intended"]:
        raise ConflictError("what would be given is not what was intended", where=client.where, hint="plan it again")
    if any(before[name] not in {intent["before"].get(name), intended[name]} for name in before):
        hint = "somebody changed a value there; try again"
        raise ConflictError("the values there are no longer those that were looked at", where=client.where, hint=hint)
    inventory = now.inventory()
    values, connections = _wanted(now)
    changes = value_changes(client, values, inventory.variables if inventory is not None else ())
    return make_changes([*changes, *binding_changes(client, connections)], "changed", where=client.where)


def _look_for_values(client: Client, wanted: Wanted, intent: Intent) -> Found:
    before, intended = _given(client, read_situation(client, wanted))
    if intended != intent["intended"]:
        return Found.UNCLEAR
    if before == intended:
        return Found.REACHED if intent["before"] != intended else Found.UNTOUCHED
    moved = [name for name in before if before[name] not in {intent["before"].get(name), intended[name]}]
    return Found.UNCLEAR if moved else Found.UNTOUCHED


def _activate(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    del wanted
    return activate(client, intent)


def _look_for_flows(client: Client, wanted: Wanted, intent: Intent) -> Found:
    del wanted
    return look_for_flows(client, intent)


# Away with it.


def _remove(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    del wanted
    held = find_held(client, str(intent["solution"]))
    if held is None:
        return Outcome(Progress.DONE, {"already": True})
    if not held.managed:
        hint = "delete its components there by hand, then the solution"
        raise PlatformRefusedError(f"{held.name} is unmanaged there", where=client.where, hint=hint)
    if not held.carries(str(intent["version_before"])):
        hint = "look at what was installed there meanwhile, and plan it again"
        told = f"{held.name} {held.version} is there, and {intent['version_before'] or 'nothing'} was looked at"
        raise ConflictError(told, where=client.where, hint=hint)
    try:
        begun = client.action("UninstallSolutionAsync", {"SolutionUniqueName": held.name})
    except (NotFoundError, PlatformRefusedError):  # not everywhere; what is needed by others is refused here as well
        begun = {}
    if begun.get("AsyncOperationId"):
        handle = {"step": REMOVE, "operation": str(begun["AsyncOperationId"]), "version": held.version}
        return Outcome(Progress.RUNNING, handle, seconds_between(client))
    try:
        client.delete("solutions", held.id)
    except NotFoundError:
        return Outcome(Progress.DONE, {"already": True})
    return Outcome(Progress.DONE, {"version": held.version})


def _look_for_removal(client: Client, wanted: Wanted, intent: Intent) -> Found | UnderWay:
    del wanted
    if (other := installing(client)) is not None:
        return other
    held = find_held(client, str(intent["solution"]))
    if held is None:
        return Found.REACHED if intent["own_before"] else Found.UNTOUCHED
    return Found.UNTOUCHED if held.version == intent["version_before"] else Found.UNCLEAR


def _back_up(client: Client, wanted: Wanted, intent: Intent) -> Outcome:
    del wanted
    return back_up(client, str(intent["label"]))


def _look_for_backup(client: Client, wanted: Wanted, intent: Intent) -> Found:
    del wanted
    return Found.REACHED if find_backup(client, str(intent["label"])) else Found.UNTOUCHED


def _require_own(client: Client, now: Situation, intent: Intent) -> None:
    """Insist on the state that the intent leaves from. Raises ConflictError."""
    if now.own != intent["own_before"]:
        hint = "somebody edited or installed something there meanwhile; look at what changed, then try again"
        raise ConflictError("what is there is no longer what was looked at", where=client.where, hint=hint)


def _require_step(step: str) -> None:
    if step not in STEPS:
        raise PlatformError(f"no such step in a plan for Power Platform: {step}")


_INTEND: Mapping[str, Callable[[Client, Situation], dict[str, Any]]] = {
    RESTORE: lambda _client, now: {"edits": [[e.component, e.id, e.mark] for e in now.edits], "own_before": now.own},
    CONFIGURE: _intend_values,
    TAKE_BACK: intend_taking,
    ACTIVATE: intend_flows,
}
"""For steps that are about the same release only; the others also say which version they leave from and reach."""

_TAKE: Mapping[str, Callable[[Client, Wanted, Intent], Outcome]] = {
    BACK_UP: _back_up,
    RESTORE: _restore,
    IMPORT: _import,
    PROMOTE: _promote,
    CONFIGURE: _configure,
    TAKE_BACK: lambda client, wanted, intent: take_back(client, read_situation(client, wanted), intent),
    ACTIVATE: _activate,
    REMOVE: _remove,
}
_LOOK: Mapping[str, Callable[[Client, Wanted, Intent], Found | UnderWay]] = {
    BACK_UP: _look_for_backup,
    RESTORE: _look_for_edits,
    IMPORT: _look_for_import,
    PROMOTE: _look_for_promotion,
    CONFIGURE: _look_for_values,
    TAKE_BACK: lambda client, wanted, intent: look_for_values_taken(client, read_situation(client, wanted), intent),
    ACTIVATE: _look_for_flows,
    REMOVE: _look_for_removal,
}
