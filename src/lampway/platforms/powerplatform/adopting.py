"""Hold what runs in an environment against a package: a managed solution never leaves the place it was installed in."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.configuration import ConfigurationSet
from lampway.engine.bringing import Matched
from lampway.engine.platform import Installed
from lampway.errors import InvalidPackageError, NotFoundError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.contents import Contents, read_package
from lampway.platforms.powerplatform.given import flow_edits_of
from lampway.platforms.powerplatform.inventory import definitions_of
from lampway.platforms.powerplatform.layers import FLOW, REFERENCE, components_there
from lampway.platforms.powerplatform.observe import hold_against
from lampway.platforms.powerplatform.present import Present, look_around

_UNSEEN = (
    "held against the package by what flows do, and by name, version and layers for all else: the platform tells no "
    "more of what is managed"
)


def match_package(client: Client, package: bytes) -> Matched:
    """Return how what runs there differs from a package, with the values and the connections that are given there."""
    contents = read_package(package)
    name = contents.manifest.unique_name
    if not contents.manifest.managed:
        hint = "give the managed package, which is what production holds"
        raise InvalidPackageError("an unmanaged package never runs in production", where=name, hint=hint)
    present = look_around(client)
    if name.lower() not in present.solutions:
        known = ", ".join(one.name for one in present.solutions.values() if not one.is_own) or "none"
        raise NotFoundError(f"no solution {name} there", where=client.where, hint=f"there is: {known}")
    installed = Installed(package, ConfigurationSet())
    return Matched(
        differences=hold_against(client, present, contents, installed),
        values=dict(_values(present, contents)),
        bindings=dict(_bindings(present, contents)),
        notes=(_UNSEEN, *_notes(client, present, contents)),
    )


def _values(present: Present, contents: Contents) -> Iterator[tuple[str, str]]:
    for definition in definitions_of(contents).values():
        value = present.values.get(definition.name.lower())
        if value is not None:
            yield definition.name, str(value)


def _bindings(present: Present, contents: Contents) -> Iterator[tuple[str, str]]:
    for part in contents.parts:
        if part.type == REFERENCE and part.header is not None and present.bindings.get(part.id):
            yield part.header.get("connectionreferencelogicalname", part.id), present.bindings[part.id]


def _notes(client: Client, present: Present, contents: Contents) -> Iterator[str]:
    """Yield flows that are on, off or owned otherwise than after a deployment: the first scan will tell the same."""
    there = components_there(client, present.solutions[contents.manifest.unique_name.lower()].id)
    flows = [present.flows[one.id] for one in there if one.kind == FLOW and one.id in present.flows]
    for edit in flow_edits_of(contents, flows, is_on=True):
        yield f"{edit.summary}, and will be told as drift until that is put right or accepted"
