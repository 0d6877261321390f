"""JSON as products in JavaScript read and write it: numbers are doubles, and key order is JavaScript's."""

from __future__ import annotations

import json
import math
import re
from json.encoder import encode_basestring
from typing import Any, NoReturn

from lampway.errors import InvalidPackageError

MAX_DEPTH = 100
"""How deeply lists and objects may be nested; what makers build stays under twenty."""

_EXACT = 2**53
_LONGEST_INDEX = 2**32 - 2
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(data: bytes | str, *, where: str) -> Any:
    """Return the value of a JSON text, its numbers as JavaScript would hold them.

    Whole numbers become int and all others float, so that `1` and `1.0` are equal, as they are in JavaScript. Of two
    equal keys the last one wins. Raises InvalidPackageError for anything that is not UTF-8 JSON, for NaN, Infinity and
    numbers too large for JavaScript, and for nesting deeper than MAX_DEPTH.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = json.loads(text, parse_int=_whole, parse_float=_fraction, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise InvalidPackageError(
            f"not UTF-8 text at byte {error.start}", where=where, hint="save or export the file again as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        place = f"{where}, line {error.lineno}, column {error.colno}"
        message = f"not valid JSON: {error.msg.lower()}"
        raise InvalidPackageError(message, where=place, hint="export it again from its editor") from error
    except _NumberError as error:
        raise InvalidPackageError(str(error), where=where, hint="replace it by a number or a text") from error
    except RecursionError as error:
        raise _too_deep(where) from error
    if _depth_exceeds(value, MAX_DEPTH):
        raise _too_deep(where)
    return value


class _NumberError(ValueError):
    """A number that JSON or JavaScript does not have."""


def _too_deep(where: str) -> InvalidPackageError:
    message = f"nested more than {MAX_DEPTH} levels deep"
    return InvalidPackageError(message, where=where, hint="no editor writes this; export it again")


def _whole(text: str) -> int | float:
    if len(text) < 16:
        return int(text)
    number = float(text)
    if math.isinf(number):
        raise _NumberError(f"a number of {len(text)} digits is too large")
    return int(number) if abs(number) <= _EXACT else number


def _fraction(text: str) -> int | float:
    number = float(text)
    if math.isinf(number):
        raise _NumberError(f"the number {text[:40]} is too large")
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _constant(text: str) -> NoReturn:
    raise _NumberError(f"{text} is not a JSON value")


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def pretty(value: Any) -> bytes:
    """Return `value` as indented UTF-8 JSON with a final line feed; key order is kept."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return (_SURROGATE.sub(_escaped, text) + "\n").encode()


def dumps_js(value: Any) -> str:
    """Return exactly what JavaScript's `JSON.stringify(JSON.parse(text))` gives for a JSON text that holds `value`."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_quoted(value))
    elif isinstance(value, dict):
        opening = "{"
        for key in _in_js_order(value):
            parts.append(f"{opening}{_quoted(key)}:")
            _write(value[key], parts)
            opening = ","
        parts.append("}" if value else "{}")
    elif isinstance(value, list | tuple):
        opening = "["
        for item in value:
            parts.append(opening)
            _write(item, parts)
            opening = ","
        parts.append("]" if value else "[]")
    else:
        parts.append(_scalar(value))


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _quoted(text: str) -> str:
    quoted = encode_basestring(text)
    if _SURROGATE.search(quoted) is None:
        return quoted
    joined = quoted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # joins real pairs
    return _SURROGATE.sub(_escaped, joined)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _in_js_order(value: dict[str, Any]) -> list[str]:
    """Return the keys as JavaScript enumerates them: array indices first, ascending."""
    if not any(key[:1].isdigit() for key in value):
        return list(value)
    indices = sorted((key for key in value if _is_index(key)), key=int)
    return indices + [key for key in value if not _is_index(key)]


def _is_index(key: str) -> bool:
    if not (key.isascii() and key.isdigit() and len(key) <= 10):
        return False
    return str(int(key)) == key and int(key) <= _LONGEST_INDEX


def _number(value: float) -> str:
    """Return a number as JavaScript's Number::toString writes it: the shortest digits that read back the same."""
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return str(value)
    try:
        number = float(value)
    except OverflowError:
        return "null"
    if not math.isfinite(number):
        return "null"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    padded = whole + fraction
    digits = padded.lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(padded) - len(digits))
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Return significant `digits` with the decimal point after the first `point` of them, the way JavaScript does."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
