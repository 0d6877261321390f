"""Faults that only a reader of n8n's workflows can tell, beside what a scanner finds in their texts."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.package import Finding, Severity
from lampway.platforms.n8n.configuration import fields_of, is_unreadable
from lampway.platforms.n8n.contents import Contents
from lampway.platforms.n8n.literals import is_secret
from lampway.platforms.n8n.needs import process_variables_read, variables_read
from lampway.platforms.n8n.workflows import Node, Workflow, loose_wires, name_of, places_of

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
    for node in workflow["nodes"]:
        yield from _of_node(node, places[node["name"]])
    for field in fields_of(workflow):
        if is_secret(field.name) and field.name not in contents.constants:
            summary = f"*{field.name[:60]}* sounds like a secret, and values of *Configuration* nodes are no secrets"
            fix = "keep it in a credential of n8n and let the node that needs it use that"
            place = f"workflow {field.place} / {field.name}"
            yield Finding("secret-as-variable", Severity.GOVERNANCE, place, summary, fix)
    loose = loose_wires(workflow)
    if loose:
        names = ", ".join(dict.fromkeys(f"*{w.source[:40]}* to *{w.target[:40]}*" for w in loose[:3]))
        summary = f"{len(loose)} wires begin or end at nodes that are not there: {names}"
        fix = "open it in the editor and save it: n8n refuses it as it is"
        yield Finding("loose-wire", Severity.GOVERNANCE, f"workflow {name_of(workflow)}", summary, fix)


def _of_node(node: Node, place: str) -> Iterator[Finding]:
    for name in sorted(variables_read(node)):
        summary = f"reads $vars.{name[:60]}, which n8n has with a licence only"
        yield Finding("licensed-variable", Severity.GOVERNANCE, place, summary, _READ_IT)
    for name in sorted(process_variables_read(node)):
        summary = f"reads $env.{name[:60]}: it needs an instance that shows its whole environment to every workflow"
        yield Finding("process-variable", Severity.GOVERNANCE, place, summary, _READ_IT)
    if is_unreadable(node):
        summary = "is written as one JSON text, so that its values stay in the package"
        fix = "choose *Manual Mapping* as its mode, with one field for each value"
        yield Finding("unreadable-configuration", Severity.GOVERNANCE, place, summary, fix)
