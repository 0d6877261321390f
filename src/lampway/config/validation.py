"""Holds a document against its model and says what is wrong in words, each with its place.

The values themselves are never repeated, save for names that are chosen from a list: a secret may stand anywhere.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lampway.config.document import Document, Path
from lampway.config.section import Section, closest, reference_hint
from lampway.errors import Mistake

Model = TypeVar("Model", bound=Section)

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_SECRET_PLACES = frozenset({"access", "maker_access", "connections"})
_CURES = {
    "text": "put it in quotes",
    "true or false": "write true or false, without quotes",
    "a number": "write a number, without quotes",
    "a whole number": "write a number, without quotes and without a fraction",
    "a list": "write [one, two], or each item on its own line after a hyphen",
    "a mapping": "write `key: value` lines below it, indented",
}


def validate(model: type[Model], document: Document) -> tuple[Model | None, tuple[Mistake, ...]]:
    """Return the document as `model`, or None with every mistake in it."""
    try:
        return model.model_validate(document.value), ()
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, tuple(_mistake(model, document, detail) for detail in details)


@dataclass(frozen=True, slots=True)
class _Fault:
    """One thing pydantic found, brought back to the document."""

    document: Document
    path: Path
    section: type[BaseModel] | None
    """The section that holds what the path names, if it is one."""
    detail: ErrorDetails

    @property
    def subject(self) -> str:
        """What is wrong, for messages: the key, or the position in the list of that key."""
        key = next((part for part in reversed(self.path) if isinstance(part, str)), "the file")
        last = self.path[-1] if self.path else key
        return f"item {last + 1} of {key}" if isinstance(last, int) else key

    @property
    def context(self) -> dict[str, Any]:
        """What pydantic knows besides."""
        return self.detail.get("ctx", {})


def _mistake(model: type[Section], document: Document, detail: ErrorDetails) -> Mistake:
    path, section = _follow(model, detail["loc"])
    return _READERS.get(detail["type"], _invalid)(_Fault(document, path, section, detail))


def _is_key(location: tuple[int | str, ...]) -> bool:
    return bool(location) and location[-1] == "[key]"


def _follow(model: type[Section], location: tuple[int | str, ...]) -> tuple[Path, type[BaseModel] | None]:
    """Return an error's path in the document, and the section that holds what it names.

    Errors in gates name the kind of gate between position and key; the document has no such level.
    """
    path: list[str | int] = []
    here: Any = model
    section: type[BaseModel] | None = None
    for index, part in enumerate(location):
        if part == "[key]" and index == len(location) - 1:
            break
        here = _unwrap(here)
        if isinstance(here, tuple):
            here = next((kind for kind in here if _literal_gate(kind) == part), None)
            section = here
            continue
        path.append(part)
        section = here if _is_section(here) else None
        here = _inside(here, part)
    return tuple(path), section


def _unwrap(annotation: Any) -> Any:
    """Return what an annotation is about: a section, a tuple of sections to choose from, or a container."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) in (list, dict) or not arguments:
        return annotation
    if len(arguments) == 1:
        return _unwrap(arguments[0])
    return tuple(arguments) if all(_is_section(a) for a in arguments) else annotation


def _inside(annotation: Any, part: int | str) -> Any:
    if _is_section(annotation):
        return next((f.annotation for n, f in annotation.model_fields.items() if (f.alias or n) == part), None)
    arguments = typing.get_args(annotation)
    return arguments[-1] if typing.get_origin(annotation) in (list, dict) else None


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _literal_gate(section: type[BaseModel]) -> str:
    return str(typing.get_args(section.model_fields["gate"].annotation)[0])


def _own_words(fault: _Fault) -> Mistake:
    at_key = _is_key(fault.detail["loc"])
    message = fault.context["message"]
    if message.startswith("must "):
        message = f"{'a key' if at_key else fault.subject} {message}"
    return fault.document.mistake(fault.path, message, fault.context["hint"], at_key=at_key)


