"""Values shown to people: short, and never a secret."""

from __future__ import annotations

import re

from lampway.platforms.nodered.literals import is_secret_name, words_of

STARS = "********"
"""Stands for a value that is not shown."""

_LONGEST = 60
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_IN_QUERY = re.compile(r"([?&;]([\w.-]+)=)([^&#\s'\"`]+)")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s+)[\w.~+/=-]{6,}")
_TOKEN = re.compile(r"(?<![\w/.-])(?=[\w+=~-]*[0-9])(?=[\w+=~-]*[A-Za-z])[\w+=~-]{20,}(?![\w/-])")
_ASSIGNED = re.compile(r"""([\w$.'"\]\[-]+?)(\s*(?:=>?|:|,)\s*)(["'`])((?:\\.|(?!\3).)*)\3""")
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
    """Return `text` with everything that looks like a secret replaced by stars."""
    text = _IN_URL.sub(rf"\1{STARS}@", text)
    text = _IN_QUERY.sub(lambda m: f"{m[1]}{STARS}" if is_masked_name(m[2]) else m[0], text)
    text = _BEARER.sub(rf"\1\2{STARS}", text)
    return _TOKEN.sub(STARS, text)


def hide_in_code(line: str) -> str:
    """Return a line of code with the texts under secret names, and whatever looks like a secret, replaced by stars."""
    masked = _ASSIGNED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}{STARS}{m[3]}" if is_masked_name(m[1]) else m[0], line)
    return shorten(hide(masked))


def shorten(text: str) -> str:
    """Return `text` on one line of at most sixty characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
