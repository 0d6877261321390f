"""What the Web API tells about its own tables: as much as clients ask on first touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lampway.testing.dataverse.odata import Segment, chosen, filtered
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.rows import ENTITY_SETS
from lampway.testing.dataverse.state import stable_id


def definitions(organisation: Organisation, segments: Sequence[Segment], query: Mapping[str, str]) -> dict[str, Any]:
    """Return definitions of tables, or the columns of one. Raises RefusedError."""
    rows = [*_own(organisation), *_custom(organisation)]
    base = f"{organisation.url}/api/data/v9.2/$metadata#EntityDefinitions"
    first = segments[0]
    wanted = str(first.arguments.get("LogicalName", "") or first.key)
    if not wanted:
        found = filtered(rows, query.get("$filter", ""))
        value = [chosen(row, query.get("$select", ""), "", keep=("MetadataId",)) for row in found]
        return {"@odata.context": base, "value": value}
    row = next((one for one in rows if wanted in {one["LogicalName"], one["MetadataId"]}), None)
    if row is None:
        text = f"Could not find an entity with name '{wanted}' in the metadata cache."
        raise RefusedError(404, "0x80060888", text)
    if len(segments) > 1:
        return {"@odata.context": f"{base}({wanted})/{segments[1].name}", "value": _parts(organisation, row, segments)}
    return {"@odata.context": f"{base}/$entity", **chosen(row, query.get("$select", ""), "", keep=("MetadataId",))}


def _own(organisation: Organisation) -> list[dict[str, Any]]:
    return [_row(organisation, one.logical, name, one.key, one.name, custom=False) for name, one in ENTITY_SETS.items()]


def _custom(organisation: Organisation) -> list[dict[str, Any]]:
    return [
        _row(organisation, one.key, f"{one.key}s", f"{one.key}id", "name", custom=True)
        for one in organisation.state.of_kind("entity")
    ]


def _row(
    organisation: Organisation, logical: str, set_name: str, key: str, name: str, *, custom: bool
) -> dict[str, Any]:
    return {
        "MetadataId": stable_id(organisation.state.id, "metadata", logical),
        "LogicalName": logical,
        "SchemaName": logical,
        "EntitySetName": set_name,
        "LogicalCollectionName": set_name,
        "PrimaryIdAttribute": key,
        "PrimaryNameAttribute": name,
        "IsCustomEntity": custom,
        "ObjectTypeCode": 1,
    }


def _parts(organisation: Organisation, row: Mapping[str, Any], segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return the columns of a table; none of the platform's own is a choice that clients would have to look up."""
    if segments[1].name != "Attributes" or len(segments) > 2:
        return []
    entity_set = ENTITY_SETS.get(str(row["EntitySetName"]))
    sample = entity_set.rows(organisation)[:1] if entity_set else []
    return [{"LogicalName": name, "SchemaName": name} for one in sample for name in one if "@" not in name]
