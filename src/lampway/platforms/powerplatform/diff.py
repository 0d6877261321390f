"""What separates two solution packages, in a maker's words, and whether it can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lampway.domain.package import Change, Component, Diff, Edit, Reversibility
from lampway.platforms.powerplatform.canvas import CanvasApp, connections_of, normalise_header
from lampway.platforms.powerplatform.canvas_wording import canvas_edits
from lampway.platforms.powerplatform.content import (
    RECORD_NOISE,
    Content,
    JsonFile,
    Opaque,
    Value,
    component_of,
    read_content,
    value_in,
)
from lampway.platforms.powerplatform.contents import VALUE, Contents
from lampway.platforms.powerplatform.flow_wording import flow_edits
from lampway.platforms.powerplatform.flows import is_flow
from lampway.platforms.powerplatform.inventory import definitions_of
from lampway.platforms.powerplatform.manifest import Manifest, dependencies_of, version_key
from lampway.platforms.powerplatform.names import printable
from lampway.platforms.powerplatform.table_wording import (
    app_edits,
    choice_edits,
    lost_columns,
    new_columns,
    reference_edits,
    role_edits,
    table_edits,
)
from lampway.platforms.powerplatform.tables import form_name, forms_of, view_name, views_of
from lampway.platforms.powerplatform.wording import changed, json_edits, leaf_edits, text_edit, tree_of, xml_edits
from lampway.platforms.powerplatform.xmltext import Element, text_of

_PROCESS_TOLD = frozenset({
    "StateCode", "StatusCode", "Name", "Description", "JsonFileName", "XamlFileName", "LocalizedNames", "Descriptions",
    "IsCustomProcessingStepAllowedForOtherPublishers", "WorkflowId",
})  # fmt: skip
_VARIABLE_WORDS = {"defaultvalue": "default value", "displayname": "display name", "isrequired": "required"}
_MENTIONED = 3


@dataclass(slots=True)
class _Report:
    """What has been found so far."""

    added: list[Component] = field(default_factory=list)
    removed: list[Component] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: int = 0
    lost: list[str] = field(default_factory=list)
    """What holds data that going forward destroys."""
    new: list[str] = field(default_factory=list)
    """What going back would destroy."""


def diff_contents(old: Contents, new: Contents) -> Diff:
    """Return what separates two packages. Components are the same when type and id are.

    Removing a table or a column destroys what it holds, and makes the change one that only goes forward. What an
    environment must give in addition, and what else must be there, is told in notes.
    """
    report = _Report()
    before = {(part.type, part.id): part for part in old.parts}
    after = {(part.type, part.id): part for part in new.parts}
    names = _names(old) | _names(new)
    for key, part in after.items():
        now = read_content(new, part)
        if key not in before:
            report.added.append(component_of(now))
            report.new += [part.title] if part.type == "table" else []
        else:
            _compare(read_content(old, before[key]), now, report, names)
    for key, part in before.items():
        if key not in after:
            report.removed.append(component_of(read_content(old, part)))
            report.lost += [part.title] if part.type == "table" else []
    for listed in (report.added, report.removed):
        listed.sort(key=lambda one: (one.type, one.name.lower(), one.id))
    report.changed.sort(key=lambda one: (one.component.type, one.component.name.lower(), one.component.id))
    return Diff(
        added=tuple(report.added),
        removed=tuple(report.removed),
        changed=tuple(report.changed),
        unchanged=report.unchanged,
        reversibility=_reversibility(report),
        notes=tuple(_notes(old, new, report)),
    )


def _names(contents: Contents) -> dict[str, str]:
    """Return what makers call forms, views and other things that are listed by their ids."""
    names = {part.id: part.name for part in contents.parts}
    for part in contents.parts:
        if part.type == "table" and part.header is not None:
            names |= {id_: form_name(form) for id_, (_, form) in forms_of(part.header).items()}
            names |= {id_: view_name(view) for id_, view in views_of(part.header).items()}
    return names


def _reversibility(report: _Report) -> Reversibility:
    if report.lost:
        return Reversibility.FORWARD_ONLY
    return Reversibility.DATA_STEP if report.new else Reversibility.REVERSIBLE


def _compare(was: Content, now: Content, report: _Report, names: Mapping[str, str]) -> None:
    before, after = component_of(was), component_of(now)
    if before.fingerprint == after.fingerprint:
        report.unchanged += 1
        return
    edits = tuple(dict.fromkeys(_printable(edit) for edit in _edits(was, now, names)))
    report.changed.append(Change(after, edits or (Edit("", "details changed that show in no word"),)))
    old, new = was.part.header, now.part.header
    if now.part.type == "table" and old is not None and new is not None:
        report.lost += [f"column *{name}* of {now.part.title}" for name in lost_columns(old, new)]
        report.new += [f"column *{name}* of {now.part.title}" for name in new_columns(old, new)]


def _printable(edit: Edit) -> Edit:
    """Return an edit without characters that would do something to a terminal: names in JSON may hold any."""
    return edit if edit.summary.isprintable() else replace(edit, summary=printable(edit.summary))


def _edits(was: Content, now: Content, names: Mapping[str, str]) -> Iterator[Edit]:
    if now.part.type == VALUE:
        yield _value(was, now)
        return
    old, new = was.part.header, now.part.header
    if old is not None and new is not None:
        yield from _header(old, new, names)
    for name in dict.fromkeys([*was.files, *now.files]):
        yield from _file(name, was, now)


def _value(was: Content, now: Content) -> Edit:
    before, after = (
        next((value_in(one.value) for one in content.files.values() if isinstance(one, JsonFile)), "")
        for content in (was, now)
    )
    return Edit("value", f"value in the package {changed(now.part.name, before, after)}")


def _header(old: Element, new: Element, names: Mapping[str, str]) -> Iterator[Edit]:
    match new.tag:
        case "Entity":
            yield from table_edits(old, new)
        case "optionset":
            yield from choice_edits(old, new)
        case "Role":
            yield from role_edits(old, new)
        case "connectionreference":
            yield from reference_edits(old, new)
        case "CanvasApp":
            yield from json_edits(normalise_header(old)["facts"], normalise_header(new)["facts"], "setting ")
            yield from _app_connections(old, new)
        case "Workflow":
            yield from _process(old, new)
        case "AppModule":
            yield from app_edits(old, new, names)
        case _:
            yield from xml_edits(old, new)


def _process(old: Element, new: Element) -> Iterator[Edit]:
    if text_of(old, "StateCode") != text_of(new, "StateCode"):
        yield Edit("StateCode", f"turned {'on' if text_of(new, 'StateCode') == '1' else 'off'}")
    if old.get("Name") != new.get("Name"):
        yield Edit("Name", f"renamed from *{old.get('Name')}* to *{new.get('Name')}*")
    if old.get("Description", "") != new.get("Description", ""):
        yield Edit("Description", f"description {changed('', old.get('Description'), new.get('Description'))}")
    before, after = ({w: text for w, text in tree_of(one).items() if w[0] not in _PROCESS_TOLD} for one in (old, new))
    yield from leaf_edits(before, after, "setting ")


def _app_connections(old: Element, new: Element) -> Iterator[Edit]:
    before, after = ({str(one.get("id")): one for one in connections_of(header)} for header in (old, new))
    for id_ in dict.fromkeys([*before, *after]):
        name = (after.get(id_) or before.get(id_) or {}).get("displayName") or id_.rpartition("/")[2]
        if id_ not in before:
            yield Edit("connections", f"connection to *{name}* added")
        elif id_ not in after:
            yield Edit("connections", f"connection to *{name}* removed")


def _file(name: str, was: Content, now: Content) -> Iterator[Edit]:
    old, new = was.files.get(name), now.files.get(name)
    if old is None:
        yield Edit(name, f"{name} added")
    elif new is None:
        yield Edit(name, f"{name} removed")
    else:
        yield from _value_edits(name, old, new, len(now.files) > 1)


def _value_edits(name: str, old: Value, new: Value, several: bool) -> Iterator[Edit]:
    prefix = f"{name}: " if several else ""
    match old, new:
        case JsonFile(), JsonFile():
            before, after = old.value, new.value
            if isinstance(before, dict) and isinstance(after, dict) and is_flow(before) and is_flow(after):
                yield from flow_edits(before, after)
            else:
                yield from json_edits(before, after, prefix)
        case CanvasApp(), CanvasApp():
            yield from canvas_edits(old, new)
        case str(), str():
            if old != new:
                yield Edit(name, text_edit(name if several else "content", old, new))
        case Opaque(), Opaque():
            if old != new:
                yield Edit(name, f"{name} changed ({old.size:,} → {new.size:,} bytes)")
        case Element(), Element():
            yield from leaf_edits(_worded(old), _worded(new), prefix)
        case _:
            yield Edit(name, f"{name} changed")


def _worded(record: Element) -> dict[tuple[str, ...], str]:
    """Return the leaves of a record under the words that makers use."""
    leaves = tree_of(record, RECORD_NOISE)
    return {(_VARIABLE_WORDS.get(way[0], way[0]), *way[1:]) if way else way: text for way, text in leaves.items()}


def _notes(old: Contents, new: Contents, report: _Report) -> Iterator[str]:
    yield from _notes_on_identity(
        old.manifest, new.manifest, is_same=not (report.added or report.removed or report.changed)
    )
    yield from _notes_on_needs(old, new)
    if report.lost:
        yield f"destroys what is held by {_listed(report.lost)}: this cannot be taken back"
    if report.new:
        yield f"going back takes {_listed(report.new)} away again, with whatever is held there by then"


def _notes_on_identity(old: Manifest, new: Manifest, *, is_same: bool) -> Iterator[str]:
    if old.unique_name != new.unique_name:
        yield f"these are two solutions: {old.unique_name} and {new.unique_name}"
    if old.managed != new.managed:
        forms = ("managed" if one.managed else "unmanaged" for one in (old, new))
        same = ", of the same build" if is_same and old.version == new.version else ""
        yield f"{' and '.join(forms)} form{same}"
    if version_key(old.version) > version_key(new.version):
        yield f"the version goes back from {old.version} to {new.version}"
    elif old.version == new.version and not is_same:
        yield f"both carry version {new.version} and differ"
    for key in old.facts:
        before, after = old.facts[key], new.facts[key]
        if before != after:
            yield f"{key} of the solution {changed('', _first(before), _first(after))}"


def _first(fact: object) -> object:
    """Return a text, or the first of one in several languages."""
    return next(iter(fact.values()), "") if isinstance(fact, dict) else fact


def _notes_on_needs(old: Contents, new: Contents) -> Iterator[str]:
    before, after = _required(old), _required(new)
    for name in sorted(after.keys() - before.keys()):
        yield f"environment variable {name} is added, and {_need(after[name])}"
    for name in sorted(before.keys() - after.keys()):
        yield f"environment variable {name} is no longer needed"
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"environment variable {name} {'now has a default' if after[name] else 'has no default any more'}"
    references = [{p.id: p for p in contents.parts if p.type == "connection reference"} for contents in (old, new)]
    for name in sorted(references[1].keys() - references[0].keys()):
        yield f"connection reference {name} must be given a connection in every environment"
    known, needed = dependencies_of(old.manifest), dependencies_of(new.manifest)
    for one in needed:
        if one not in known:
            yield f"{one.kind} {one.name}{f' {one.version}' if one.version else ''} is now needed"


def _need(has_default: bool) -> str:
    return "has a default" if has_default else "is required: it has no default"


def _required(contents: Contents) -> Mapping[str, bool]:
    """Return for every environment variable whether it has a default."""
    return {one.name: bool(one.default) for one in definitions_of(contents).values()}


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MENTIONED])
    return f"{shown} and {len(names) - _MENTIONED} more" if len(names) > _MENTIONED else shown