def _unknown_key(fault: _Fault) -> Mistake:
    document, path = fault.document, fault.path
    fields = fault.section.model_fields if fault.section else {}
    known = tuple(field.alias or name for name, field in fields.items())
    given = document.names(*path[:-1]) or ()
    hint = closest(str(path[-1]), tuple(k for k in known if k not in given))
    if known == ("gate",):
        hint = f"the gate {document.at(*path[:-1], 'gate')} takes no parameters"
    return document.mistake(path, f"unknown key: {path[-1]}", hint, at_key=True)


def _missing_key(fault: _Fault) -> Mistake:
    key = str(fault.path[-1])
    fields: Mapping[str, Any] = fault.section.model_fields if fault.section else {}
    about = next((f.description for name, f in fields.items() if (f.alias or name) == key), "") or ""
    hint = f"add `{key}`: {about[:1].lower()}{about[1:].rstrip('.')}" if about else f"add `{key}`"
    return fault.document.mistake(fault.path[:-1], f"key missing: {key}", hint, at_key=bool(fault.path[:-1]))


def _missing_gate(fault: _Fault) -> Mistake:
    return fault.document.mistake(fault.path, "key missing: gate", "write which one, such as `- gate: findings`")


def _unknown_word(fault: _Fault) -> Mistake:
    listed = str(fault.context.get("expected_tags") or fault.context["expected"]).replace(" or ", ", ")
    words = tuple(word.strip("'") for word in listed.split(", "))
    path = (*fault.path, "gate") if fault.detail["type"] == "union_tag_invalid" else fault.path
    key = next((part for part in reversed(path) if isinstance(part, str)), "word")
    checked = "kind of notice" if path[0] == "notify" else "kind of check"
    subject = {"kinds": checked, "block": "kind of finding", "by": "part to answer"}.get(key, key)
    value = fault.document.at(*path)
    if not isinstance(value, str):
        return fault.document.mistake(path, f"{subject} must be one of: {', '.join(words)}")
    return fault.document.mistake(path, f"unknown {subject}: {value[:80]}", closest(value, words))


def _empty(fault: _Fault) -> Mistake:
    message = f"{fault.subject} must not be empty"
    fields: Mapping[str, Any] = fault.section.model_fields if fault.section else {}
    is_required = fault.path[-1] in fields and fields[str(fault.path[-1])].is_required()
    hint = "give at least one" if is_required else "give at least one, or take the key out"
    return fault.document.mistake(fault.path, message, hint)


def _out_of_bounds(fault: _Fault) -> Mistake:
    limit, bound = next(iter(fault.context.items()))
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return fault.document.mistake(fault.path, f"{fault.subject} must be {words[limit]} {bound:g}")


def _wrong_type(fault: _Fault) -> Mistake:
    path = fault.path
    wanted, found = _WANTED[fault.detail["type"]], _KINDS.get(type(fault.detail["input"]), "nothing")
    subject = fault.subject
    has_cure = found in ("a number", "true or false") if wanted == "text" else True
    hint = _CURES[wanted] if has_cure else ""
    if wanted == "text" and _SECRET_PLACES & set(path[:-1]) and path[-1] not in {"user", "connection"}:
        subject, hint = "a secret reference", reference_hint()  # a secret may have slipped into the key as well
    if "gates" in path and found == "text" and wanted == "a mapping":
        hint = "write `gate: ` before its name"
    return fault.document.mistake(path, f"{subject} must be {wanted}, found {found}", hint)


def _invalid(fault: _Fault) -> Mistake:
    return fault.document.mistake(fault.path, f"{fault.subject} is not valid")


_READERS: dict[str, Callable[[_Fault], Mistake]] = {
    "mistake": _own_words,
    "extra_forbidden": _unknown_key,
    "missing": _missing_key,
    "union_tag_not_found": _missing_gate,
    "union_tag_invalid": _unknown_word,
    "literal_error": _unknown_word,
    "too_short": _empty,
    "greater_than": _out_of_bounds,
    "greater_than_equal": _out_of_bounds,
    "less_than_equal": _out_of_bounds,
    **dict.fromkeys(_WANTED, _wrong_type),
}
