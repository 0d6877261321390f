"""Whether all that the manifest lists is in the package: the platform's own packer warns and leaves out what is not."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.platforms.powerplatform.contents import Contents
from lampway.platforms.powerplatform.inventory import ids_by_kind
from lampway.platforms.powerplatform.manifest import RootComponent, bare_id

_TOLD_BY_PARTS = frozenset({
    "table", "process", "column", "form", "view", "canvas app", "web resource", "security role", "choice",
    "relationship", "site map", "model-driven app", "custom connector", "plug-in assembly", "plug-in step",
    "environment variable", "column security profile", "code component", "AI model",
})  # fmt: skip
"""Kinds of which every one is a component of its own here, or a part of a table that is known by its id."""


def unresolved_roots(contents: Contents) -> Iterator[str]:
    """Yield the root components that are nowhere in the package, in words.

    Kinds that are part of something else, such as a chart, and kinds whose number differs from one environment to the
    next, are looked for by id and name wherever these may stand.
    """
    known = ids_by_kind(contents)
    anywhere: set[str] = set()
    for root in contents.manifest.roots:
        if root.kind in _TOLD_BY_PARTS:
            is_there = not ({root.id, root.schema_name.lower()} - {""}).isdisjoint(known.get(root.kind, ()))
        else:
            anywhere = anywhere or _words(contents)
            names = root.schema_name.lower().split()  # of some kinds it is the names of a table and of a column
            is_there = (bool(root.id) and root.id in anywhere) or (bool(names) and anywhere.issuperset(names))
        if not is_there:
            yield f"{_title(root)} is listed in rootcomponents.yml"


def _title(root: RootComponent) -> str:
    return f"{root.kind} {root.schema_name or root.id or 'without a name'}"


def _words(contents: Contents) -> set[str]:
    """Return every id and name in a package: attributes, short texts, and names of folders and files."""
    found = {part.casefold() for name in contents.archive.names for part in name.split("/")}
    for element in contents.customizations.iter():
        found.update(bare_id(value) for value in element.attrib.values())
        if element.text and len(element.text) < 200:
            found.add(bare_id(element.text))
    return found
