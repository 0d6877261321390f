"""Faults that only a reader of n8n's workflows can tell, beside what a scanner finds in their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lampway.domain.package import Finding, Severity
from lampway.platforms.n8n.configuration import fields_of, is_unreadable
from lampway.platforms.n8n.contents import Contents
from lampway.platforms.n8n.literals import is_secret
from lampway.platforms.n8n.needs import process_variables_read, variables_read
from lampway.platforms.n8n.workflows import STICKY, Node, Workflow, loose_wires, name_of, places_of

ENDPOINT_FIX = (
    "put the address into a field of a *Configuration* node (an Edit Fields node of that name behind the trigger) and "
    "read it here with {{ $('Configuration').first().json.NAME }}: every environment gives its own"
)
"""How a maker puts a fixed address right."""

_READ_IT = "read it with {{ $('Configuration').first().json.NAME }} from a field of a *Configuration* node"


def findings_of(contents: Contents) -> tuple[Finding, ...]:
    """Return the faults in the order of the workflows. Never holds a value."""
    return tuple(finding for workflow in contents.workflows for finding in _findings(workflow, contents))


def _findings(workflow: Workflow, contents: Contents) -> Iterator[Finding]:
    places = places_of(workflow)
    whole = f"workflow {name_of(workflow)}"
    nodes = [node for node in workflow["nodes"] if node["type"] != STICKY]
    for name, readers in _readers(nodes, variables_read).items():
        summary = f"$vars.{name[:60]} is read{readers}, and n8n has such variables with a licence only"
        yield Finding("licensed-variable", Severity.GOVERNANCE, whole, summary, _READ_IT)
    for name, readers in _readers(nodes, process_variables_read).items():
        summary = f"$env.{name[:60]} is read{readers}: that shows the instance's whole environment to every workflow"
        yield Finding("process-variable", Severity.GOVERNANCE, whole, summary, _READ_IT)
    for node in nodes:
        if is_unreadable(node):
            summary = "it is written as one JSON text, so that its values stay in the package"
            fix = "choose *Manual Mapping* as its mode, with one field for each value"
            yield Finding("unreadable-configuration", Severity.GOVERNANCE, places[node["name"]], summary, fix)
    for field in fields_of(workflow):
        if is_secret(field.name) and field.name not in contents.constants:
            summary = f"*{field.name[:60]}* sounds like a secret, and values of *Configuration* nodes are no secrets"
            fix = "keep it in a credential of n8n and let the node that needs it use that"
            place = f"workflow {field.place} / {field.name}"
            yield Finding("secret-as-variable", Severity.GOVERNANCE, place, summary, fix)
    yield from _loose(workflow, whole)


def _loose(workflow: Workflow, place: str) -> Iterator[Finding]:
    loose = loose_wires(workflow)
    if loose:
        names = ", ".join(dict.fromkeys(f"*{w.source[:40]}* to *{w.target[:40]}*" for w in loose[:3]))
        wires = "1 wire begins or ends" if len(loose) == 1 else f"{len(loose)} wires begin or end"
        summary = f"{wires} at a node that is not there: {names}"
        fix = "open it in the editor and save it: n8n refuses it as it is"
        yield Finding("loose-wire", Severity.GOVERNANCE, place, summary, fix)


def _readers(nodes: Sequence[Node], names_in: Callable[[Node], set[str]]) -> dict[str, str]:
    """Return for every name in which nodes it is read, in words."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for name in sorted(names_in(node)):
            found.setdefault(name, []).append(f"*{node['name'][:60]}*")
    return {name: _in(readers) for name, readers in sorted(found.items())}


def _in(readers: Sequence[str]) -> str:
    more = f" and {len(readers) - 3} more nodes" if len(readers) > 3 else ""
    return f" in {', '.join(readers[:3])}{more}"
