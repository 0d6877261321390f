"""OData as Dataverse speaks it: addresses with keys and parameters, filters, order, choice of columns, pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lampway.testing.dataverse.refusals import RefusedError, bad_request

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
_SEGMENT = re.compile(r"(?P<name>[A-Za-z_$][\w.]*)(?:\((?P<args>.*)\))?$", re.DOTALL)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<date>\d{4}-\d\d-\d\dT[\d:.]+Z?)|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[@A-Za-z_$][\w./]*)|(?P<mark>[(),:]))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: a is not None and b is not None and bool(a > b),
    "ge": lambda a, b: a is not None and b is not None and bool(a >= b),
    "lt": lambda a, b: a is not None and b is not None and bool(a < b),
    "le": lambda a, b: a is not None and b is not None and bool(a <= b),
}
_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b in a,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of an address: a name, and what stands in its brackets."""

    name: str
    called: bool
    """Whether there are brackets."""
    key: str = ""
    """A plain id in the brackets."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def split_path(path: str) -> list[str]:
    """Split an address at its slashes, but not at those inside of brackets and quotes."""
    parts, depth, quoted, current = [], 0, False, ""
    for char in path:
        quoted = quoted != (char == "'")
        depth += 0 if quoted else (char == "(") - (char == ")")
        if char == "/" and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += char
    return [part for part in [*parts, current] if part]


def read_segment(text: str, query: Mapping[str, str]) -> Segment:
    """Return a part of an address, its parameter aliases replaced by what the query says. Raises RefusedError."""
    found = _SEGMENT.match(text)
    if found is None:
        raise bad_request(f"Bad Request - Error in query syntax: '{text}'.", "0x80060888")
    arguments = (found["args"] or "").strip()
    called = found["args"] is not None
    if not arguments:
        return Segment(found["name"], called)
    if "=" not in arguments:
        key = query.get(arguments, arguments) if arguments.startswith("@") else arguments
        return Segment(found["name"], called, key=str(literal(key)).strip("{}").lower())
    given: dict[str, Any] = {}
    for one in split_list(arguments):
        name, _, value = one.partition("=")
        given[name.strip()] = literal(query.get(value.strip(), value) if value.strip().startswith("@") else value)
    return Segment(found["name"], called, arguments=given)


def split_list(text: str) -> list[str]:
    """Split at commas, but not at those inside of brackets and quotes."""
    parts, depth, quoted, current = [], 0, False, ""
    for char in text:
        quoted = quoted != (char == "'")
        depth += 0 if quoted else (char in "([{") - (char in ")]}")
        if char == "," and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += char
    return [part.strip() for part in [*parts, current] if part.strip()]


def literal(text: str) -> Any:
    """Return what a literal means."""
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] == "'":
        return bare[1:-1].replace("''", "'")
    if bare in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[bare]
    if _GUID.fullmatch(bare):
        return bare.lower()
    if re.fullmatch(r"-?\d+", bare):
        return int(bare)
    return float(bare) if re.fullmatch(r"-?\d+\.\d+", bare) else bare


class _Reader:
    """Reads a filter from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise bad_request(f"Syntax error at position {place} in '{text}'.", "0x80060888")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()
        self.text = text

    def peek(self) -> tuple[str, str]:
        return self.tokens[0] if self.tokens else ("end", "")

    def take(self, expected: str = "") -> tuple[str, str]:
        kind, text = self.peek()
        if kind == "end" or (expected and text != expected):
            raise bad_request(f"Syntax error in '{self.text}': {expected or 'more'} expected.", "0x80060888")
        return self.tokens.pop(0)

    def either(self) -> Test:
        left = self.both()
        while self.peek()[1] == "or":
            self.take()
            left = _or(left, self.both())
        return left

    def both(self) -> Test:
        left = self.one()
        while self.peek()[1] == "and":
            self.take()
            left = _and(left, self.one())
        return left

    def one(self) -> Test:
        kind, text = self.peek()
        if text == "not":
            self.take()
            inner = self.one()
            return lambda row: not inner(row)
        if text == "(":
            self.take()
            inside = self.either()
            self.take(")")
            return inside
        if kind == "word" and len(self.tokens) > 1 and self.tokens[1][1] == "(":
            return self.function()
        return self.comparison()

    def comparison(self) -> Test:
        left = self.operand()
        sign = self.take()[1]
        if sign not in _COMPARE:
            raise bad_request(f"Syntax error in '{self.text}': '{sign}' is no operator.", "0x80060888")
        right = self.operand()
        compare = _COMPARE[sign]
        return lambda row: compare(_plain(left(row)), _plain(right(row)))

    def operand(self) -> Callable[[Row], Any]:
        kind, text = self.take()
        if kind == "word" and text not in {"true", "false", "null"}:
            return lambda row: value_at(row, text)
        value = literal(text)
        return lambda _row: value

    def function(self) -> Test:
        name = self.take()[1]
        self.take("(")
        if name in _TEXT:
            left = self.operand()
            self.take(",")
            right = self.operand()
            self.take(")")
            compare = _TEXT[name]
            return lambda row: compare(str(left(row) or "").lower(), str(right(row) or "").lower())
        place, _, quantifier = name.rpartition("/")
        if quantifier not in {"any", "all"}:
            raise bad_request(f"An unknown function with name '{name}' was found.", "0x80060888")
        return self.quantified(place, all_=quantifier == "all")

    def quantified(self, place: str, *, all_: bool) -> Test:
        if self.peek()[1] == ")":
            self.take()
            return lambda row: bool(value_at(row, place))
        variable = self.take()[1]
        self.take(":")
        inner = self.either()
        self.take(")")

        def test(row: Row) -> bool:
            results = [inner({variable: one}) for one in value_at(row, place) or ()]
            return all(results) if all_ else any(results)

        return test


