"""Functions and actions of the Web API, by name."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from lampway.testing.dataverse import operations
from lampway.testing.dataverse.exporting import export_solution
from lampway.testing.dataverse.importing import read_wish
from lampway.testing.dataverse.kinds import kind_of_type
from lampway.testing.dataverse.layers import remove_active
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import read_package
from lampway.testing.dataverse.refusals import RefusedError, bad_request, not_found
from lampway.testing.dataverse.removing import (
    blocking_uninstall,
    dependency_row,
    promote,
    solution_named,
    users_of,
)
from lampway.testing.dataverse.staging import stage
from lampway.testing.dataverse.state import Component, ImportJob, pairs, stable_id

Given = Mapping[str, Any]
Call = Callable[[Organisation, Given, str], dict[str, Any] | None]


def needed(given: Given, name: str) -> Any:
    """Return a parameter that must be given. Raises RefusedError."""
    for key, value in given.items():
        if key.lower() == name.lower() and value not in (None, ""):
            return value
    raise bad_request(f"Required field '{name}' is missing", "0x80040203")


def _who_am_i(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del given
    return {
        "BusinessUnitId": stable_id(organisation.state.id, "businessunit"),
        "UserId": by,
        "OrganizationId": organisation.state.id,
    }


def _version(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del organisation, given, by
    return {"Version": "9.2.25104.00178"}


def _guards_uninstall(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    solution = solution_named(organisation, str(needed(given, "SolutionUniqueName")))
    found = blocking_uninstall(organisation, solution)
    return {"value": [dependency_row(organisation, component, user) for component, user in found]}


def _component(organisation: Organisation, given: Given) -> Component:
    kind = kind_of_type(int(needed(given, "ComponentType")), organisation.type_offset)
    id_ = str(needed(given, "ObjectId")).strip("{}").lower()
    found = organisation.state.by_id(kind, id_)
    if found is None:
        raise not_found(kind or "solutioncomponent", id_)
    return found


def _guards_delete(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    component = _component(organisation, given)
    return {"value": [dependency_row(organisation, component, one) for one in users_of(organisation, component)]}


def _required(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    component = _component(organisation, given)
    found = [
        dependency_row(organisation, other, component)
        for other in organisation.state.components.values()
        if component in users_of(organisation, other)
    ]
    return {"value": found}


def _import_result(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    job = _job(organisation, given)
    if job.completed is None:
        raise RefusedError(404, "0x80040217", f"The import job {job.id} has no result yet.")
    return {"SolutionOperationResult": job.result}


def _job(organisation: Organisation, given: Given) -> ImportJob:
    id_ = str(needed(given, "ImportJobId")).lower()
    job = organisation.state.jobs.get(id_)
    if job is None:
        raise not_found("importjob", id_)
    return job


def _formatted(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    return {"FormattedResults": _job(organisation, given).result.get("FormattedResults", "")}


def _remove_active(organisation: Organisation, given: Given, by: str) -> None:
    remove_active(organisation, str(needed(given, "SolutionComponentName")), str(needed(given, "ComponentId")), by)


def _row_counts(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    names = needed(given, "EntityNames")
    if isinstance(names, str):
        names = [one.strip().strip("'\"") for one in names.strip("[]").split(",")]
    found = {}
    for name in names:
        component = organisation.state.components.get(f"entity:{str(name).lower()}")
        if component is None:
            raise RefusedError(
                404, "0x80060888", f"The entity with a name = '{name}' was not found in the MetadataCache."
            )
        found[component.key] = component.rows
    return {"EntityRecordCountCollection": pairs(found)}


def _export(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    name = str(needed(given, "SolutionName"))
    operations.refuse_when_busy(organisation, "Export")
    return {"ExportSolutionFile": _text(export_solution(organisation, name, managed=bool(given.get("Managed"))))}


def _export_async(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    solution_named(organisation, str(needed(given, "SolutionName")))
    job = organisation.ids()
    operation = operations.start(organisation, "ExportSolutionAsync", {**given, "ExportJobId": job}, by)
    return {"AsyncOperationId": operation.id, "ExportJobId": job}


def _download(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    id_ = str(needed(given, "ExportJobId")).lower()
    data = organisation.state.exports.get(id_)
    if data is None:
        raise not_found("exportsolutionupload", id_)
    return {"ExportSolutionFile": _text(data)}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _stage(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    try:
        data = base64.b64decode(str(needed(given, "CustomizationFile")), validate=True)
    except ValueError as error:
        raise bad_request("CustomizationFile is not base64.") from error
    package = read_package(data)
    upload = organisation.ids()
    organisation.state.keep(organisation.state.uploads, upload, data)
    return {"StageSolutionResults": stage(organisation, package, upload)}


def _import_async(message: str, *, key: str) -> Call:
    def call(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
        job = _new_job(organisation, given, by)
        operation = operations.start(organisation, message, {**given, "ImportJobId": job.id}, by)
        return {key: job.id, "AsyncOperationId": operation.id}

    return call


def _new_job(organisation: Organisation, given: Given, by: str) -> ImportJob:
    wish = read_wish(organisation, given, by=by, upgrade=False)
    id_ = str(given.get("ImportJobId") or organisation.ids()).lower()
    if id_ in organisation.state.jobs:
        raise RefusedError(412, "0x80040237", "Cannot insert duplicate key.")
    job = ImportJob(id=id_, solution=wish.package.unique_name, started=organisation.now(), by=by)
    organisation.state.jobs[id_] = job
    return job


def _import_now(organisation: Organisation, given: Given, by: str, *, upgrade: bool) -> dict[str, Any] | None:
    operations.refuse_when_busy(organisation, "Import")
    job = _new_job(organisation, given, by)
    operations.run_import(organisation, read_wish(organisation, given, by=by, upgrade=upgrade), job)
    if not upgrade:
        return None
    solution = organisation.state.solution(job.solution)
    return {"SolutionId": solution.id if solution else None, "ImportJobKey": job.id}


def _promote(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    operations.refuse_when_busy(organisation, "Import")
    name = str(needed(given, "UniqueName"))
    promote(organisation, name, by)
    return {"SolutionId": solution_named(organisation, name).id}


def _later(message: str, name: str = "") -> Call:
    def call(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
        if name:
            solution_named(organisation, str(needed(given, name)))
        return {"AsyncOperationId": operations.start(organisation, message, dict(given), by).id}

    return call


def _publish(organisation: Organisation, given: Given, by: str) -> None:
    del given, by
    operations.refuse_when_busy(organisation, "PublishAll")


def _setting(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    name = str(needed(given, "SettingName"))
    value = organisation.state.settings.get(name, "")
    return {"SettingValue": str(value).lower() if isinstance(value, bool) else str(value)}


def _add_component(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    solution = solution_named(organisation, str(needed(given, "SolutionUniqueName")))
    component = _component(
        organisation, {"ComponentType": needed(given, "ComponentType"), "ObjectId": needed(given, "ComponentId")}
    )
    if component.ref not in solution.members:
        solution.members.append(component.ref)
    return {"id": stable_id(solution.id, component.ref)}


def _remove_component(organisation: Organisation, given: Given, by: str) -> dict[str, Any]:
    del by
    solution = solution_named(organisation, str(needed(given, "SolutionUniqueName")))
    bound = given.get("SolutionComponent") or {}
    id_ = str(bound.get("solutioncomponentid") or given.get("ComponentId", "")).lower()
    component = _component(organisation, {"ComponentType": needed(given, "ComponentType"), "ObjectId": id_})
    if component.ref in solution.members:
        solution.members.remove(component.ref)
    return {"id": stable_id(solution.id, component.ref)}


FUNCTIONS: Mapping[str, Call] = {
    "WhoAmI": _who_am_i,
    "RetrieveVersion": _version,
    "RetrieveDependenciesForUninstall": _guards_uninstall,
    "RetrieveDependenciesForDelete": _guards_delete,
    "RetrieveDependentComponents": _guards_delete,
    "RetrieveRequiredComponents": _required,
    "RetrieveSolutionImportResult": _import_result,
    "RetrieveFormattedImportJobResults": _formatted,
    "RemoveActiveCustomizations": _remove_active,
    "RetrieveTotalRecordCount": _row_counts,
}
"""Asked for with GET."""

ACTIONS: Mapping[str, Call] = {
    "ExportSolution": _export,
    "ExportSolutionAsync": _export_async,
    "DownloadSolutionExportData": _download,
    "StageSolution": _stage,
    "ImportSolution": lambda o, g, by: _import_now(o, g, by, upgrade=False),
    "ImportSolutionAsync": _import_async("ImportSolutionAsync", key="ImportJobKey"),
    "StageAndUpgrade": lambda o, g, by: _import_now(o, g, by, upgrade=True),
    "StageAndUpgradeAsync": _import_async("StageAndUpgradeAsync", key="ImportJobKey"),
    "DeleteAndPromote": _promote,
    "DeleteAndPromoteAsync": _later("DeleteAndPromoteAsync", "UniqueName"),
    "UninstallSolutionAsync": _later("UninstallSolutionAsync", "SolutionUniqueName"),
    "PublishAllXml": _publish,
    "PublishXml": _publish,
    "PublishAllXmlAsync": _later("PublishAllXmlAsync"),
    "GetOrgDbOrgSetting": _setting,
    "AddSolutionComponent": _add_component,
    "RemoveSolutionComponent": _remove_component,
}
"""Asked for with POST."""
