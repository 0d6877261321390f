"""How tables, choices and security roles changed, in the words of whoever builds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lampway.domain.package import Edit
from lampway.platforms.powerplatform.manifest import bare_id, kind_of_type
from lampway.platforms.powerplatform.tables import (
    blank_labels,
    column_name,
    columns_of,
    digest_form,
    form_name,
    forms_of,
    view_name,
    views_of,
)
from lampway.platforms.powerplatform.wording import MOST, changed, leaf_edits, tree_of, xml_edits
from lampway.platforms.powerplatform.xmltext import Element, describes, digest_xml, text_of

_TYPES = {
    "nvarchar": "text", "ntext": "text area", "int": "whole number", "bigint": "big number", "decimal": "decimal",
    "float": "floating point", "money": "currency", "datetime": "date", "bit": "yes/no", "picklist": "choice",
    "multiselectpicklist": "choices", "lookup": "lookup", "owner": "owner", "customer": "customer", "state": "status",
    "status": "status reason", "primarykey": "id", "uniqueidentifier": "id", "image": "image", "file": "file",
    "virtual": "virtual", "partylist": "party list",
}  # fmt: skip
_WORDS = {
    "RequiredLevel": "how far it is required", "MaxLength": "greatest length", "Length": "stored length",
    "MinValue": "least value", "MaxValue": "greatest value", "Accuracy": "decimals", "Format": "format",
    "IsAuditEnabled": "auditing", "IsSecured": "column security", "IsSearchable": "search", "OptionSetName": "choice",
}  # fmt: skip
_LEVELS = {
    "basic": "own rows", "local": "the business unit", "deep": "the business unit and those below",
    "global": "the whole organisation",
}  # fmt: skip
_PRIVILEGE = re.compile(r"prv(?P<verb>AppendTo|Append|Create|Read|Write|Delete|Assign|Share|Reparent)(?P<table>\w+)")
_TYPE = ("Type",)


def type_of(column: Element) -> str:
    """Return what makers call the type of a column."""
    said = text_of(column, "Type")
    return _TYPES.get(said, said or "unknown type")


def lost_columns(old: Element, new: Element) -> list[str]:
    """Return the columns of which what they hold is destroyed: those that went, and those of another type now."""
    before, after = columns_of(old), columns_of(new)
    return [
        column_name(column)
        for name, column in before.items()
        if name not in after or text_of(after[name], "Type") != text_of(column, "Type")
    ]


def new_columns(old: Element, new: Element) -> list[str]:
    """Return the columns that came: going back takes them away again with what they hold by then."""
    before = columns_of(old)
    return [column_name(column) for name, column in columns_of(new).items() if name not in before]


def table_edits(old: Element, new: Element) -> Iterator[Edit]:
    """Yield every difference between two builds of a table: columns first, then forms, views and the rest."""
    yield from _columns(columns_of(old), columns_of(new))
    yield from _forms(old, new)
    yield from _views(old, new)
    before, after = ({way: text for way, text in tree_of(table).items() if not _is_listed(way)} for table in (old, new))
    yield from leaf_edits(before, after)


def _is_listed(way: tuple[str, ...]) -> bool:
    return way[:1] in {("FormXml",), ("SavedQueries",)} or "attributes" in way[:4]


def _columns(before: Mapping[str, Element], after: Mapping[str, Element]) -> Iterator[Edit]:
    for name, column in before.items():
        if name not in after:
            words = f"column *{column_name(column)}* ({type_of(column)}) removed: what it holds is destroyed"
            yield Edit(f"columns/{name}", words)
    for name, column in after.items():
        if name not in before:
            yield Edit(f"columns/{name}", f"column *{column_name(column)}* ({type_of(column)}) added")
    for name, column in after.items():
        if name in before and digest_xml(before[name]) != digest_xml(column):
            yield from _column(name, before[name], column)


def _column(name: str, was: Element, now: Element) -> Iterator[Edit]:
    title = f"column *{column_name(now)}*"
    if type_of(was) != type_of(now):
        words = f"{title}: type changed from {type_of(was)} to {type_of(now)}: what it holds is destroyed"
        yield Edit(f"columns/{name}", words)
    before, after = tree_of(was), tree_of(now)
    for tree in (before, after):
        tree.pop(_TYPE, None)
        for way in [way for way in tree if way[0] in _WORDS]:
            tree[_WORDS[way[0]], *way[1:]] = tree.pop(way)
    yield from leaf_edits(before, after, f"{title}: ")


def _forms(old: Element, new: Element) -> Iterator[Edit]:
    before, after = forms_of(old), forms_of(new)
    blank, names = blank_labels(old) | blank_labels(new), _names(old, new)
    for id_, (kind, form) in before.items():
        if id_ not in after:
            yield Edit(f"forms/{id_}", f"{kind} *{form_name(form)}* removed")
    for id_, (kind, form) in after.items():
        title = f"{kind} *{form_name(form)}*"
        if id_ not in before:
            yield Edit(f"forms/{id_}", f"{title} added")
        elif _is_partial(before[id_][1]) != _is_partial(form):
            yield Edit(f"forms/{id_}", f"{title}: one package holds only what was changed in it, so it is not compared")
        elif digest_form(before[id_][1], blank) != digest_form(form, blank):
            yield from _form(f"forms/{id_}", title, (before[id_][1], form), names)


def _is_partial(form: Element) -> bool:
    """Return whether a form is given as changes to another solution's form, as managed packages give it."""
    return any("solutionaction" in element.keys() for element in form.iter())  # noqa: SIM118 - no mapping


