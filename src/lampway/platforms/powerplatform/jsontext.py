"""JSON as the platform writes it: read strictly, fingerprinted whatever the order of keys, written for reviewers."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from lampway.errors import InvalidPackageError

Parsed = TypeVar("Parsed")

MAX_VALUES = 4_000_000
"""How many values one text may hold: each takes far more memory than text."""


def parse_json(data: bytes, *, where: str) -> Any:
    """Return the value of a JSON text. Of two equal keys the last one wins.

    Raises InvalidPackageError for anything that is not UTF-8 JSON, for NaN and Infinity, and for too many values.
    """
    anything: Any = Any
    return parse_as(data, anything, where=where)


def parse_as(data: bytes, type_: type[Parsed], *, where: str) -> Parsed:
    """Return the value of a JSON text as data of a type.

    Raises InvalidPackageError as `parse_json` does, and for what does not fit the type.
    """
    decoder = _decoder(cast("Any", type_))
    bare = data[3:] if data.startswith(b"\xef\xbb\xbf") else data
    if len(bare) > MAX_VALUES and bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MAX_VALUES:
        hint = "no editor writes this; export the solution again"
        raise InvalidPackageError("too many values", where=where, hint=hint)
    try:
        parsed: Parsed = decoder.decode(bare)
    except msgspec.ValidationError as error:
        hint = "export the solution again; never edit it by hand"
        raise InvalidPackageError(f"not as Studio writes it: {str(error).lower()}", where=where, hint=hint) from error
    except msgspec.DecodeError as error:
        text = str(error).removeprefix("JSON is malformed: ").lower()
        hint = "export the solution again; never edit it by hand"
        raise InvalidPackageError(f"not valid JSON: {text}", where=where, hint=hint) from error
    except UnicodeDecodeError as error:
        hint = "save or export it again as UTF-8"
        raise InvalidPackageError(f"not UTF-8 text at byte {error.start}", where=where, hint=hint) from error
    return parsed


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def digest_json(value: Any) -> str:
    """Return a digest of a JSON value that ignores the order of keys."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def compact(value: Any) -> bytes:
    """Return a JSON value without any white space."""
    return msgspec.json.encode(value)


def pretty(value: Any) -> bytes:
    """Return indented JSON with a final line feed; the order of keys is kept."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def decoded(text: str) -> Any:
    """Return the value of JSON inside of a text, or None where it is none."""
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def indented(content: bytes) -> bytes:
    """Return compact JSON for people, where `as_saved` can give back exactly these bytes; else `content`."""
    is_json, value = _loaded(content)
    return pretty(value) if is_json and _dumped(value) == content else content


def as_saved(content: bytes) -> bytes:
    """Return what `indented` was given: JSON that was indented for people is compact again."""
    is_json, value = _loaded(content)
    return _dumped(value) if is_json and pretty(value) == content else content


def _loaded(content: bytes) -> tuple[bool, Any]:
    try:
        return True, json.loads(content)
    except (ValueError, RecursionError):
        return False, None


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
