"""Read a solution out of a live runtime: its package, and apart from it what this environment gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lampway.domain.package import Component, Scope
from lampway.engine.platform import Export
from lampway.errors import AccessError, PlatformError, RefusedError, UnreachableError
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.contents import Contents, read_exactly
from lampway.platforms.nodered.flows import Kind, Node, fingerprint, kind_of, name_of, owners, select, tabs
from lampway.platforms.nodered.merge import entries_of, live_globals, value_of
from lampway.platforms.nodered.needs import CREDENTIAL_FIELDS
from lampway.platforms.nodered.package import build_package

_MOST_LOOKS = 500
"""Nodes whose stored credentials are asked for; one short call each."""

_WITHOUT_CREDENTIALS = frozenset(
    {
        "batch",
        "catch",
        "change",
        "comment",
        "complete",
        "csv",
        "debug",
        "delay",
        "exec",
        "file",
        "file in",
        "function",
        "html",
        "http in",
        "http response",
        "inject",
        "join",
        "json",
        "junction",
        "link call",
        "link in",
        "link out",
        "mqtt in",
        "mqtt out",
        "range",
        "rbe",
        "sort",
        "split",
        "status",
        "switch",
        "template",
        "trigger",
        "websocket in",
        "websocket out",
        "xml",
        "yaml",
    }
)
"""Common types of Node-RED's own that keep none, so that large flows need few calls."""


def export_solution(api: Api, scope: Scope, known: Mapping[str, Scope]) -> Export:
    """Return the solution that `scope` describes as it is there now.

    Raises NotFoundError for a tab that is not there, RefusedError when another solution holds some of the same nodes.
    """
    nodes, _ = api.flows()
    own = select(nodes, scope)
    held = owners(nodes, {**known, scope.solution: scope})
    _refuse_shared(own, held)
    keepers = [node for node in own if keeps_credentials(node)]
    stored, unseen = stored_credentials(api, keepers[:_MOST_LOOKS])
    if len(keepers) > _MOST_LOOKS:
        unseen = (*unseen, f"stored credentials were looked at in {_MOST_LOOKS} of {len(keepers)} nodes")
    package = build_package(nodes, scope, credential_fields=stored)
    contents = read_exactly(package)
    return Export(
        package=package,
        values=dict(_values(nodes, contents)),
        bound={slot.name: stored[slot.node] for slot in contents.connections if stored.get(slot.node)},
        editors=None,
        unowned=unowned_tabs(nodes, set(held)),
        notes=(*unseen, *_notes(nodes, contents)),
    )


def stored_credentials(api: Api, nodes: Sequence[Node]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return for node ids the credential fields that hold something, with a note when they cannot be seen.

    Raises UnreachableError.
    """
    stored: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        try:
            fields = api.stored_fields(node["type"], node["id"])
        except AccessError:
            hint = "give our token the scope `credentials.read`"
            return stored, (f"which credentials are stored there cannot be seen: {hint}",)
        except UnreachableError:
            raise
        except PlatformError:
            return stored, ("which credentials are stored there cannot be seen: the editor is switched off",)
        if fields:
            stored[node["id"]] = fields
    return stored, ()


def keeps_credentials(node: Node) -> bool:
    """Return whether a node may have credentials that the runtime tells about."""
    if kind_of(node) in {Kind.TAB, Kind.GROUP, Kind.SUBFLOW, Kind.INSTANCE}:
        return any(entry.get("type") == "cred" for entry in entries_of(node))
    if kind_of(node) is Kind.GLOBAL_CONFIG:  # the runtime tells nothing about these
        return False
    return node["type"] in CREDENTIAL_FIELDS or node["type"] not in _WITHOUT_CREDENTIALS


def unowned_tabs(nodes: Sequence[Node], owned: set[str]) -> tuple[Component, ...]:
    """Return the tabs whose ids are not among `owned`."""
    return tuple(Component("tab", name_of(t), t["id"], fingerprint(t)) for t in tabs(nodes) if t["id"] not in owned)


def _refuse_shared(own: Sequence[Node], held: Mapping[str, tuple[str, ...]]) -> None:
    shared = [node for node in own if len(held.get(node["id"], ())) > 1]
    if not shared:
        return
    told = "; ".join(f"{n['type']} *{name_of(n)}* is in {' and '.join(held[n['id']])}" for n in shared[:5])
    more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
    hint = "give each solution a copy of its own, or put both into one solution"
    raise RefusedError(f"two solutions hold the same thing: {told}{more}", hint=hint)


def _values(nodes: Sequence[Node], contents: Contents) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every variable whose value the flows themselves give there; never of a secret."""
    everywhere = live_globals(nodes)
    by_id = {node["id"]: node for node in nodes}
    for slot in contents.variables:
        if not slot.required:
            continue
        held = {e["name"]: e for e in entries_of(by_id[slot.node])} if slot.node else everywhere
        value = value_of(held[slot.name]) if slot.name in held else None
        if value is not None:
            yield slot.name, value


def _notes(nodes: Sequence[Node], contents: Contents) -> Iterator[str]:
    everywhere = live_globals(nodes)
    outside = [s.name for s in contents.variables if s.scope == "global" and s.name not in everywhere]
    if outside:
        yield f"given by the process environment there, or by nothing: {', '.join(outside)}"
    if any(slot.place == "global" for slot in contents.connections):
        yield "Node-RED does not tell which credentials a global-config node holds"