def _form(path: str, title: str, forms: tuple[Element, Element], names: Mapping[str, str]) -> Iterator[Edit]:
    before, after = (_fields(form) for form in forms)
    come, gone = [one for one in after if one not in before], [one for one in before if one not in after]
    yield from (Edit(path, f"{title}: field {_called(one, names)} added") for one in come[:MOST])
    yield from (Edit(path, f"{title}: field {_called(one, names)} removed") for one in gone[:MOST])
    if len(come) > MOST or len(gone) > MOST:
        yield Edit(path, f"{title}: {len(come)} fields added and {len(gone)} removed in all")
    if not come and not gone:
        edits = list(xml_edits(*forms, f"{title}: "))
        few = len(edits) <= 3
        yield from edits if few else [Edit(path, f"{title}: layout or behaviour changed in {len(edits)} places")]


def _fields(form: Element) -> dict[str, None]:
    return {one.get("datafieldname", ""): None for one in form.iter("control") if one.get("datafieldname")}


def _names(*tables: Element) -> dict[str, str]:
    """Return what makers call the columns of a table, by their logical names."""
    return {name: f"*{column_name(column)}*" for table in tables for name, column in columns_of(table).items()}


def _views(old: Element, new: Element) -> Iterator[Edit]:
    before, after, names = views_of(old), views_of(new), _names(old, new)
    for id_, view in before.items():
        if id_ not in after:
            yield Edit(f"views/{id_}", f"view *{view_name(view)}* removed")
    for id_, view in after.items():
        if id_ not in before:
            yield Edit(f"views/{id_}", f"view *{view_name(view)}* added")
        elif digest_xml(before[id_]) != digest_xml(view):
            yield Edit(f"views/{id_}", f"view *{view_name(view)}*: {_view(before[id_], view, names)}")


def _view(was: Element, now: Element, names: Mapping[str, str]) -> str:
    before, after = ([_called(cell.get("name", ""), names) for cell in view.iter("cell")] for view in (was, now))
    told = []
    come, gone = [c for c in after if c not in before], [c for c in before if c not in after]
    told += [f"column{'s' if len(come) > 1 else ''} {', '.join(come)} added"] if come else []
    told += [f"column{'s' if len(gone) > 1 else ''} {', '.join(gone)} removed"] if gone else []
    if not come and not gone and before != after:
        told.append("columns in another order")
    for tag, words in (
        ("filter", "filter changed"),
        ("order", "sorting changed"),
        ("link-entity", "related table changed"),
    ):
        if [digest_xml(one) for one in was.iter(tag)] != [digest_xml(one) for one in now.iter(tag)]:
            told.append(words)
    return "; ".join(told) or "widths or settings changed"


def _called(name: str, names: Mapping[str, str]) -> str:
    return names.get(name, f"*{name}*")


