"""Compare what an environment holds with what was installed there.

Four things are drift: an unmanaged layer, another version or form of the solution, components that came or went, and
what the environment gives (states, owners, bindings, values). What is data by design is no edit of the definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lampway.domain.digest import digest, digest_bytes
from lampway.domain.package import Change, Component, Diff, Edit
from lampway.engine.platform import Installed, Observation, Observed
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.content import component_of, fingerprint_of_content, read_content
from lampway.platforms.powerplatform.contents import CATEGORIES, Contents, Part, read_package
from lampway.platforms.powerplatform.flow_wording import flow_edits
from lampway.platforms.powerplatform.flows import bare_flow, without_values
from lampway.platforms.powerplatform.given import given_edits
from lampway.platforms.powerplatform.layers import (
    CANVAS,
    FLOW,
    REFERENCE,
    TABLE,
    VARIABLE,
    Placed,
    at_once,
    components_there,
    layer_edits,
)
from lampway.platforms.powerplatform.present import Here, Present, look_around, strays
from lampway.platforms.powerplatform.restamp import read_mark, version_key_of

_COMPARED = frozenset({FLOW, TABLE, CANVAS, VARIABLE, REFERENCE})
"""Kinds of which both sides know every component by the same id."""
_COVERS = "saved in place without a difference; it still keeps the next release from showing"


def observe_all(client: Client, installed: Mapping[str, Installed]) -> Observation:
    """Return how each solution there differs from what was installed."""
    present = look_around(client)
    contents = {name: read_package(one.package) for name, one in installed.items()}
    there = at_once(lambda name: _components(client, present, contents[name]), list(installed))
    seen = [
        _observe(client, present, contents[name], one, listed)
        for (name, one), listed in zip(installed.items(), there, strict=True)
    ]
    names = {one.manifest.unique_name.lower() for one in contents.values()}
    return Observation(
        revision=_revision(present),
        solutions=dict(zip(installed, seen, strict=True)),
        unowned=tuple(stray.component for stray in strays(present, names)),
    )


def _revision(present: Present) -> str:
    """Return a mark of everything that was looked at; no value is in it."""
    return digest([[key, *map(str, marks)] for key, marks in sorted(present.marks.items())])[:32]


def hold_against(client: Client, present: Present, contents: Contents, installed: Installed) -> tuple[str, ...]:
    """Return how a solution there differs from a package that no record speaks of, every flow by its content."""
    solution = present.solutions[contents.manifest.unique_name.lower()]
    definition = _Definition(client, solution, contents, components_there(client, solution.id), "was given")
    return definition.compare(installed, every_flow=True).summaries()


def _components(client: Client, present: Present, contents: Contents) -> tuple[Placed, ...]:
    solution = present.solutions.get(contents.manifest.unique_name.lower())
    return components_there(client, solution.id) if solution else ()


def _observe(
    client: Client, present: Present, contents: Contents, installed: Installed, there: Sequence[Placed]
) -> Observed:
    solution = present.solutions.get(contents.manifest.unique_name.lower())
    if solution is None:
        gone = tuple(component_of(read_content(contents, part)) for part in contents.parts)
        return Observed(Diff(removed=gone), ())
    definition = _Definition(client, solution, contents, there, "was deployed")
    return Observed(definition.compare(installed), tuple(given_edits(present, contents, installed, there)))


class _Definition:
    """One solution, as it is there and as it was installed."""

    def __init__(self, client: Client, solution: Here, contents: Contents, there: Sequence[Placed], how: str) -> None:
        self._client = client
        self._solution = solution
        self._contents = contents
        self._there = there
        self._how = how
        self._parts = {(part.type, part.id.lower()): part for part in contents.parts}

    def compare(self, installed: Installed, *, every_flow: bool = False) -> Diff:
        """Return what separates them."""
        identity = tuple(self._identity(installed))
        added, removed = self._come_and_gone()
        is_managed = self._solution.is_managed
        suspects = [one for one in self._there if one.is_customized] if is_managed else []
        if identity or every_flow or not is_managed:
            suspects = [one for one in self._there if one.kind == FLOW or one in suspects]
        told = at_once(lambda placed: self._edits(placed, is_edited=is_managed and placed.is_customized), suspects)
        changes = [self._change(placed, edits) for placed, edits in zip(suspects, told, strict=True) if edits]
        changes.sort(key=lambda one: _order(one.component))
        if identity:
            manifest = self._contents.manifest
            whole = Component("solution", manifest.name, manifest.unique_name, "")
            changes.insert(0, Change(whole, identity))
        unchanged = len(self._contents.parts) - len(removed) - sum(1 for one in changes if one.component.fingerprint)
        return Diff(added=added, removed=removed, changed=tuple(changes), unchanged=max(unchanged, 0))

    def _identity(self, installed: Installed) -> Iterator[Edit]:
        """Yield what the manifest of the environment says otherwise than the record."""
        manifest = self._contents.manifest
        there = self._solution
        mark = read_mark(there.description, there.version)
        is_held = mark is not None and mark.digest == digest_bytes(installed.package)
        if version_key_of(there.version) != version_key_of(manifest.version) and not is_held:
            yield Edit("version", f"version {there.version} is installed, and {manifest.version} {self._how}")
        if there.is_managed != manifest.managed:
            forms = ("unmanaged", "managed")
            yield Edit("managed", f"it is {forms[there.is_managed]} there, and {forms[manifest.managed]} {self._how}")

    def _come_and_gone(self) -> tuple[tuple[Component, ...], tuple[Component, ...]]:
        """Return what is in the solution there and not in the release, and the other way round."""
        compared = [one for one in self._there if one.kind in _COMPARED]
        added = (Component(one.kind, one.name, one.id, "") for one in compared if self._part(one) is None)
        kinds = {one.kind for one in compared} | {FLOW}
        here = {(one.kind, id_) for one in compared for id_ in one.ids}
        gone = [part for key, part in self._parts.items() if part.type in kinds & _COMPARED and key not in here]
        removed = (component_of(read_content(self._contents, part)) for part in gone)
        return tuple(sorted(added, key=_order)), tuple(sorted(removed, key=_order))

    def _part(self, placed: Placed) -> Part | None:
        kinds = (
            (FLOW, *CATEGORIES.values()) if placed.kind == FLOW else (placed.kind,)
        )  # not every summary tells them apart
        found = (self._parts.get((kind, id_)) for kind in kinds for id_ in placed.ids)
        return next(filter(None, found), None)

    def _edits(self, placed: Placed, *, is_edited: bool) -> tuple[Edit, ...]:
        part = self._part(placed)
        if placed.kind == FLOW and part is not None:
            found = self._flow_edits(placed, part)
            if found or not is_edited:
                return found
        edits = layer_edits(self._client, placed) if is_edited else None
        if edits is None:
            return ()
        if placed.kind == FLOW:
            edits = tuple(edit for edit in edits if edit.path != "layer/clientdata")
        return edits or (Edit("layer", _COVERS),)

    def _flow_edits(self, placed: Placed, part: Part) -> tuple[Edit, ...]:
        """Return what in a flow differs, read from what runs there."""
        recorded = read_content(self._contents, part).flow
        row = self._client.row("workflows", placed.id, select="workflowid,clientdata,name,description")
        live = bare_flow(str(row.get("clientdata") or ""))
        if recorded is None or live is None:
            return ()
        edits = list(flow_edits(without_values(recorded), without_values(live)))
        if str(row.get("name") or "") not in ("", part.name):
            edits.insert(0, Edit("Name", f"renamed from *{part.name}* to *{row['name']}*"))
        return tuple(dict.fromkeys(edits))

    def _change(self, placed: Placed, edits: tuple[Edit, ...]) -> Change:
        part = self._part(placed)
        if part is None:
            return Change(Component(placed.kind, placed.name, placed.id, ""), edits)
        fingerprint = fingerprint_of_content(read_content(self._contents, part))
        return Change(Component(part.type, part.name, part.id, fingerprint), edits)


def _order(component: Component) -> tuple[str, str, str]:
    """Return by what components are listed: a look that sees the same tells the same, in the same order."""
    return component.type, component.name.lower(), component.id
