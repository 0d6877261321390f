"""Compare what an instance holds with what was installed: definition, drafts, values and bindings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lampway.domain.configuration import BOUND, EXTERNAL
from lampway.domain.digest import digest
from lampway.domain.package import Change, Diff, Edit
from lampway.domain.secret import is_reference
from lampway.engine.platform import Installed, Observation, Observed
from lampway.errors import InvalidPackageError, PlatformError
from lampway.platforms.n8n.api import Api, Credential
from lampway.platforms.n8n.configuration import fields_of, with_values
from lampway.platforms.n8n.contents import Contents, build_contents, read_package
from lampway.platforms.n8n.credentials import CredentialKey, named_in
from lampway.platforms.n8n.diff import diff_contents
from lampway.platforms.n8n.export import unowned_workflows
from lampway.platforms.n8n.inventory import components_of
from lampway.platforms.n8n.situation import read_credentials
from lampway.platforms.n8n.wire import published_of
from lampway.platforms.n8n.workflows import Node, Workflow, keep, name_of, node_id


@dataclass(frozen=True, slots=True)
class Seen:
    """An instance as it was read."""

    live: Mapping[str, Workflow]
    credentials: Mapping[str, Credential] | None

    def running(self, id_: str) -> Workflow:
        """Return a workflow as it runs, or its draft where nothing runs."""
        return published_of(self.live[id_]) or self.live[id_]


def read_seen(api: Api) -> Seen:
    """Return what is there now."""
    return Seen({workflow["id"]: workflow for workflow in api.workflows()}, read_credentials(api))


def observe_all(api: Api, installed: Mapping[str, Installed]) -> Observation:
    """Return how each solution there differs from what was installed."""
    seen = read_seen(api)
    solutions = {name: observe_one(seen, one, api.where) for name, one in installed.items()}
    owned = {workflow["id"] for one in installed.values() for workflow in read_package(one.package).workflows}
    return Observation(_revision(seen), solutions, unowned_workflows(list(seen.live.values()), owned))


def observe_one(seen: Seen, installed: Installed, where: str) -> Observed:
    """Return how one solution differs from what was installed."""
    recorded = expected_of(installed)
    try:
        there = _as_package(seen, recorded)
        drafts = _as_package(seen, recorded, drafts=True)
    except InvalidPackageError as error:
        hint = "open the workflow in the editor there, repair it and save it"
        raise PlatformError(f"its workflows are damaged: {error}", where=where, hint=hint) from error
    definition = _with_drafts(diff_contents(recorded, there), recorded, there, drafts)
    edits = (*_value_edits(seen, recorded, installed), *_credential_edits(seen, recorded, installed))
    return Observed(definition, edits)


def expected_of(installed: Installed) -> Contents:
    """Return what is to be there: with nothing published where it was switched off."""
    contents = read_package(installed.package)
    if installed.is_on:
        return contents
    return replace(contents, workflows=tuple({**workflow, "active": False} for workflow in contents.workflows))


def _as_package(seen: Seen, recorded: Contents, *, drafts: bool = False) -> Contents:
    """Return what is there of a solution as a package: what runs, or the drafts."""
    mine = [workflow for workflow in recorded.workflows if workflow["id"] in seen.live]
    shown = [_connected(seen.live[w["id"]] if drafts else seen.running(w["id"]), w) for w in mine]
    contents = build_contents(
        shown,
        solution=recorded.solution,
        version=recorded.version,
        constants=recorded.constants,
        names=_names(shown, seen),
    )
    return replace(contents, variables=recorded.variables, connections=recorded.connections)


def _connected(live: Workflow, recorded: Workflow) -> Workflow:
    """Return a live workflow whose nodes name the connections of the record where they name any credential.

    Which credential they name is the environment's, and is looked at apart from this. What n8n added to nodes that came
    without it is left out.
    """
    known = {node_id(node): node for node in recorded["nodes"]}
    return {**live, "nodes": [_connected_node(node, known.get(node_id(node))) for node in live["nodes"]]}


def _connected_node(node: Node, recorded: Node | None) -> Node:
    if recorded is None:
        return node
    kept = {key: value for key, value in node.items() if key != "webhookId" or key in recorded}
    credentials = {**(node.get("credentials") or {}), **(recorded.get("credentials") or {})}
    return {**kept, "credentials": credentials}


def _names(shown: list[Workflow], seen: Seen) -> dict[CredentialKey, str]:
    """Return the names of connections for every credential in it; those of the record carry theirs already."""
    found = named_in([keep(workflow) for workflow in shown])
    known = {id_: one.name for id_, one in (seen.credentials or {}).items()}
    return {key: known.get(key[1]) or next(iter(names), "") or key[0] for key, names in found.items()}


def _with_drafts(definition: Diff, recorded: Contents, there: Contents, drafts: Contents) -> Diff:
    """Return a difference that also tells of drafts, and of versions that are older than what was deployed."""
    components = {c.id: c for c in components_of(recorded)}
    expected, runs, saved = (_by_id(contents) for contents in (recorded, there, drafts))
    changed = {change.component.id: change for change in definition.changed}
    for id_, workflow in saved.items():
        draft_differs = not diff_contents(_only(there, runs[id_]), _only(drafts, workflow)).is_empty
        if not draft_differs:
            continue
        if diff_contents(_only(recorded, expected[id_]), _only(drafts, workflow)).is_empty:
            told = Edit("published version", "another version is published than the one that was deployed")
        else:
            told = Edit("draft", "a draft was saved and not published: what runs is not what the editor shows")
        before = changed.get(id_)
        component = before.component if before else components[id_]
        changed[id_] = Change(component, (*(before.edits if before else ()), told))
    more = len(changed) - len(definition.changed)
    return replace(definition, changed=tuple(changed.values()), unchanged=max(0, definition.unchanged - more))


def _by_id(contents: Contents) -> dict[str, Workflow]:
    return {workflow["id"]: workflow for workflow in contents.workflows}


def _only(contents: Contents, workflow: Workflow) -> Contents:
    return replace(contents, workflows=(workflow,))


def _value_edits(seen: Seen, recorded: Contents, installed: Installed) -> Iterator[Edit]:
    """Yield what differs from the values given. The live value is not told: it may be a secret somebody typed there."""
    given = {n: v for n, v in installed.configuration.variables.items() if v != EXTERNAL}
    for workflow in recorded.workflows:
        if workflow["id"] not in seen.live:
            continue
        held = {(f.place, f.name): f.value for f in fields_of(seen.running(workflow["id"]))}
        for field in fields_of(with_values(workflow, given)):
            place = (field.place, field.name)
            if field.name in given and place in held and held[place] != field.value:
                where = f"*{field.place}*"
                yield Edit(f"variable {field.name}", f"another value in {where} than the one that was given")


def _credential_edits(seen: Seen, recorded: Contents, installed: Installed) -> Iterator[Edit]:
    told: dict[tuple[str, str], None] = {}
    for workflow in recorded.workflows:
        if workflow["id"] in seen.live:
            live = seen.running(workflow["id"])
            nodes = {node_id(node): node for node in live["nodes"]}
            for node in workflow["nodes"]:
                there = nodes.get(node_id(node))
                for type_, stated in (node.get("credentials") or {}).items() if there else ():
                    if fault := _binding_fault(there, type_, stated["name"], seen, installed):
                        told[stated["name"], f"{fault} in *{name_of(live)} / {node['name']}*"] = None
    for name, fault in told:
        yield Edit(f"connection {name}", fault)


def _binding_fault(node: Node | None, type_: str, name: str, seen: Seen, installed: Installed) -> str:
    stated = ((node or {}).get("credentials") or {}).get(type_)
    id_ = str(stated.get("id") or "") if isinstance(stated, dict) else ""
    if not id_:
        return "no credential is chosen any more"
    if seen.credentials is not None and id_ not in seen.credentials:
        return "the credential that was chosen is no longer there"
    chosen = installed.configuration.connections.get(name, {}).get(BOUND, "")
    if chosen and not is_reference(chosen) and chosen != id_:
        return "another credential is chosen than the one that was given"
    return ""


def _revision(seen: Seen) -> str:
    """Return a mark of everything that was looked at; no value is in it."""
    marks: list[Any] = [
        [id_, w.get("name"), w.get("versionId"), w.get("activeVersionId"), w.get("versionCounter"), w.get("settings")]
        for id_, w in sorted(seen.live.items())
    ]
    return digest(marks)[:32]
