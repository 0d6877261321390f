"""Small flows for tests, as an editor would have made them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Inventory, Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Installed, Progress, Wanted
from lampway.platforms.nodered.package import NodeRedFormat, build_package

if TYPE_CHECKING:
    from runtimes import Place

    from lampway.engine.platform import Platform

Node = dict[str, Any]
STEP = "deploy flows"


def node_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def tab(label: str, *env: Node, **more: Any) -> Node:
    return {
        "id": node_id(label),
        "type": "tab",
        "label": label,
        "disabled": False,
        "info": "",
        "env": list(env),
        **more,
    }


def variable(name: str, kind: str = "str", value: str = "") -> Node:
    return {"name": name, "value": value, "type": kind}


def secret(name: str) -> Node:
    return variable(name, "cred")


def on(home: Node, name: str, type_: str, **more: Any) -> Node:
    node = {"id": node_id(f"{home['label']}/{name}"), "type": type_, "z": home["id"], "name": name, "x": 100, "y": 100}
    return {**node, "wires": [], **more}


def endpoint(home: Node, path: str, script: str, name: str = "answer") -> list[Node]:
    """Return an HTTP endpoint that answers with what a script leaves in `msg.payload`."""
    out = on(home, f"{name} out", "http response", statusCode="", headers={})
    work = on(home, name, "function", func=script, outputs=1, libs=[], wires=[[out["id"]]])
    into = on(home, f"{name} in", "http in", url=path, method="get", upload=False, wires=[[work["id"]]])
    return [into, work, out]


def says(text: str) -> str:
    return f"msg.payload = {{said: '{text}'}}\nreturn msg"


def tells(*names: str) -> str:
    """Return a script that answers with variables, as the flow sees them."""
    told = ", ".join(f"{name}: env.get('{name}')" for name in names)
    return f"msg.payload = {{{told}}}\nreturn msg"


def simple(label: str = "Orders", path: str = "/orders", text: str = "v1") -> list[Node]:
    home = tab(label)
    return [home, *endpoint(home, path, says(text))]


def package(nodes: Sequence[Node], solution: str = "orders", version: str = "1.0.0", **scope: Any) -> bytes:
    contains = tuple(node["label"] for node in nodes if node["type"] == "tab")
    return build_package(
        nodes, Scope(solution, contains=contains, **scope), credential_fields=scope.pop("fields", {}), version=version
    )


def want(
    new: bytes | None,
    installed: bytes | None = None,
    *,
    solution: str = "orders",
    variables: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Mapping[str, str]] | None = None,
    others: Mapping[str, bytes] | None = None,
) -> Wanted:
    references = {name: dict.fromkeys(fields, "env:X") for name, fields in (secrets or {}).items()}
    return Wanted(
        solution=solution,
        version="1.0.0",
        package=new,
        configuration=ConfigurationSet(dict(variables or {}), references),
        secrets={name: {f: Secret(v) for f, v in fields.items()} for name, fields in (secrets or {}).items()},
        installed=installed,
        others={name: inventory(data) for name, data in (others or {}).items()},
    )


def inventory(data: bytes) -> Inventory:
    return NodeRedFormat().inspect(data).inventory


def record(wanted: Wanted) -> Installed:
    assert wanted.package is not None
    return Installed(wanted.package, wanted.configuration)


def deploy(platform: Platform, place: Place, wanted: Wanted) -> Mapping[str, Any]:
    """Plan, intend and perform, as the engine does; return the intent."""
    assert platform.plan(place.access, wanted).problems == ()
    intent = platform.intend(place.access, wanted, STEP)
    outcome = platform.perform(place.access, wanted, STEP, intent)
    assert outcome.progress is Progress.DONE, outcome
    assert outcome.detail["revision"] == intent["revision_intended"]
    return intent


def words(platform: Platform, place: Place, wanted: Wanted) -> str:
    """Return the problems a plan names, on one line."""
    return " | ".join(problem.summary for problem in platform.plan(place.access, wanted).problems)
