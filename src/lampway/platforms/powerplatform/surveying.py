"""Look at an environment whole, to tell by the next look what was edited: no solution need be known for it.

What flows do is put into a package of its own, so that two looks are compared as two packages are. Everything else has
a state in words: versions, saved apps, what was edited in place, what connection references stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from lampway.engine.bringing import Sight, Surveyed
from lampway.engine.platform import Export
from lampway.platforms.archives import write_archive
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.flows import bare_flow, without_values
from lampway.platforms.powerplatform.inventory import BINDING
from lampway.platforms.powerplatform.jsontext import compact
from lampway.platforms.powerplatform.layers import CANVAS, FLOW, REFERENCE, VALUE, at_once, components_there
from lampway.platforms.powerplatform.present import SOLUTION, Here, Present, look_around

_MANIFEST = (
    b"<ImportExportXml><SolutionManifest><UniqueName>live</UniqueName><Version>0.0.0.0</Version><Managed>0</Managed>"
    b"<Descriptions /></SolutionManifest></ImportExportXml>"
)
_TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types" />'
_TOLD_APART = frozenset({FLOW, REFERENCE, VALUE})


def survey(client: Client) -> Surveyed:
    """Return what is there. Changes nothing. Raises UnreachableError, AccessError, PlatformError."""
    present = look_around(client)
    others = [*_solutions(present), *_apps(present), *_references(present), *_edited(client, present)]
    return Surveyed(
        export=Export(
            package=_flows(client),
            values={name: value for name, value in present.values.items() if value is not None},
            bound={name: (BINDING,) for name, connection in present.bindings.items() if connection},
        ),
        others=tuple(others),
        count=len(present.flows) + len(present.apps),
    )


def _flows(client: Client) -> bytes:
    """Return every cloud flow there as a package, without values of variables."""
    members: dict[str, bytes] = {}
    headers: list[str] = []
    columns = "workflowid,name,statecode,clientdata"
    for row in sorted(client.rows("workflows", select=columns, filter="category eq 5"), key=_id_of):
        flow = bare_flow(str(row.get("clientdata") or ""))
        if flow is not None:
            file = f"Workflows/{_id_of(row)}.json"
            members[file] = compact(without_values(flow))
            headers.append(_header(row, file))
    sections = "".join(headers)
    customizations = f"<ImportExportXml><Workflows>{sections}</Workflows></ImportExportXml>"
    fixed = {"solution.xml": _MANIFEST, "[Content_Types].xml": _TYPES}
    return write_archive({**members, **fixed, "customizations.xml": customizations.encode()})


def _id_of(row: Mapping[str, Any]) -> str:
    return str(row.get("workflowid") or "").lower()


def _header(row: Mapping[str, Any], file: str) -> str:
    state = int(row.get("statecode") == 1)
    name = "".join(char for char in str(row.get("name") or "") if char.isprintable())
    return (
        f"<Workflow WorkflowId={quoteattr('{' + _id_of(row) + '}')} Name={quoteattr(name)}><JsonFileName>/{file}"
        f"</JsonFileName><Category>5</Category><StateCode>{state}</StateCode><StatusCode>{state + 1}</StatusCode>"
        "</Workflow>"
    )


def _known(present: Present) -> list[Here]:
    return [one for _, one in sorted(present.solutions.items()) if not one.is_own]


def _solutions(present: Present) -> Iterator[Sight]:
    for one in _known(present):
        form = "managed" if one.is_managed else "unmanaged"
        yield Sight(SOLUTION, one.name, one.id, f"version {one.version}, {form}")


def _apps(present: Present) -> Iterator[Sight]:
    for one in sorted(present.apps.values(), key=lambda app: (app.title.lower(), app.id)):
        yield Sight(CANVAS, one.title, one.id, f"saved {one.changed[:16].replace('T', ' ') or 'at some time'}")


def _references(present: Present) -> Iterator[Sight]:
    for name, connection in sorted(present.bindings.items()):
        yield Sight(REFERENCE, name, name, f"stands for {connection}" if connection else "stands for no connection")


def _edited(client: Client, present: Present) -> Iterator[Sight]:
    """Yield what carries an edit in place and is no flow: those are compared by what they do."""
    managed = [one for one in _known(present) if one.is_managed]
    seen: set[str] = set()
    for there in at_once(lambda one: components_there(client, one.id), managed):
        for placed in there:
            if placed.is_customized and placed.kind not in _TOLD_APART and placed.id not in seen:
                seen.add(placed.id)
                yield Sight(placed.kind, placed.name, f"edited {placed.id}", "edited in place")
