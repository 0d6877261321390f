"""The maker's back door over HTTP: `/maker/...` at the address of each environment, for this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lampway.testing.dataverse.exchange import Entry, Request, Response
from lampway.testing.dataverse.faults import Fault, OperationFault
from lampway.testing.dataverse.maker import Maker
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.records import read_body
from lampway.testing.dataverse.refusals import RefusedError, bad_request
from lampway.testing.dataverse.rows import rows_of

Given = Mapping[str, Any]
_TYPES = ("application/json", "application/zip", "application/octet-stream")


def answer(organisation: Organisation, maker: Maker, log: list[Entry], request: Request) -> Response:
    """Do what a maker would do with an editor. Raises RefusedError."""
    _refuse_strangers(request)
    name = request.path.removeprefix("/maker").strip("/")
    with organisation.lock:
        if request.method == "GET":
            return Response(200, _requests(organisation, log) if name == "requests" else _overview(organisation))
        if name == "load":
            solution = maker.load(request.body)
            organisation.changed = True
            return Response(200, {"solution": solution.unique_name, "version": solution.version})
        call = CALLS.get(name)
        if call is None:
            known = ", ".join(["load", *sorted(CALLS)])
            raise RefusedError(404, "0x80060888", f"no maker does '{name}'; what there is: {known}")
        try:
            call(maker, organisation, read_body(request.body))
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request(f"{name} needs something else: {error}") from error
        organisation.changed = True
        return Response(200, {"done": name})


def _refuse_strangers(request: Request) -> None:
    """Refuse what a page in a browser could send: it names another host, or forms."""
    host = request.headers.get("host", "").rpartition(":")[0]
    if host not in {"127.0.0.1", "localhost"}:
        raise RefusedError(403, "0x80040220", "the back door is for this machine alone")
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if request.method != "GET" and kind not in _TYPES:
        raise RefusedError(415, "0x80060888", f"send one of {', '.join(_TYPES)}: with curl, --json or a -H of your own")


def _overview(organisation: Organisation) -> dict[str, Any]:
    return {
        "environment": organisation.name,
        "locked": organisation.locked,
        "solutions": {
            one.unique_name: {"version": one.version, "managed": one.managed}
            for one in organisation.state.solutions.values()
            if one.visible
        },
        "flows": {one["name"]: "on" if one["statecode"] else "off" for one in rows_of(organisation, "workflows")},
        "variables": {
            one["schemaname"]: next(
                (value["value"] for value in one["environmentvariabledefinition_environmentvariablevalue"]),
                one["defaultvalue"],
            )
            for one in rows_of(organisation, "environmentvariabledefinitions")
        },
        "references": {
            one["connectionreferencelogicalname"]: one["connectionid"]
            for one in rows_of(organisation, "connectionreferences")
        },
        "edited live": [one.part.name for one in organisation.state.components.values() if one.edited],
        "calls": ["load", *sorted(CALLS)],
    }


def _requests(organisation: Organisation, log: list[Entry]) -> dict[str, Any]:
    mine = [one for one in log if one.place == organisation.name]
    return {"requests": [{"method": one.method, "path": one.path, "status": one.status} for one in mine]}


def _edit_flow(maker: Maker, _organisation: Organisation, given: Given) -> None:
    if "definition" in given:
        maker.edit_flow(given["flow"], given["definition"])
        return
    place, value = str(given["path"]).split("."), given["value"]

    def change(whole: dict[str, Any]) -> None:
        for name in place[:-1]:
            whole = whole.setdefault(name, {})
        whole[place[-1]] = value

    maker.edit_flow(given["flow"], change)


def _add_flow(maker: Maker, _organisation: Organisation, given: Given) -> None:
    empty: Given = {"properties": {"connectionReferences": {}, "definition": {"triggers": {}, "actions": {}}}}
    maker.add_flow(given["name"], given.get("definition", empty), solution=str(given.get("solution", "")))


def _fault(_maker: Maker, organisation: Organisation, given: Given) -> None:
    fields = {key: value for key, value in given.items() if key != "operation"}
    if given.get("operation"):
        organisation.faults.operations.append(OperationFault(**fields))
    else:
        organisation.faults.requests.append(Fault(**fields))


CALLS: Mapping[str, Callable[[Maker, Organisation, Given], object]] = {
    "edit-flow": _edit_flow,
    "add-flow": _add_flow,
    "turn-on": lambda maker, _o, given: maker.turn_on(given["flow"]),
    "turn-off": lambda maker, _o, given: maker.turn_off(given["flow"]),
    "set-value": lambda maker, _o, given: maker.set_value(given["variable"], given["value"]),
    "bind": lambda maker, _o, given: maker.bind(given["reference"], given["connection"]),
    "add-connection": lambda maker, _o, given: maker.add_connection(
        given["name"], given.get("connector", "shared_sharepointonline")
    ),
    "add-variable": lambda maker, _o, given: maker.add_variable(
        given["name"], default=given.get("default"), solution=str(given.get("solution", ""))
    ),
    "begin-import": lambda maker, _o, given: maker.begin_import(str(given.get("message", "ImportSolutionAsync"))),
    "cancel-imports": lambda maker, _o, _given: maker.cancel_imports(),
    "remove": lambda maker, _o, given: maker.remove(given["kind"], given["name"]),
    "set-version": lambda maker, _o, given: maker.set_version(given["solution"], given["version"]),
    "set-rows": lambda maker, _o, given: maker.set_rows(given["table"], int(given["rows"])),
    "give-role": lambda maker, _o, given: maker.give_role(given["user"], given["role"]),
    "take-role": lambda maker, _o, given: maker.take_role(given["user"], given["role"]),
    "lock": lambda maker, _o, _given: maker.lock(),
    "unlock": lambda maker, _o, _given: maker.unlock(),
    "fault": _fault,
}
"""What a maker can do, by the last word of the address."""
