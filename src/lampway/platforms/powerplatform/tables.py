"""Tables: columns, forms and views by their names, and what managed exports leave out of them."""

from __future__ import annotations

from collections.abc import Mapping

from lampway.domain.digest import digest
from lampway.platforms.powerplatform.manifest import bare_id
from lampway.platforms.powerplatform.xmltext import Element, describes, digest_xml, text_of

_BY_NAME = frozenset({"attributes", "FormXml", "SavedQueries"})
FORM_KINDS: Mapping[str, str] = {"main": "main form", "quick": "quick view form", "card": "card form"}


def columns_of(table: Element) -> dict[str, Element]:
    """Return the columns of a table by their logical names."""
    found = table.iterfind("EntityInfo/entity/attributes/attribute")
    return {text_of(one, "LogicalName") or one.get("PhysicalName", "").lower(): one for one in found}


def forms_of(table: Element) -> dict[str, tuple[str, Element]]:
    """Return the forms of a table by their ids, with what kind of form each is."""
    return {
        bare_id(text_of(form, "formid")): (FORM_KINDS.get(forms.get("type", ""), f"{forms.get('type', '')} form"), form)
        for forms in table.iterfind("FormXml/forms")
        for form in forms.iterfind("systemform")
    }


def views_of(table: Element) -> dict[str, Element]:
    """Return the views of a table by their ids."""
    found = table.iterfind("SavedQueries/savedqueries/savedquery")
    return {bare_id(text_of(one, "savedqueryid")): one for one in found}


def ids_in(table: Element) -> dict[str, set[str]]:
    """Return by kind everything in a table that a manifest may list by itself."""
    return {"column": set(columns_of(table)), "form": set(forms_of(table)), "view": set(views_of(table))}


def column_name(column: Element) -> str:
    """Return what makers call a column."""
    shown = describes(column, "displaynames/displayname")
    return shown or text_of(column, "LogicalName") or column.get("PhysicalName", "")


def form_name(form: Element) -> str:
    """Return what makers call a form."""
    return describes(form, "LocalizedNames/LocalizedName") or bare_id(text_of(form, "formid"))


def view_name(view: Element) -> str:
    """Return what makers call a view."""
    return describes(view, "LocalizedNames/LocalizedName") or bare_id(text_of(view, "savedqueryid"))


def blank_labels(table: Element) -> frozenset[str]:
    """Return the labels that say no more than a column does by itself: managed exports leave them out of forms."""
    return frozenset(
        shown.get("description", "")
        for column in columns_of(table).values()
        for shown in column.iterfind("displaynames/displayname")
    )


def digest_form(form: Element, blank: frozenset[str]) -> str:
    """Return the digest of a form, the same for both forms of a package."""
    return digest_xml(form, blank=blank)


def digest_table(table: Element) -> str:
    """Return the digest of a table; columns, forms and views count by their names, not by their order."""
    blank = blank_labels(table)
    rest = digest_xml(table, skip=_BY_NAME)
    columns = sorted((name, digest_xml(one)) for name, one in columns_of(table).items())
    forms = sorted((id_, kind, digest_form(form, blank)) for id_, (kind, form) in forms_of(table).items())
    views = sorted((id_, digest_xml(view)) for id_, view in views_of(table).items())
    return digest([rest, columns, forms, views])
