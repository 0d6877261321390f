"""Find, by reading only, what a deployment would do and everything that stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lampway.domain.package import Inventory
from lampway.engine.platform import AdapterPlan, Problem, StepPlan, Wanted
from lampway.errors import PlatformRefusedError
from lampway.platforms.nodered.api import Api, encode
from lampway.platforms.nodered.contents import Contents, read_package
from lampway.platforms.nodered.credentials import with_credentials
from lampway.platforms.nodered.flows import SUBFLOW_PREFIX, Node, name_of, references
from lampway.platforms.nodered.merge import (
    entries_of,
    global_entries,
    global_names,
    global_secrets,
    is_same,
    live_globals,
    merge,
    owned_ids,
)

STEP = "deploy flows"
"""The one step: Node-RED replaces all flows at once."""

BODY_LIMIT = 5 * 1024 * 1024
"""What a runtime accepts unless its `apiMaxLength` says otherwise."""

_NO_TYPE_NEEDED = {"tab", "subflow", "group"}


@dataclass(frozen=True, slots=True)
class Situation:
    """A runtime as it was read, and what is wanted of it."""

    live: list[Node]
    revision: str
    wanted: Wanted
    new: Contents | None
    old: Contents | None

    def merged(self) -> list[Node]:
        """Return the whole flows array as it shall be."""
        return merge(
            self.live,
            installed=self.old,
            wanted=self.new,
            variables=self.wanted.configuration.variables,
            shared=self.shared(),
        )

    def body(self, merged: Sequence[Node]) -> list[Node]:
        """Return the array with the secrets in it, as it is sent; never to be stored."""
        return with_credentials(merged, installed=self.old, wanted=self.new, secrets=self.wanted.secrets)

    def shared(self) -> frozenset[str]:
        """Return the global names that other solutions use there."""
        return frozenset(name for inventory in self.wanted.others.values() for name in _names(inventory))


def read_situation(api: Api, wanted: Wanted) -> Situation:
    """Return what is there now and what is wanted. Raises InvalidPackageError for a package that cannot be read."""
    live, revision = api.flows()
    new = read_package(wanted.package) if wanted.package is not None else None
    old = read_package(wanted.installed) if wanted.installed is not None else None
    return Situation(live, revision, wanted, new, old)


def make_plan(api: Api, wanted: Wanted) -> AdapterPlan:
    """Return the step and every problem that stands in its way."""
    now = read_situation(api, wanted)
    merged = now.merged()
    problems = [*_rights(api, now, merged), *_state(api), *_types(api, now, merged), *_ownership(now)]
    problems += [*_globals(now), *_endpoints(merged, now), *_left_behind(now, merged)]
    return AdapterPlan((_step(now, merged),), tuple(problems), tuple(_notes(now, merged)))


def _step(now: Situation, merged: Sequence[Node]) -> StepPlan:
    before = {node["id"]: node for node in now.live}
    after = {node["id"]: node for node in merged}
    added, removed = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    changed = sum(1 for id_ in after.keys() & before.keys() if after[id_] != before[id_])
    doing = "remove" if now.new is None else "deploy"
    summary = f"{doing} {now.wanted.solution}: {added} nodes added, {changed} changed, {removed} removed, all at once"
    return StepPlan(STEP, summary)


def _rights(api: Api, now: Situation, merged: Sequence[Node]) -> Iterator[Problem]:
    body = now.body(merged)
    try:
        is_big = len(encode({"flows": body})) > BODY_LIMIT * 0.98
        may = api.may_deploy(merged if is_big else None)
    except PlatformRefusedError as error:
        yield Problem(error.message, error.hint)
        return
    if not may:
        yield Problem("our credentials may not deploy there", "give our token the scope `flows.write` in settings.js")


def _state(api: Api) -> Iterator[Problem]:
    state = api.state()
    if state != "start":
        told = {"stop": "the flows there are stopped", "safe": "Node-RED runs there in safe mode"}
        hint = "start them (Deploy menu, Start), or find out who stopped them and why"
        yield Problem(told.get(state, f"the flows there are in state {state}"), hint)


def _types(api: Api, now: Situation, merged: Sequence[Node]) -> Iterator[Problem]:
    """Yield what would leave flows unstarted: Node-RED accepts such a deployment and starts nothing new."""
    usable, broken = api.node_types()
    ours = owned_ids(now.live, now.old, now.new)
    for type_, users in sorted(missing_types(merged, usable).items()):
        own = [node for node in users if node["id"] in ours]
        told = broken.get(type_, "it is not installed there")
        if type_.startswith(SUBFLOW_PREFIX):
            where = _place(users[0], merged)
            yield Problem(
                f"a subflow that is not there is used by {where}", "take its instances out, or add the subflow"
            )
        elif own:
            hint = "install or enable the module that provides it there, then plan again"
            yield Problem(f"node type *{type_}* cannot be used: {told}", hint)
        else:
            hint = "flows of others wait for it, and nothing that is deployed starts: install it, or remove its nodes"
            yield Problem(f"node type *{type_}* of {_place(users[0], merged)} cannot be used: {told}", hint)


def missing_types(nodes: Sequence[Node], usable: frozenset[str]) -> dict[str, list[Node]]:
    """Return the node types that nothing provides, with the nodes of each. Disabled nodes count, as for the runtime."""
    subflows = {SUBFLOW_PREFIX + node["id"] for node in nodes if node["type"] == "subflow"}
    missing: dict[str, list[Node]] = {}
    for node in nodes:
        if node["type"] not in _NO_TYPE_NEEDED | subflows | usable:
            missing.setdefault(node["type"], []).append(node)
    return missing


def _ownership(now: Situation) -> Iterator[Problem]:
    """Yield nodes that are there already though our records do not say that this solution put them there."""
    if now.new is None:
        return
    holders = {c.id: name for name, inventory in now.wanted.others.items() for c in inventory.components}
    mine = owned_ids(now.live, now.old) if now.old else frozenset[str]()
    there = [node for node in now.live if node["id"] in {n["id"] for n in now.new.nodes} - mine]
    foreign = [node for node in there if node["id"] in holders]
    for node in foreign[:5]:
        hint = "one node can belong to one solution only: copy it, or put both into one solution"
        yield Problem(f"{node['type']} *{name_of(node)}* belongs to {holders[node['id']]} there", hint)
    unowned = [node for node in there if node["id"] not in holders]
    if unowned:
        first = next((node for node in unowned if node["type"] == "tab"), unowned[0])
        hint = "adopt what runs there as the first release, or remove it there"
        message = f"{len(unowned)} nodes of it are there already, and no release put them there"
        yield Problem(f"{message}: {first['type']} *{name_of(first)}*", hint)


def _globals(now: Situation) -> Iterator[Problem]:
    there = live_globals(now.live)
    given = global_entries(now.new, now.wanted.configuration.variables)
    for name, entry in given.items():
        held = there.get(name)
        holder = _holder_of(now, name)
        is_secret = entry["type"] == "cred"
        if held is None or (is_same(held, entry) and not is_secret):
            continue
        if holder:
            hint = f"use another name, or give both the same value; {holder} has it too"
            yield Problem(f"variable {name} has another value in the whole environment, for {holder}", hint)
        elif name not in global_names(now.old):
            hint = "adopt what runs there, or give the same value; somebody set it there by hand"
            yield Problem(f"variable {name} is set there already, by no release, to another value", hint)


def _holder_of(now: Situation, name: str) -> str:
    """Return the other solution that uses a global name, or nothing.

    An inventory does not tell a variable of the whole environment from one of a tab, so a solution whose own tabs or
    groups declare the name is passed over.
    """
    for solution, inventory in now.wanted.others.items():
        ids = {component.id for component in inventory.components}
        own = {e["name"] for node in now.live if node["id"] in ids for e in entries_of(node)}
        if name in _names(inventory) and name not in own:
            return solution
    return ""


def _names(inventory: Inventory) -> set[str]:
    secret = {field for c in inventory.connections if c.connector == "global-config" for field in c.fields}
    return {variable.name for variable in inventory.variables} | secret


def _endpoints(merged: Sequence[Node], now: Situation) -> Iterator[Problem]:
    """Yield addresses that two nodes would answer: Node-RED says nothing and lets the first one win."""
    ours = owned_ids(now.live, now.old, now.new)
    idle = {node["id"] for node in merged if node["type"] == "tab" and node.get("disabled")}
    tabs = {node["id"] for node in merged if node["type"] == "tab"}
    answered: dict[tuple[str, str], Node] = {}
    for node in merged:
        if node["type"] != "http in" or node.get("d") or node.get("z") in idle or node.get("z") not in tabs:
            continue
        address = (str(node.get("method", "")).upper(), "/" + str(node.get("url", "")).strip("/"))
        first = answered.setdefault(address, node)
        if first is not node and {first["id"], node["id"]} & ours and "${" not in address[1]:
            hint = "give one of them another address; the runtime would let the first one win, without a word"
            places = f"{_place(first, merged)} and by {_place(node, merged)}"
            yield Problem(f"{' '.join(address)} would be answered by {places}", hint)


def _left_behind(now: Situation, merged: Sequence[Node]) -> Iterator[Problem]:
    """Yield nodes of others that use what this deployment takes away."""
    after = {node["id"] for node in merged}
    gone = {node["id"]: node for node in now.live if node["id"] not in after}
    ours = owned_ids(now.live, now.old, now.new)
    for node in (node for node in merged if node["id"] not in ours):
        for id_ in set(references(node)) & gone.keys():
            used = gone[id_]
            hint = "take the reference out first, or make both one solution"
            yield Problem(f"{used['type']} *{name_of(used)}* goes, and {_place(node, merged)} uses it", hint)


def _place(node: Node, nodes: Sequence[Node]) -> str:
    home = next((one for one in nodes if one["id"] == node.get("z")), None)
    own = f"{node['type']} *{name_of(node)}*"
    return f"{own} on {home['type']} *{name_of(home)}*" if home else own


def _notes(now: Situation, merged: Sequence[Node]) -> Iterator[str]:
    if live_globals(now.live) != live_globals(merged) or global_secrets(now.new) or global_secrets(now.old):
        yield "values of the whole environment change: Node-RED restarts every flow, requests under way are lost"
    modules = [d.name for d in (now.new.dependencies if now.new else ()) if d.kind == "npm module"]
    if modules:
        names = ", ".join(modules)
        yield f"Node-RED does not tell whether it has these npm modules, and starts nothing if one is missing: {names}"
    if now.old and now.live:
        mine = {node["id"] for node in now.old.nodes}
        extra = [node for node in now.live if node["id"] in owned_ids(now.live, now.old, now.new) - mine]
        extra = [node for node in extra if node["id"] not in {n["id"] for n in merged}]
        if extra:
            yield f"{len(extra)} nodes that somebody added there by hand will be removed: {_place(extra[0], now.live)}"
