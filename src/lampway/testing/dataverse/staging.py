"""Staging: what an import would do, said beforehand; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lampway.testing.dataverse.importing import UPGRADE, Wish, missing_needs, refusal_of
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Package, Part, parse, text_of, value_in
from lampway.testing.dataverse.rows import definition_columns
from lampway.testing.dataverse.state import Component, Layer, pairs


def stage(organisation: Organisation, package: Package, upload: str) -> dict[str, Any]:
    """Return what staging says about a package."""
    refusal = refusal_of(organisation, Wish(package))
    needs = missing_needs(organisation, package)
    validations = []
    if refusal and not needs:
        code, text = refusal
        told = {"SolutionValidationResultType": "Error", "ErrorCode": code - 2**32, "Message": text}
        validations.append({**told, "AdditionalInfo": None})
    return {
        "StageSolutionUploadId": upload,
        "StageSolutionStatus": "Failed" if refusal else "Passed",
        "SolutionComponentsDetails": list(_components(organisation, package)),
        "SolutionDetails": _details(organisation, package),
        "MissingDependencies": [
            {
                "RequiredComponentSchemaName": need.key,
                "RequiredComponentDisplayName": need.name,
                "RequiredComponentType": need.type,
                "RequiredSolutionName": need.solution,
                "DependentComponentType": need.dependent_type,
                "DependentComponentDisplayName": need.dependent,
            }
            for need in needs
        ],
        "SolutionValidationResults": validations,
    }


def _details(organisation: Organisation, package: Package) -> dict[str, Any]:
    there = organisation.state.solution(package.unique_name)
    return {
        "SolutionUniqueName": package.unique_name,
        "SolutionFriendlyName": package.friendly_name,
        "SolutionDescription": package.description,
        "PublisherUniqueName": package.publisher.unique_name,
        "PublisherFriendlyName": package.publisher.friendly_name,
        "PreviousSolutionUniqueName": there.unique_name if there else None,
        "PreviousSolutionFriendlyName": there.friendly_name if there else None,
        "PreviousPublisherUniqueName": there.publisher.unique_name if there else None,
        "PreviousPublisherFriendlyName": there.publisher.friendly_name if there else None,
        "IsPatchSolution": False,
        "IsManaged": package.managed,
        "PreviousIsManaged": bool(there and there.managed),
        "SolutionVersion": package.version,
        "PreviousSolutionVersion": there.version if there else None,
        "PreviousPatchSolutionsNames": [],
        "IsPrerequisitesExport": False,
        "HasPendingUpgrade": organisation.state.solution(package.unique_name + UPGRADE) is not None,
    }


def _components(organisation: Organisation, package: Package) -> Iterator[dict[str, Any]]:
    own = {"localizedname": package.friendly_name, "description": package.description}
    yield _told(package.friendly_name, "solution", "Unknown", own)
    parts = list(package.parts.values())
    for part in parts:
        if part.kind == "entity":
            yield _told(_shown(part), "entity", _there(organisation, part), {"name": part.name})
    for part in parts:
        if part.kind == "connectionreference":
            found = _reference(part)
            name = found["connectionreferencelogicalname"]
            yield _told(name, "connectionreference", _there(organisation, part), found)
    for part in reversed(parts):  # as the platform was seen to list them
        if part.kind == "environmentvariabledefinition":
            columns = _definition(part)
            yield _told(columns["displayname"], "EnvironmentVariableDefinition", _there(organisation, part), columns)
    for part in reversed(parts):
        if part.kind == "environmentvariablevalue":
            value = str(value_in(next(iter(part.files.values()))).get("value", ""))
            held = {"schemaname": part.name, "environmentvariablevalueid": part.id, "value": value}
            yield _told(part.name, "EnvironmentVariableValue", _there(organisation, part), held)


def _told(name: str, type_: str, there: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "ComponentName": name,
        "ComponentTypeName": type_,
        "IsPresentInOrg": there,
        "Attributes": pairs(attributes),
    }


def _there(organisation: Organisation, part: Part) -> str:
    return str(part.ref in organisation.state.components)


def _shown(part: Part) -> str:
    name = parse(part.header).find("Name")
    return (name.get("LocalizedName") if name is not None else "") or part.name


def _reference(part: Part) -> dict[str, Any]:
    header = parse(part.header)
    return {
        "connectorid": text_of(header.find("connectorid")),
        "connectionreferencelogicalname": header.get("connectionreferencelogicalname", ""),
        "connectionreferencedisplayname": text_of(header.find("connectionreferencedisplayname")),
        "description": text_of(header.find("description")),
    }


def _definition(part: Part) -> dict[str, Any]:
    found = definition_columns(Component(part.kind, part.key, "", layers=[Layer("", part, datetime.now(UTC))]))
    return {
        "schemaname": found["schemaname"],
        "displayname": found["displayname"],
        "description": found["description"] or "",
        "type": str(found["type"]),
        "defaultvalue": found["defaultvalue"] or "",
        "isrequired": str(found["isrequired"]).lower(),
        "parameterkey": found["parameterkey"] or "",
        "parentdefinitionid": "",
        "apiid": found["apiid"] or "",
    }
