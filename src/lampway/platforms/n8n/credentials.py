"""Credentials: a node names one by type, id and name; only the id counts, and every instance has ids of its own.

In a package a node names a *connection* of the solution instead, which every environment binds to one of its own
credentials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lampway.platforms.n8n.workflows import Node, Workflow, name_of

CredentialKey = tuple[str, str, str]
"""What tells a credential from others: its type, its id, and its name where it has no id."""


@dataclass(frozen=True, slots=True)
class ConnectionSlot:
    """A place where an environment's credential goes."""

    name: str
    connector: str
    """The type of the credential."""
    used_by: tuple[str, ...]
    """The nodes that name it, each with its workflow."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A credential of an instance."""

    id: str
    name: str


def key_of(type_: str, stated: Any) -> CredentialKey:
    """Return what tells a credential from others, as a node names it; old nodes know its name only."""
    id_, name = _stated(stated)
    return (type_, id_, "" if id_ else name)


def _stated(stated: Any) -> tuple[str, str]:
    if isinstance(stated, dict):
        id_, name = stated.get("id"), stated.get("name")
        return (str(id_) if isinstance(id_, str | int) else ""), (name if isinstance(name, str) else "")
    return "", (stated if isinstance(stated, str) else "")


def named_in(workflows: Sequence[Workflow]) -> dict[CredentialKey, list[str]]:
    """Return every credential that nodes name, with the names they know it by, in the order of the workflows."""
    found: dict[CredentialKey, list[str]] = {}
    for workflow in workflows:
        for node in workflow["nodes"]:
            for type_, stated in (node.get("credentials") or {}).items():
                found.setdefault(key_of(type_, stated), []).append(_stated(stated)[1])
    return found


def name_credentials(workflows: Sequence[Workflow], known: Mapping[str, str] | None = None) -> dict[CredentialKey, str]:
    """Return the name of the connection that stands for each credential: the credential's own.

    `known` tells the names that ids have on the instance; nodes may remember an older one. Where two share a name, the
    type stands behind it, and where they share that too, the id. One that was never chosen is called by its type.
    """
    found = named_in(workflows)
    plain = {key: (known or {}).get(key[1], "") or _usual(names) or _usual([key[0]]) for key, names in found.items()}
    often = Counter(plain.values())
    typed = Counter((plain[key], key[0]) for key in found)
    taken: set[str] = set()
    return {
        key: _free(_told_apart(key, name, alone=often[name] == 1, only=typed[name, key[0]] == 1), key, taken)
        for key, name in plain.items()
    }


def _told_apart(key: CredentialKey, name: str, *, alone: bool, only: bool) -> str:
    if alone:
        return name
    return f"{name} ({key[0]})" if only else f"{name} ({key[1] or key[0]})"


def _free(name: str, key: CredentialKey, taken: set[str]) -> str:
    """Return a name that no credential before has, and remember it."""
    free = " ".join(name.split())
    while free in taken:
        free = " ".join(f"{free} ({key[1] or key[0] or 'another'})".split())
    taken.add(free)
    return free


def _usual(names: Sequence[str]) -> str:
    """Return the name that most nodes know."""
    counted = Counter(" ".join(name.split()) for name in names if name.strip())
    return max(sorted(counted), key=lambda name: counted[name], default="")


def with_connections(workflow: Workflow, names: Mapping[CredentialKey, str]) -> Workflow:
    """Return a workflow whose nodes name connections in place of credentials; any that has no name stays."""

    def named(type_: str, stated: Any) -> Any:
        name = names.get(key_of(type_, stated))
        return stated if name is None else {"name": name}

    return _with(workflow, named)


def with_credentials(workflow: Workflow, bound: Mapping[str, Bound]) -> Workflow:
    """Return a workflow of a package whose nodes name the credentials that connections stand for in an environment."""

    def chosen(_type: str, stated: Any) -> Any:
        credential = bound.get(stated["name"])
        return stated if credential is None else {"id": credential.id, "name": credential.name}

    return _with(workflow, chosen)


def _with(workflow: Workflow, change: Any) -> Workflow:
    return {**workflow, "nodes": [_changed(node, change) for node in workflow["nodes"]]}


def _changed(node: Node, change: Any) -> Node:
    credentials = node.get("credentials")
    if not credentials:
        return {key: value for key, value in node.items() if key != "credentials"}
    return {**node, "credentials": {type_: change(type_, stated) for type_, stated in credentials.items()}}


def find_connections(workflows: Sequence[Workflow]) -> tuple[ConnectionSlot, ...]:
    """Return every connection that workflows of a package name, by name."""
    found: dict[tuple[str, str], set[str]] = {}
    for workflow in workflows:
        for node in workflow["nodes"]:
            for type_, stated in (node.get("credentials") or {}).items():
                readers = found.setdefault((_stated(stated)[1], type_), set())
                readers.add(f"{name_of(workflow)} / {node['name']}")
    return tuple(ConnectionSlot(name, type_, tuple(sorted(users))) for (name, type_), users in sorted(found.items()))
