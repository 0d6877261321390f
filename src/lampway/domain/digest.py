"""Digests: one canonical form for everything that is sealed, approved or chained."""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import re
from datetime import datetime
from typing import Any

EMPTY = "sha256:" + "0" * 64
"""The digest that stands before the first link of a chain."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def to_plain(value: Any) -> Any:
    """Return `value` as what JSON knows: dataclasses become objects, tuples lists, times ISO text.

    Raises TypeError for anything without one obvious form (bytes, sets, open files).
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value.value if isinstance(value, enum.Enum) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    msg = f"no canonical form for {type(value).__name__}"
    raise TypeError(msg)


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of `value`: keys sorted, no white space, UTF-8, no NaN."""
    text = _ENCODER.encode(value)
    return text.encode("utf-8", errors="replace")  # half a character, as in hostile JSON, has no UTF-8


def _one_level(value: Any) -> Any:
    """Return one level of what JSON does not know by itself."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    return to_plain(value)


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_one_level
)
"""Walks in C; only what it does not know comes back to us, one level at a time."""


def digest(value: Any) -> str:
    """Return `sha256:<hex>` of the canonical JSON of `value`."""
    return digest_bytes(canonical(value))


def lasting_digest(value: Any) -> str:
    """Return the digest of `value` without fields of data classes that are at their default.

    A field that is added later, with a default, changes no such digest made before.
    """
    return digest(sparse(value))


def sparse(value: Any) -> Any:
    """Return a value as plain data, without the fields of data classes that are at their defaults."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: sparse(v) for f in dataclasses.fields(value) if not is_default(f, v := getattr(value, f.name))}
    if isinstance(value, dict):
        return {key: sparse(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sparse(item) for item in value]
    return value


def is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    """Return whether a field of a data class is as it would be if nobody had given it."""
    if field.default is not dataclasses.MISSING:
        return bool(field.default == value)
    return field.default_factory is not dataclasses.MISSING and bool(field.default_factory() == value)


def is_digest(text: str) -> bool:
    """Return whether this is a digest as we write it, whatever it is of."""
    return _DIGEST.fullmatch(text) is not None


def digest_bytes(data: bytes) -> str:
    """Return `sha256:<hex>` of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def short(value: str) -> str:
    """Return the first twelve hex digits of a digest, for people."""
    return value.removeprefix("sha256:")[:12]