def choice_edits(old: Element, new: Element) -> Iterator[Edit]:
    """Yield every difference between two builds of a choice."""
    before, after = _options(old), _options(new)
    for value in dict.fromkeys([*before, *after]):
        was, now = before.get(value), after.get(value)
        if was is None and now is not None:
            yield Edit(f"options/{value}", f"option *{_label(now)}* ({value}) added")
        elif now is None and was is not None:
            yield Edit(f"options/{value}", f"option *{_label(was)}* ({value}) removed: rows that have it lose it")
        elif was is not None and now is not None and digest_xml(was) != digest_xml(now):
            yield from leaf_edits(tree_of(was), tree_of(now), f"option *{_label(now)}*: ")
    rest = [{way: text for way, text in tree_of(one).items() if way[:1] != ("options",)} for one in (old, new)]
    yield from leaf_edits(rest[0], rest[1])
    if list(before) != list(after) and before.keys() == after.keys():
        yield Edit("options", "options in another order")


def _options(choice: Element) -> dict[str, Element]:
    return {one.get("value", ""): one for one in choice.iterfind("options/option")}


def _label(option: Element) -> str:
    return describes(option, "labels/label") or option.get("value", "")


def role_edits(old: Element, new: Element) -> Iterator[Edit]:
    """Yield every difference between two builds of a security role: what it lets people do, and on which rows."""
    before, after = _privileges(old), _privileges(new)
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        what, path = _privilege(name), f"privileges/{name}"
        if was is None and now is not None:
            yield Edit(path, f"may now {what}: {_level(now)}")
        elif now is None and was is not None:
            yield Edit(path, f"may no longer {what}")
        elif was is not None and now is not None and was != now:
            yield Edit(path, f"may {what}: {_level(now)} instead of {_level(was)}")
    rest = [{way: text for way, text in tree_of(one).items() if way[:1] != ("RolePrivileges",)} for one in (old, new)]
    yield from leaf_edits(rest[0], rest[1])


def _privileges(role: Element) -> dict[str, str]:
    return {one.get("name", ""): one.get("level", "") for one in role.iterfind("RolePrivileges/RolePrivilege")}


def _privilege(name: str) -> str:
    found = _PRIVILEGE.fullmatch(name)
    if found is None:
        return f"use *{name.removeprefix('prv')}*"
    verb = {"AppendTo": "append to", "Append": "append"}.get(found["verb"], found["verb"].lower())
    return f"{verb} *{found['table']}*"


def _level(level: str) -> str:
    return _LEVELS.get(level.lower(), level)


def reference_edits(old: Element, new: Element) -> Iterator[Edit]:
    """Yield every difference between two builds of a connection reference."""
    for tag, word in (("connectorid", "connector"), ("connectionreferencedisplayname", "name")):
        was, now = (text_of(one, tag).rpartition("/")[2] for one in (old, new))
        if was != now:
            yield Edit(tag, f"{word} {changed('', was, now)}")
    rest = [
        {
            way: text
            for way, text in tree_of(one).items()
            if way[:1] not in {("connectorid",), ("connectionreferencedisplayname",)}
        }
        for one in (old, new)
    ]
    yield from leaf_edits(rest[0], rest[1])


def app_edits(old: Element, new: Element, names: Mapping[str, str]) -> Iterator[Edit]:
    """Yield every difference between two builds of a model-driven app; `names` are those of what goes by ids."""
    before, after = _shown_in(old), _shown_in(new)
    for key in dict.fromkeys([*before, *after]):
        kind, name = key
        what = f"{kind_of_type(kind)} *{names.get(name.lower(), name)}*"
        if key not in before:
            yield Edit("components", f"{what} added to the app")
        elif key not in after:
            yield Edit("components", f"{what} taken out of the app")
    rest = [{w: text for w, text in tree_of(one).items() if w[:1] != ("AppModuleComponents",)} for one in (old, new)]
    yield from leaf_edits(rest[0], rest[1])


def _shown_in(app: Element) -> dict[tuple[str, str], None]:
    found = app.iterfind("AppModuleComponents/AppModuleComponent")
    return {(one.get("type", ""), one.get("schemaName") or bare_id(one.get("id", ""))): None for one in found}
