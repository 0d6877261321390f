"""The Web API of one environment: from a request to an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from lampway.testing.dataverse import layers, metadata
from lampway.testing.dataverse.calls import ACTIONS, FUNCTIONS
from lampway.testing.dataverse.exchange import Request, Response
from lampway.testing.dataverse.odata import Segment, chosen, filtered, ordered, read_segment, split_path
from lampway.testing.dataverse.operations import let_time_pass, look
from lampway.testing.dataverse.organisation import ADMINISTRATOR, CUSTOMIZER, Organisation
from lampway.testing.dataverse.records import CREATE, DELETE, UPDATE, known_set, read_body
from lampway.testing.dataverse.refusals import (
    RefusedError,
    bad_request,
    forbidden,
    no_resource,
    not_found,
    precondition_failed,
)
from lampway.testing.dataverse.rows import ENTITY_SETS, row_with

ROOT = re.compile(r"/api/data/v(9\.[0-2])(?:/(?P<rest>.*))?$", re.DOTALL)
_PAGE = 5000
_LOOKING = frozenset({"asyncoperations", "importjobs"})
_VIRTUAL = {
    "msdyn_componentlayers": (layers.component_layers, "msdyn_componentlayerid"),
    "msdyn_solutioncomponentsummaries": (layers.summaries, "msdyn_solutioncomponentsummaryid"),
}
_FREE = frozenset({"WhoAmI", "RetrieveVersion"})


def answer(organisation: Organisation, request: Request, by: str) -> Response:
    """Do what a request asks of an environment, for a user who may sign in. Raises RefusedError."""
    found = ROOT.match(request.path)
    if found is None:
        raise no_resource(request.path.strip("/").split("/")[0])
    segments = [read_segment(one, request.query) for one in split_path(found["rest"] or "")]
    with organisation.lock:
        let_time_pass(organisation)
        if not segments:
            return Response(200, _service_document(organisation))
        _check_rights(organisation, request, segments[0], by)
        return _dispatch(organisation, request, segments, by)


def _service_document(organisation: Organisation) -> dict[str, Any]:
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in (*ENTITY_SETS, *_VIRTUAL)]
    return {"@odata.context": f"{organisation.url}/api/data/v9.2/$metadata", "value": value}


def _check_rights(organisation: Organisation, request: Request, first: Segment, by: str) -> None:
    roles = set(organisation.user(by).roles)
    if first.name in _FREE or ADMINISTRATOR in roles:
        return
    if CUSTOMIZER in roles and first.name not in {"ImportSolution", "ImportSolutionAsync", "StageAndUpgradeAsync"}:
        return
    if request.method == "GET" and roles and first.name != "RemoveActiveCustomizations":
        return
    raise forbidden(
        f"Principal user (Id={by}, type=8, roleCount={len(roles)}) is missing the privilege that "
        f"'{first.name}' needs (Message={request.method})."
    )


def _dispatch(organisation: Organisation, request: Request, segments: Sequence[Segment], by: str) -> Response:
    first = segments[0]
    if first.name in FUNCTIONS and request.method == "GET":
        given = {**request.query, **first.arguments}
        return _called(organisation, first.name, FUNCTIONS[first.name](organisation, given, by))
    if first.name in ACTIONS and request.method == "POST":
        return _called(organisation, first.name, ACTIONS[first.name](organisation, read_body(request.body), by))
    if first.name == "EntityDefinitions" and request.method == "GET":
        return Response(200, metadata.definitions(organisation, segments, request.query))
    if first.name in FUNCTIONS or first.name in ACTIONS:
        raise RefusedError(405, "0x8006088a", f"HTTP method '{request.method}' is not supported for '{first.name}'.")
    return _on_rows(organisation, request, segments, by)


def _on_rows(organisation: Organisation, request: Request, segments: Sequence[Segment], by: str) -> Response:
    first = segments[0]
    match request.method:
        case "GET":
            return _read(organisation, request, segments)
        case "POST" if len(segments) > 1:
            many = known_set(segments[1].name, _MANY)
            return cast("Response", many(organisation, request, first.name, by))
        case "POST":
            return _create(organisation, request, first, by)
        case "PATCH":
            return _update(organisation, request, first, by)
        case "DELETE":
            delete = known_set(first.name, DELETE)
            delete(organisation, _id_of(organisation, first), by)
            return Response(204)
    raise RefusedError(405, "0x80060888", f"The HTTP method '{request.method}' is not supported.")


def _called(organisation: Organisation, name: str, body: dict[str, Any] | None) -> Response:
    if body is None:
        return Response(204)
    context = f"{organisation.url}/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.{name}Response"
    return Response(200, {"@odata.context": context, **body})


def _rows(organisation: Organisation, name: str, query: Mapping[str, str]) -> tuple[list[Any], str]:
    if name in _VIRTUAL:
        read, key = _VIRTUAL[name]
        return read(organisation, query.get("$filter", "")), key
    entity_set = known_set(name, ENTITY_SETS)
    return entity_set.rows(organisation), entity_set.key


def _read(organisation: Organisation, request: Request, segments: Sequence[Segment]) -> Response:
    first, query = segments[0], request.query
    if first.name in _LOOKING:
        look(organisation)
    if len(segments) > 1 and segments[1].name == "$count":
        rows, _ = _rows(organisation, first.name, query)
        return Response(200, None, text=str(len(filtered(rows, query.get("$filter", "")))))
    if len(segments) > (2 if first.called else 1):
        raise no_resource(segments[-1].name)
    if first.key or first.arguments:
        return _read_one(organisation, request, segments)
    return _read_many(organisation, request, first)


def _read_one(organisation: Organisation, request: Request, segments: Sequence[Segment]) -> Response:
    first, query = segments[0], request.query
    row, key = _find(organisation, first)
    base = f"{organisation.url}/api/data/v9.2/$metadata#{first.name}"
    if len(segments) > 1:
        name = segments[1].name
        if name not in row:
            raise no_resource(name)
        return Response(200, {"@odata.context": f"{base}({row[key]})/{name}", "value": row[name]})
    if "@odata.etag" in row and request.headers.get("if-none-match") == row["@odata.etag"]:
        return Response(304)
    out = chosen(row, query.get("$select", ""), query.get("$expand", ""), keep=(key,))
    return Response(200, {"@odata.context": f"{base}/$entity", **out})


def _row(organisation: Organisation, segment: Segment) -> tuple[dict[str, Any] | None, str]:
    """Return the row that an address means, by its id or by other columns, and the name of its key."""
    entity_set = known_set(segment.name, ENTITY_SETS)
    if segment.key:
        return row_with(organisation, segment.name, segment.key), entity_set.key
    given = segment.arguments
    rows = entity_set.rows(organisation) if given else ()
    return next((one for one in rows if all(one.get(k) == v for k, v in given.items())), None), entity_set.key


def _find(organisation: Organisation, segment: Segment) -> tuple[dict[str, Any], str]:
    """Return the row that an address means, which must be there, and the name of its key. Raises RefusedError."""
    row, key = _row(organisation, segment)
    if row is None:
        raise not_found(segment.name, segment.key or str(dict(segment.arguments)))
    return row, key


def _read_many(organisation: Organisation, request: Request, first: Segment) -> Response:
    query = request.query
    rows, key = _rows(organisation, first.name, query)
    is_virtual = first.name in _VIRTUAL
    found = rows if is_virtual else ordered(filtered(rows, query.get("$filter", "")), query.get("$orderby", ""))
    total = len(found)
    if query.get("$top", "").isdigit():
        found = found[: int(query["$top"])]
    start = int(query.get("$skiptoken", "0") or 0)
    size = _page_size(request)
    page = found[start : start + size]
    select = "" if first.name == "msdyn_componentlayers" else query.get("$select", "")
    value = [chosen(row, select, query.get("$expand", ""), keep=(key,)) for row in page]
    body: dict[str, Any] = {"@odata.context": f"{organisation.url}/api/data/v9.2/$metadata#{first.name}"}
    if query.get("$count") == "true":
        body["@odata.count"] = total
    body["value"] = value
    if start + size < len(found):
        body["@odata.nextLink"] = request.address_with(organisation.url, {"$skiptoken": str(start + size)})
    return Response(200, body)


def _page_size(request: Request) -> int:
    found = re.search(r"odata\.maxpagesize\s*=\s*(\d+)", request.headers.get("prefer", ""))
    return max(1, min(int(found[1]), _PAGE)) if found else _PAGE


def _id_of(organisation: Organisation, segment: Segment) -> str:
    row, key = _find(organisation, segment)
    return str(row[key])


def _location(organisation: Organisation, name: str, id_: str) -> dict[str, str]:
    address = f"{organisation.url}/api/data/v9.2/{name}({id_})"
    return {"OData-EntityId": address, "Location": address}


def _represented(organisation: Organisation, request: Request, name: str, id_: str, status: int) -> Response:
    """Return nothing, or the row where the client prefers to have it."""
    headers = _location(organisation, name, id_)
    if "return=representation" not in request.headers.get("prefer", ""):
        return Response(204, headers=headers)
    row, key = _find(organisation, Segment(name, called=True, key=id_))
    out = chosen(row, request.query.get("$select", ""), request.query.get("$expand", ""), keep=(key,))
    context = f"{organisation.url}/api/data/v9.2/$metadata#{name}/$entity"
    return Response(status, {"@odata.context": context, **out}, headers=headers)


def _create(organisation: Organisation, request: Request, first: Segment, by: str) -> Response:
    create = known_set(first.name, CREATE)
    body = read_body(request.body)
    solution = request.headers.get("mscrm.solutionuniquename", "")
    own = {known_set(first.name, ENTITY_SETS).key: first.key} if first.key else {}
    id_ = create(organisation, {**body, **own, "_solution": solution}, by)
    return _represented(organisation, request, first.name, id_, 201)


def _create_many(organisation: Organisation, request: Request, name: str, by: str) -> Response:
    create = known_set(name, CREATE)
    ids = [create(organisation, one, by) for one in read_body(request.body).get("Targets", ())]
    return _called(organisation, "CreateMultiple", {"Ids": ids})


def _update_many(organisation: Organisation, request: Request, name: str, by: str) -> Response:
    update, key = known_set(name, UPDATE), known_set(name, ENTITY_SETS).key
    for one in read_body(request.body).get("Targets", ()):
        update(organisation, str(one.get(key, "")).lower(), one, by)
    return Response(204)


_MANY = {
    "Microsoft.Dynamics.CRM.CreateMultiple": _create_many,
    "Microsoft.Dynamics.CRM.UpdateMultiple": _update_many,
}


def _update(organisation: Organisation, request: Request, first: Segment, by: str) -> Response:
    update = known_set(first.name, UPDATE)
    if not (first.key or first.arguments):
        raise bad_request("An id is needed.", "0x80060888")
    row, key = _row(organisation, first)
    wanted = request.headers.get("if-match", "")
    if row is None:
        if wanted or not first.key or first.name not in CREATE:
            raise not_found(first.name, first.key or str(dict(first.arguments)))
        return _create(organisation, request, first, by)
    if (wanted not in {"", "*"} and wanted != row.get("@odata.etag")) or request.headers.get("if-none-match") == "*":
        raise precondition_failed()
    update(organisation, str(row[key]), read_body(request.body), by)
    return _represented(organisation, request, first.name, str(row[key]), 200)
