"""Holds a document against its model and says what is wrong in words, each with its place.

The values themselves are never repeated, save for names that are chosen from a list: a secret may stand anywhere.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lampway.config.document import Document, Path
from lampway.config.section import Section, closest
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
_CURES = {
    "text": "put it in quotes",
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


def _mistake(model: type[Section], document: Document, detail: ErrorDetails) -> Mistake:
    path, section = _follow(model, detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    subject = next((part for part in reversed(path) if isinstance(part, str)), "the file")
    match kind:
        case "mistake":
            return document.mistake(path, context["message"], context["hint"], at_key=_is_key(detail["loc"]))
        case "extra_forbidden":
            return _unknown_key(document, path, section)
        case "missing":
            return _missing_key(document, path, section)
        case "union_tag_not_found":
            return document.mistake(path, "key missing: gate", "write which one, such as `- gate: findings`")
        case "union_tag_invalid" | "literal_error":
            return _unknown_word(document, path, detail)
        case "too_short":
            return document.mistake(path, f"{subject} must not be empty", "give at least one, or take the key out")
    if kind in _WANTED:
        return _wrong_type(document, path, detail["input"], _WANTED[kind])
    limit = {"greater_than_equal": "at least", "greater_than": "more than", "less_than_equal": "at most"}.get(kind)
    if limit:
        bound = next(iter(context.values()))
        return document.mistake(path, f"{subject} must be {limit} {bound:g}")
    return document.mistake(path, f"{subject} is not valid")


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
        if _is_key(location[: index + 1]) and index == len(location) - 1:
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


def _unknown_key(document: Document, path: Path, section: type[BaseModel] | None) -> Mistake:
    fields = section.model_fields if section else {}
    known = tuple(field.alias or name for name, field in fields.items())
    given = document.names(*path[:-1]) or ()
    key = str(path[-1])
    if known == ("gate",):
        gate = document.at(*path[:-1], "gate")
        return document.mistake(path, f"unknown key: {key}", f"the gate {gate} takes no parameters", at_key=True)
    hint = closest(key, tuple(k for k in known if k not in given))
    return document.mistake(path, f"unknown key: {key}", hint, at_key=True)


def _missing_key(document: Document, path: Path, section: type[BaseModel] | None) -> Mistake:
    key = str(path[-1])
    fields: Mapping[str, Any] = section.model_fields if section else {}
    about = next((f.description for name, f in fields.items() if (f.alias or name) == key), "") or ""
    hint = f"add `{key}`: {about[:1].lower()}{about[1:].rstrip('.')}" if about else f"add `{key}`"
    return document.mistake(path[:-1], f"key missing: {key}", hint, at_key=True)


def _unknown_word(document: Document, path: Path, detail: ErrorDetails) -> Mistake:
    context = detail.get("ctx", {})
    known = tuple(str(context.get("expected_tags") or context["expected"]).replace(" or ", ", ").split(", "))
    words = tuple(word.strip("'") for word in known)
    if detail["type"] == "union_tag_invalid":
        path = (*path, "gate")
    subject = next((str(part) for part in reversed(path) if isinstance(part, str)), "word")
    value = document.at(*path)
    if not isinstance(value, str):
        return document.mistake(path, f"{subject} must be one of: {', '.join(words)}")
    return document.mistake(path, f"unknown {subject}: {value[:80]}", closest(value, words))


def _wrong_type(document: Document, path: Path, value: Any, wanted: str) -> Mistake:
    found = _KINDS.get(type(value), "nothing")
    last = path[-1] if path else "the file"
    holder = next((str(part) for part in reversed(path[:-1]) if isinstance(part, str)), "the list")
    subject = last if isinstance(last, str) else f"item {last + 1} of {holder}"
    if wanted == "a mapping" and "gates" in path and isinstance(value, str):
        return document.mistake(path, f"{subject} must be a mapping, found text", "write `- gate: ` before its name")
    is_scalar = found in ("a number", "true or false")
    hint = _CURES.get(wanted, "") if wanted != "text" or is_scalar else ""
    return document.mistake(path, f"{subject} must be {wanted}, found {found}", hint)
