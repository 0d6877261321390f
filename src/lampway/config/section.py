"""What every model of a governance file is made of: the strict base class and the kinds of value.

Messages never repeat a value that may be secret: what stands in `access` and `connections`, and every address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from lampway.domain.secret import SCHEMES, is_reference

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
Item = TypeVar("Item", bound=Hashable)


class Section(BaseModel):
    """A part of a governance file. Unknown keys are refused and nothing is converted silently."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


def fault(message: str, hint: str = "") -> PydanticCustomError:
    """Return the error by which a model says what is wrong, in its own words and with a hint.

    A message that begins with `must` is told with the key before it.
    """
    return PydanticCustomError("mistake", "{message}", {"message": message, "hint": hint})


def closest(name: str, known: tuple[str, ...] | list[str]) -> str:
    """Return a hint that helps with an unknown name: what was probably meant, or else what there is."""
    folded = {word.lower(): word for word in reversed(known)}
    near = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    if near:
        return f"did you mean: {folded[near[0]]}"
    return f"there is: {', '.join(known)}" if known else ""


def name_fault(kind: str, text: str) -> tuple[str, str] | None:
    """Return message and hint for something that cannot be a name, or None for a good one."""
    if _NAME.fullmatch(text):
        return None
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")
    proposal = re.sub(r"^[0-9-]+", "", words)[:63].rstrip("-")
    rule = "lower-case letters, digits and hyphens, beginning with a letter"
    hint = f"write it as: {proposal}" if proposal else f"use {rule}"
    return f"{kind} must be {rule}: {text[:80]}", hint


def _name(text: str) -> str:
    wrong = name_fault("name", text)
    if wrong:
        raise fault(*wrong)
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise fault("must not be blank", "write something, or take the key out")
    return text


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise fault(f"not an e-mail address: {text[:80]}", "write it as in: ada@example.com")
    return text


def _reference(text: str) -> str:
    if not is_reference(text):
        raise fault("a secret must be given by reference, not by its value", reference_hint())
    return text


def reference_hint() -> str:
    """Return how to write a secret reference."""
    return f"write where it is to be found, such as env:NAME or file:/path; schemes: {', '.join(SCHEMES)}"


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise fault("must be a web address", "write it as in: https://flows.example.com") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_port or re.search(r"[\s\\]", text):
        raise fault("must be http:// or https:// with a host", "write it as in: https://flows.example.com")
    if parts.username is not None or parts.password is not None:
        raise fault(
            "must not hold a user or a password", "take it out, and give it where secrets are given by reference"
        )
    if "?" in text or "#" in text:
        raise fault("must not have a query or a fragment", "leave out everything from ? or # on")
    return text.rstrip("/")


def choice(section: str, first: tuple[str, Any], second: tuple[str, Any]) -> None:
    """Insist that exactly one of two keys, each given with its value, is there."""
    (one, value), (other, another) = first, second
    if value is None and another is None:
        raise fault(f"{section} needs {one} or {other}", f"add `{one}`")
    if value is not None and another is not None:
        raise fault(f"{section} takes either {one} or {other}, not both", "keep one of the two")


def _unique(items: list[Item]) -> list[Item]:
    twice = sorted({str(item) for item in items if items.count(item) > 1})
    if twice:
        raise fault(f"given twice: {', '.join(twice)}", "keep one of them")
    return items


class _MayBeEmpty:
    """Reads a key without a value as an empty mapping, as when everything below it is commented out."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(lambda v: {} if v is None else v, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "null"}]}


MayBeEmpty = _MayBeEmpty()
"""Marks mappings that may be left without a value."""
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$", "minLength": 1})]
"""A name that works in paths, tags, addresses and commands."""
Text = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
"""Any text but an empty one."""
Email = Annotated[str, AfterValidator(_email), Field(json_schema_extra={"format": "email"})]
Reference = Annotated[
    str, AfterValidator(_reference), Field(json_schema_extra={"pattern": rf"^({'|'.join(SCHEMES)}):\S"})
]
"""Where a secret is to be found; never the secret."""
Url = Annotated[str, AfterValidator(_url), Field(json_schema_extra={"pattern": r"^https?://[^\s@?#]+$"})]
"""The address of a server, kept without a trailing slash."""
Unique = AfterValidator(_unique)
"""Marks lists in which nothing may stand twice."""
