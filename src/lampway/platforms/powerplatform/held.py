"""What an environment holds of a solution now: its version, what is pending, the state of its flows, its live edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.digest import digest
from lampway.platforms.powerplatform.client import Client, literal
from lampway.platforms.powerplatform.layers import at_once, components_there, layer_edits
from lampway.platforms.powerplatform.manifest import bare_id
from lampway.platforms.powerplatform.restamp import Mark, read_mark, version_key_of

UPGRADE = "_Upgrade"
"""What the name of a solution ends with that was imported beside the one it is to replace."""
_FIELDS = "solutionid,uniquename,friendlyname,version,ismanaged,isvisible,description,modifiedon"


@dataclass(frozen=True, slots=True)
class Held:
    """A solution as an environment holds it."""

    id: str
    name: str
    version: str
    managed: bool
    mark: Mark | None
    """What its description says about which release it is, where that was given another version."""

    def carries(self, version: str) -> bool:
        """Return whether it carries this version on the platform."""
        return version_key_of(self.version) == version_key_of(version)

    def is_release(self, version: str, sealed: str) -> bool:
        """Return whether it is, by its managed form, version and mark, the release of these sealed bytes."""
        if self.mark is not None:
            return self.managed and self.mark.digest == sealed
        return self.managed and self.carries(version)


@dataclass(frozen=True, slots=True)
class Edit:
    """A component that was edited in place."""

    component: str
    """What layers are asked for by, such as Workflow."""
    id: str
    name: str
    mark: str
    """A digest of what the edit says: another edit of the same component has another one."""


def find_held(client: Client, name: str) -> Held | None:
    """Return the solution of this unique name there, or None."""
    for row in client.rows("solutions", select=_FIELDS, filter=f"uniquename eq {literal(name)}"):
        if str(row.get("uniquename", "")).casefold() == name.casefold():
            return _held(row)
    return None


def held_solutions(client: Client) -> tuple[Held, ...]:
    """Return every visible solution there."""
    return tuple(_held(row) for row in client.rows("solutions", select=_FIELDS, filter="isvisible eq true"))


def _held(row: Mapping[str, Any]) -> Held:
    version = str(row.get("version") or "")
    return Held(
        id=str(row.get("solutionid") or ""),
        name=str(row.get("uniquename") or ""),
        version=version,
        managed=row.get("ismanaged") is True,
        mark=read_mark(row.get("description"), version),
    )


def find_edits(client: Client, held: Held) -> tuple[Edit, ...]:
    """Return what was edited in place of a managed solution: one short call for each component that seems to be."""
    there = [one for one in components_there(client, held.id) if one.is_customized]
    told = at_once(lambda placed: layer_edits(client, placed), there)
    found = [
        Edit(one.layer_name, one.id, one.name, digest([[edit.path, edit.summary] for edit in edits]))
        for one, edits in zip(there, told, strict=True)
        if edits is not None
    ]
    return tuple(sorted(found, key=lambda edit: (edit.component, edit.name, edit.id)))


def own_state(held: Held | None, edits: Iterable[Edit]) -> str:
    """Return a digest of what is ours there: which solution, in which version and form, with which edits."""
    if held is None:
        return ""
    listed = [[edit.component, edit.id, edit.mark] for edit in edits]
    return digest([held.id, list(version_key_of(held.version)), held.managed, listed])


def flow_states(client: Client) -> dict[str, bool]:
    """Return for every cloud flow there, by its id, whether it is on."""
    asked = client.rows(
        "workflows", select="workflowid,name,statecode,statuscode,type,category", filter="category eq 5"
    )
    return {
        bare_id(str(row.get("workflowid") or "")): row.get("statecode") == 1
        for row in asked
        if row.get("type") in {None, 1}
    }
