"""What is in an environment: solutions, flows, apps, values and bindings, read with a handful of requests."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from lampway.domain.package import Component
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.layers import CANVAS, FLOW

SOLUTION = "solution"
_EVERYTHING = frozenset({"default", "active", "basic"})
"""Solutions that hold whatever is in none."""
_OWN_PUBLISHERS = ("microsoft", "dynamics365", "msdyn", "adx", "crmsupport")
"""How the names of publishers begin whose solutions are the platform's own."""
_PERSONAL = "Common Data Services Default Solution"
_WORKFLOW, _CANVAS = 29, 300
_EXPAND = "environmentvariabledefinition_environmentvariablevalue($select=value,versionnumber)"


@dataclass(frozen=True, slots=True)
class Here:
    """A solution that is there."""

    id: str
    name: str
    """Its unique name."""
    title: str
    version: str
    is_managed: bool
    description: str
    is_own: bool
    """Whether it is the platform's, or one that holds whatever is in no other."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A cloud flow that is there."""

    id: str
    name: str
    is_on: bool
    owner: str
    """Id of the user or the team."""
    maker: str
    """Id of who made it there: of a flow that was imported, who imported it."""
    changed: str
    """ISO time."""


@dataclass(frozen=True, slots=True)
class App:
    """A canvas app that is there."""

    id: str
    name: str
    title: str
    owner: str
    changed: str


@dataclass(slots=True)
class Present:
    """Everything that was seen in one look."""

    solutions: dict[str, Here] = field(default_factory=dict)
    """By unique name, in lower case."""
    flows: dict[str, Flow] = field(default_factory=dict)
    """By id."""
    apps: dict[str, App] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Environment variable in lower case to the value that is given there; None for none."""
    bindings: dict[str, str] = field(default_factory=dict)
    """Connection reference in lower case to the connection that it stands for; empty for none."""
    held: dict[str, set[str]] = field(default_factory=dict)
    """Flow or app to the ids of the solutions that hold it."""
    marks: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """What tells whether something changed since."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that no release put there."""

    component: Component
    owner: str = ""
    """Id of the user or the team."""
    changed: str = ""


def look_around(client: Client) -> Present:
    """Return what is there. Seven requests, whatever is there, and more only where it does not fit into one page."""
    present = Present()
    _see_solutions(client, present)
    _see_flows(client, present)
    _see_apps(client, present)
    _see_given(client, present)
    kinds = f"componenttype eq {_WORKFLOW} or componenttype eq {_CANVAS}"
    for row in client.rows("solutioncomponents", select="objectid,componenttype,_solutionid_value", filter=kinds):
        present.held.setdefault(str(row.get("objectid")).lower(), set()).add(str(row.get("_solutionid_value")).lower())
    return present


def _see_solutions(client: Client, present: Present) -> None:
    columns = "solutionid,uniquename,friendlyname,version,ismanaged,description,modifiedon,versionnumber"
    expand = "publisherid($select=uniquename)"
    for row in client.rows("solutions", select=columns, filter="isvisible eq true", expand=expand):
        name = str(row.get("uniquename") or "")
        publisher = row.get("publisherid")
        by = str(publisher.get("uniquename") or "") if isinstance(publisher, dict) else ""
        title = str(row.get("friendlyname") or name)
        present.solutions[name.lower()] = Here(
            id=str(row.get("solutionid")).lower(),
            name=name,
            title=title,
            version=str(row.get("version") or ""),
            is_managed=bool(row.get("ismanaged")),
            description=str(row.get("description") or ""),
            is_own=name.lower() in _EVERYTHING or title == _PERSONAL or by.lower().startswith(_OWN_PUBLISHERS),
        )
        present.marks[f"solution {name}"] = (row.get("version"), row.get("ismanaged"), row.get("versionnumber"))


def _see_flows(client: Client, present: Present) -> None:
    columns = "workflowid,name,statecode,modifiedon,versionnumber,_ownerid_value,_createdby_value"
    for row in client.rows("workflows", select=columns, filter="category eq 5"):
        id_ = str(row.get("workflowid")).lower()
        present.flows[id_] = Flow(
            id=id_,
            name=str(row.get("name") or ""),
            is_on=row.get("statecode") == 1,
            owner=str(row.get("_ownerid_value") or "").lower(),
            maker=str(row.get("_createdby_value") or "").lower(),
            changed=str(row.get("modifiedon") or ""),
        )
        present.marks[f"flow {id_}"] = (row.get("statecode"), row.get("modifiedon"), row.get("versionnumber"))


def _see_apps(client: Client, present: Present) -> None:
    for row in client.rows("canvasapps", select="canvasappid,name,displayname,lastmodifiedtime,_ownerid_value"):
        id_ = str(row.get("canvasappid")).lower()
        name, changed = str(row.get("name") or ""), str(row.get("lastmodifiedtime") or row.get("modifiedon") or "")
        title, owner = str(row.get("displayname") or name), str(row.get("_ownerid_value") or "").lower()
        present.apps[id_] = App(id_, name, title, owner, changed)
        present.marks[f"app {id_}"] = (changed,)


def _see_given(client: Client, present: Present) -> None:
    for row in client.rows("environmentvariabledefinitions", select="schemaname,versionnumber", expand=_EXPAND):
        name = str(row.get("schemaname") or "").lower()
        values = row.get("environmentvariabledefinition_environmentvariablevalue")
        first = values[0] if isinstance(values, list) and values and isinstance(values[0], dict) else {}
        present.values[name] = first.get("value")
        present.marks[f"variable {name}"] = (row.get("versionnumber"), first.get("versionnumber"))
    columns = "connectionreferencelogicalname,connectionid,versionnumber"
    for row in client.rows("connectionreferences", select=columns):
        name = str(row.get("connectionreferencelogicalname") or "").lower()
        present.bindings[name] = str(row.get("connectionid") or "")
        present.marks[f"reference {name}"] = (row.get("connectionid"), row.get("versionnumber"))


def strays(present: Present, known: Collection[str]) -> Iterator[Stray]:
    """Yield what no release put there: solutions but the platform's own, then flows and apps that are in none."""
    for key, solution in sorted(present.solutions.items()):
        if key not in known and not solution.is_own:
            yield Stray(Component(SOLUTION, solution.name, solution.id, ""))
    yield from loose(present)


def loose(present: Present) -> Iterator[Stray]:
    """Yield flows and apps that are in no solution of anybody's."""
    everything = {one.id for one in present.solutions.values() if one.is_own and not one.is_managed}
    owned = {one.id for one in present.solutions.values()} - everything
    found = [Stray(Component(FLOW, one.name, one.id, ""), one.owner, one.changed) for one in present.flows.values()]
    found += [Stray(Component(CANVAS, one.title, one.id, ""), one.owner, one.changed) for one in present.apps.values()]
    for stray in sorted(found, key=lambda one: (one.component.type, one.component.name.lower(), one.component.id)):
        if not present.held.get(stray.component.id, set()) & owned:
            yield stray
