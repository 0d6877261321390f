"""Solution packages that come into an environment: what keeps them out, what they change, what is written about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lampway.testing.dataverse import words
from lampway.testing.dataverse.flows import turn_all_on, wants_on
from lampway.testing.dataverse.kinds import KINDS, layer_name
from lampway.testing.dataverse.layering import drop_layer, note_lost_columns, put_layer, with_columns_kept
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Need, Package, Part, read_package, version_key
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.state import ACTIVE, Component, ImportJob, Solution, moment, stable_id

UPGRADE = "_Upgrade"


@dataclass(slots=True)
class Wish:
    """What somebody asks of an import."""

    package: Package
    upgrade: bool = False
    """Whether components that are absent now go."""
    holding: bool = False
    overwrite: bool = False
    publish: bool = True
    parameters: Sequence[Mapping[str, Any]] = ()
    by: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of an import."""

    warnings: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, name and words."""


def read_wish(organisation: Organisation, given: Mapping[str, Any], *, by: str, upgrade: bool) -> Wish:
    """Return what a request asks for. Raises RefusedError."""
    import base64

    staged = (given.get("SolutionParameters") or {}).get("StageSolutionUploadId")
    if staged:
        data = organisation.state.uploads.get(str(staged).lower())
        if data is None:
            raise RefusedError(404, "0x80040217", f"stagesolutionupload With Id = {staged} Does Not Exist")
    elif given.get("CustomizationFile"):
        try:
            data = base64.b64decode(str(given["CustomizationFile"]), validate=True)
        except ValueError as error:
            raise RefusedError(400, "0x80048d19", "CustomizationFile is not base64.") from error
    else:
        raise RefusedError(400, "0x80040203", "Required field 'CustomizationFile' is missing")
    return Wish(
        package=read_package(data),
        upgrade=upgrade,
        holding=bool(given.get("HoldingSolution")),
        overwrite=bool(given.get("OverwriteUnmanagedCustomizations")),
        publish=bool(given.get("PublishWorkflows", False)),
        parameters=list(given.get("ComponentParameters") or ()),
        by=by,
    )


def missing_needs(organisation: Organisation, package: Package) -> list[Need]:
    """Return what a package needs and neither brings nor finds."""
    state = organisation.state
    keys = {part.key for part in package.parts.values()}
    found = []
    for need in package.needs:
        holder = state.solution(need.solution.partition(" (")[0]) if need.solution != ACTIVE else None
        present = any(need.key in {one.key, one.id} for one in state.components.values())
        if not (present or holder or need.key in keys):
            found.append(need)
    return found


def refusal_of(organisation: Organisation, wish: Wish) -> tuple[int, str] | None:
    """Return why a package may not come in, as code and words; None where it may."""
    package = wish.package
    refusal = _refused_over(organisation, wish)
    if refusal:
        return refusal
    needs = missing_needs(organisation, package)
    if needs:
        listed = "".join(need.xml for need in needs)
        return words.MISSING_DEPENDENCIES, words.missing_dependencies(package.unique_name, listed)
    return _blocked_part(organisation, package) or _unknown_connection(organisation, wish)


def _refused_over(organisation: Organisation, wish: Wish) -> tuple[int, str] | None:
    """Return why a package may not come over what is installed."""
    state, package = organisation.state, wish.package
    there = state.solution(package.unique_name)
    if organisation.locked and not package.managed:
        return words.LOCKED, words.LOCKED_TEXT
    if state.solution(package.unique_name + UPGRADE) is not None:
        update = not (wish.upgrade or wish.holding)
        return words.HOLDING_EXISTS, words.holding_exists(package.unique_name, update=update)
    if there is None:
        return (words.IMPORT_FAILED, words.no_base(package.unique_name)) if wish.holding else None
    if there.managed != package.managed:
        over = words.UNMANAGED_OVER_MANAGED if there.managed else words.MANAGED_OVER_UNMANAGED
        return over, words.modes_differ(managed=there.managed)
    is_higher = version_key(package.version) > version_key(there.version)
    return None if is_higher or not package.managed else (words.IMPORT_FAILED, words.not_higher())


def _blocked_part(organisation: Organisation, package: Package) -> tuple[int, str] | None:
    if not package.managed:
        return None
    for part in package.parts.values():
        component = organisation.state.components.get(part.ref)
        if component is None or component.managed or part.kind not in KINDS or part.kind == "environmentvariablevalue":
            continue
        return words.IMPORT_FAILED, words.unmanaged_base(layer_name(part.kind), part.name, component.id)
    return None


def _unknown_connection(organisation: Organisation, wish: Wish) -> tuple[int, str] | None:
    known = {str(one["name"]).lower() for one in organisation.state.extras.get("connections", ())}
    for one in wish.parameters:
        connection = str(one.get("connectionid") or "")
        if connection and connection.lower() not in known:
            return words.FLOW_ERROR, words.connection_unknown(wish.by, connection, str(one.get("connectorid", "")))
    return None


def import_package(organisation: Organisation, wish: Wish) -> Outcome:
    """Bring a package in. Nothing is changed where it is refused. Raises RefusedError."""
    refusal = refusal_of(organisation, wish)
    if refusal:
        raise RefusedError(400, words.code(refusal[0]), refusal[1])
    outcome = Outcome()
    package, name = wish.package, wish.package.unique_name
    before = organisation.state.solution(name)
    new = [ref for ref in package.parts if ref not in organisation.state.components]
    solution = _record(organisation, wish, name + UPGRADE if wish.holding else name)
    for part in package.parts.values():
        _bring(organisation, part, solution, wish)
    members = list(package.parts)
    if before is not None and wish.upgrade:
        for ref in [one for one in before.members if one not in package.parts]:
            drop_layer(organisation, ref, name)
    elif before is not None and not wish.holding:
        members += [ref for ref in before.members if ref not in package.parts]
    solution.members = [ref for ref in members if ref in organisation.state.components]
    _set_parameters(organisation, wish)
    if not wish.holding:
        settle_flows(organisation, new, outcome, wish)
    return outcome


def _record(organisation: Organisation, wish: Wish, name: str) -> Solution:
    state, package, now = organisation.state, wish.package, organisation.now()
    there = state.solution(name)
    publisher = package.publisher
    publisher.id = stable_id(state.id, "publisher", publisher.unique_name)
    solution = Solution(
        id=there.id if there else stable_id(state.id, "solution", name, str(state.next_number())),
        unique_name=name,
        friendly_name=package.friendly_name or name,
        description=package.description,
        version=package.version,
        managed=package.managed,
        publisher=publisher,
        installed=there.installed if there else now,
        modified=now,
        members=list(there.members) if there else [],
        manifest=package.manifest,
        skeleton=package.skeleton,
        package_version=package.package_version,
        number=state.next_number(),
        by=wish.by,
    )
    state.solutions[name.lower()] = solution
    return solution


def _bring(organisation: Organisation, part: Part, solution: Solution, wish: Wish) -> None:
    layer = solution.unique_name if solution.managed else ACTIVE
    there = organisation.state.components.get(part.ref)
    before = there.part if there is not None and part.kind == "entity" else None
    if before is not None and not (wish.upgrade or wish.holding):
        part = with_columns_kept(part, before)
    component = put_layer(organisation, part, layer, wish.by)
    if solution.managed and wish.overwrite and component.edited and part.kind != "environmentvariablevalue":
        component.layers = [one for one in component.layers if one.solution != ACTIVE]
    if before is not None:
        note_lost_columns(organisation, component, before)


def _set_parameters(organisation: Organisation, wish: Wish) -> None:
    for one in wish.parameters:
        kind = str(one.get("@odata.type", "")).rpartition(".")[2].lower()
        if kind == "environmentvariablevalue":
            schema = str(one.get("schemaname", ""))
            set_value(
                organisation, schema, one.get("value"), wish.by, id_=str(one.get("environmentvariablevalueid", ""))
            )
        elif kind == "connectionreference":
            name = str(one.get("connectionreferencelogicalname", "")).lower()
            component = organisation.state.components.get(f"connectionreference:{name}")
            if component is not None and one.get("connectionid"):
                component.live["connectionid"] = one["connectionid"]


def set_value(organisation: Organisation, schema: str, value: Any, by: str, *, id_: str = "") -> Component | None:
    """Give an environment variable a value here. None where there is no such variable."""
    definition = organisation.state.components.get(f"environmentvariabledefinition:{schema.lower()}")
    if definition is None:
        return None
    ref = f"environmentvariablevalue:{schema.lower()}"
    there = organisation.state.components.get(ref)
    id_ = there.id if there else id_.strip("{}").lower() or stable_id(organisation.state.id, ref)
    held = {"@environmentvariablevalueid": id_, "iscustomizable": "1", "value": value}
    content = json.dumps({"environmentvariablevalues": {"environmentvariablevalue": held}}, indent=2).encode()
    name = definition.part.name
    file = f"environmentvariabledefinitions/{name}/environmentvariablevalues.json"
    part = Part("environmentvariablevalue", schema.lower(), name, id=id_, files={file: content})
    return put_layer(organisation, part, ACTIVE, by)


def settle_flows(organisation: Organisation, new: Sequence[str], outcome: Outcome, wish: Wish) -> None:
    """Let flows that are new be as they were exported, where that is possible; the state of others is not affected."""
    found = (organisation.state.components.get(ref) for ref in new)
    waiting = [one for one in found if one is not None and one.kind == "workflow" and wants_on(one)]
    if not wish.package.managed:
        for component in waiting:  # it was built here, as it were
            component.live["statecode"] = 1
    elif wish.publish:
        problems = turn_all_on(organisation, waiting, wish.by)
        outcome.warnings += [("Workflow", one.part.name, text) for one, text in problems]


def job_data(organisation: Organisation, package: Package, job: ImportJob, outcome: Outcome | None, error: str) -> str:
    """Return the XML that an import job keeps about what it did."""
    warned = {(kind, name): text for kind, name, text in outcome.warnings} if outcome else {}
    result = "failure" if error else "success"
    rows = []
    for part in package.parts.values():
        kind = layer_name(part.kind)
        text = warned.get((kind, part.name), "")
        state = "warning" if text else result if not error else "failure"
        code = "0x80060467" if text else "0x80048060" if error else "0"
        rows.append(
            f"<{_tag(kind)} id={quoteattr(part.id or part.key)} name={quoteattr(part.name)} "
            f'processed="true"><result result="{state}" errorcode="{code}" errortext={quoteattr(text)} '
            f'datetime="{organisation.now():%H:%M:%S.00}" datetimeticks="0" /></{_tag(kind)}>'
        )
    overall = f'<result result="{result}" errorcode="{"0x80048060" if error else "0"}" errortext={quoteattr(error)} />'
    return (
        f'<importexportxml start="{job.started.timestamp():.3f}" stop="{organisation.now().timestamp():.3f}" '
        f'progress="{100 if not error else 50}" processed="true">'
        f'<solutionManifests><solutionManifest languagecode="1033" id="{escape(package.unique_name)}" '
        f'LocalizedName={quoteattr(package.friendly_name)} processed="true">'
        f"<UniqueName>{escape(package.unique_name)}</UniqueName><Version>{escape(package.version)}</Version>"
        f"<Managed>{int(package.managed)}</Managed>{overall}</solutionManifest></solutionManifests>"
        f"<components>{''.join(rows)}</components></importexportxml>"
    )


def _tag(kind: str) -> str:
    return "".join(char for char in kind if char.isalnum()) or "component"


def history_row(organisation: Organisation, solution: Solution, what: int, error: str, by: str) -> dict[str, Any]:
    """Return who did what with a solution and when; 0 is an import, 1 an uninstall, 2 an export."""
    now = organisation.now()
    return {
        "msdyn_solutionhistoryid": organisation.ids(),
        "msdyn_name": solution.unique_name,
        "msdyn_uniquename": solution.unique_name,
        "msdyn_solutionid": solution.id,
        "msdyn_solutionversion": solution.version,
        "msdyn_ismanaged": solution.managed,
        "msdyn_operation": what,
        "msdyn_suboperation": 1,
        "msdyn_status": 1,
        "msdyn_result": not error,
        "msdyn_errorcode": 0 if not error else words.IMPORT_FAILED - 2**32,
        "msdyn_exceptionmessage": error or None,
        "msdyn_starttime": moment(now),
        "msdyn_endtime": moment(now),
        "msdyn_publishername": solution.publisher.unique_name,
        "_createdby_value": by,
    }
