"""Values shown to people: short, and never a secret."""

from __future__ import annotations

import re
from typing import Any

from lampway.platforms.jsontext import dumps_js
from lampway.platforms.names import is_secret_name, words_of

STARS = "********"
"""Stands for a value that is not shown."""

_LONGEST = 60
_LONGEST_READ = 5000
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_IN_QUERY = re.compile(r"([?&;]([\w.-]+)=)([^&#\s'\"`]+)")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s+)[\w.~+/=-]{6,}")
_TOKEN = re.compile(r"(?<![\w/.-])(?=[\w+=~-]*[0-9])(?=[\w+=~-]*[A-Za-z])[\w+=~-]{20,}(?![\w/-])")
_ASSIGNED = re.compile(r"""([\w$.'"\]\[-]+?)(\s*(?:=>?|:|,)\s*)(["'`])((?:\\.|(?!\3).)*)(?:\3|\Z)""")
_NAMING = ("name", "key", "p", "header", "field", "property", "keyType", "keyValue")
_NAMED = {"value", "v", "v2", "to", "from", "val", "valueValue"}
_EXPRESSION = re.compile(r"\$\{[^{}]+\}|\{\{\{?[^{}]+\}\}\}?|")


def is_masked_name(name: str) -> bool:
    """Return whether a value under this name is never shown: wider than what counts as a secret for the scanner."""
    words = words_of(name)
    return is_secret_name(name) or "key" in words or "auth" in words or "pass" in words


def shown(name: str, value: str) -> str:
    """Return a value as people may see it: shortened to one line, stars for what is or looks like a secret."""
    if is_masked_name(name) and not _EXPRESSION.fullmatch(value.strip()):
        return STARS
    return shorten(hide(value))


def hide(text: str) -> str:
    """Return `text` or code with stars for what is assigned to a secret name, and for what looks like a secret.

    Only the first 5000 characters come back, for patterns take their time on longer ones.
    """
    text = text[:_LONGEST_READ]
    text = _ASSIGNED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}{STARS}{m[3]}" if is_masked_name(m[1]) else m[0], text)
    text = _IN_URL.sub(rf"\1{STARS}@", text)
    text = _IN_QUERY.sub(lambda m: f"{m[1]}{STARS}" if is_masked_name(m[2]) else m[0], text)
    text = _BEARER.sub(rf"\1\2{STARS}", text)
    return _TOKEN.sub(STARS, text)


def shown_structure(name: str, value: Any) -> str:
    """Return a list, object, number or truth value as people may see it, on one line."""
    return shorten(hide(dumps_js(_bare(name, value))))


def _bare(name: str, value: Any) -> Any:
    """Return `value` with stars for everything under a secret name, or paired with one, however deep."""
    if is_masked_name(name) and value not in (None, "", True, False):
        return STARS
    if isinstance(value, list):
        return [_bare("", item) for item in value]
    if isinstance(value, dict):
        named = " ".join(str(value[key]) for key in _NAMING if isinstance(value.get(key), str))
        return {key: _bare(named if key in _NAMED else key, item) for key, item in value.items()}
    return value


def shorten(text: str) -> str:
    """Return `text` on one line of at most sixty characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