def _or(left: Test, right: Test) -> Test:
    return lambda row: left(row) or right(row)


def _and(left: Test, right: Test) -> Test:
    return lambda row: left(row) and right(row)


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def value_at(row: Row, path: str) -> Any:
    """Return a column, or a column of a row that this one points at. Raises RefusedError where there is none."""
    value: Any = row
    for name in path.split("/"):
        if value is None:
            return None
        if name not in value:
            raise bad_request(
                f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.crmbaseentity'."
            )
        value = value[name]
    return value


def read_filter(text: str) -> Test:
    """Return a filter as a test of rows. Raises RefusedError."""
    reader = _Reader(text)
    test = reader.either()
    if reader.tokens:
        raise bad_request(f"Syntax error in '{text}' near '{reader.tokens[0][1]}'.", "0x80060888")
    return test


def filtered(rows: Iterable[Row], text: str) -> list[Row]:
    """Return the rows that a filter leaves. Raises RefusedError."""
    if not text:
        return list(rows)
    test = read_filter(text)
    return [row for row in rows if test(row)]


def ordered(rows: Sequence[Row], text: str) -> list[Row]:
    """Return rows in the order that is asked for; the last criterion is applied first, since sorting is stable."""
    found = list(rows)
    for one in reversed(split_list(text)):
        name, _, direction = one.partition(" ")
        found.sort(
            key=lambda row: (value_at(row, name) is not None, _sortable(value_at(row, name))),
            reverse=direction.strip() == "desc",
        )
    return found


def _sortable(value: Any) -> Any:
    return "" if value is None else _plain(value)


def chosen(row: Row, select: str, expand: str, *, keep: Sequence[str]) -> dict[str, Any]:
    """Return a row with the columns that are asked for, its key, and what it is to be expanded by.

    Raises RefusedError.
    """
    expansions = dict(_expansions(expand))
    names = [name.strip() for name in select.split(",") if name.strip()]
    for name in names:
        if name not in row:
            raise bad_request(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{keep[0]}'.")
    out = {
        name: value
        for name, value in row.items()
        if not isinstance(value, (dict, list)) and (not names or name in names or name in keep or name.startswith("@"))
    }
    for name, options in expansions.items():
        if name not in row:
            raise RefusedError(400, "0x80060888", f"Could not find a property named '{name}' to expand.")
        value = row[name]
        inner = (
            [expanded(one, options) for one in value] if isinstance(value, list) else value and expanded(value, options)
        )
        out[name] = inner
    return out


def expanded(row: Row, options: Mapping[str, str]) -> dict[str, Any]:
    """Return a row that another one was expanded by; its key is its first column."""
    key = next((name for name in row if not name.startswith("@")), "")
    return chosen(row, options.get("$select", ""), options.get("$expand", ""), keep=(key,))


def _expansions(text: str) -> Iterable[tuple[str, dict[str, str]]]:
    for one in split_list(text):
        name, _, rest = one.partition("(")
        inner = rest.removesuffix(")")
        options = dict(part.partition("=")[::2] for part in re.split(r";(?![^(]*\))", inner) if part)
        yield name.strip(), {key.strip(): value for key, value in options.items()}
