"""Tables: what a benchmark found, for people on the screen and for programs as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers under a title."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Value, ...]]

    def text(self) -> str:
        """Return it as lines of aligned columns: words to the left, numbers to the right."""
        shown = [[_shown(value) for value in row] for row in self.rows]
        widths = [max(len(cell) for cell in column) for column in zip(self.columns, *shown, strict=True)]
        numeric = [any(not isinstance(row[n], str) for row in self.rows) for n in range(len(self.columns))]
        lines = [self.columns, ["-" * width for width in widths], *shown]
        aligned = ["  ".join(_aligned(*cell) for cell in zip(line, widths, numeric, strict=True)) for line in lines]
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in aligned)])

    def plain(self) -> dict[str, Any]:
        """Return it as JSON: every row an object."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one benchmark found."""

    tables: tuple[Table, ...]
    samples: Mapping[str, Any] = field(default_factory=dict)
    """Every single measurement in seconds, for whoever wants to judge the spread."""
    notes: tuple[str, ...] = ()
    """What somebody who reads the numbers should know."""


def _shown(value: Value) -> str:
    match value:
        case str():
            return value
        case int():
            return f"{value:,}"
        case _:
            return f"{value:,.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def _aligned(text: str, width: int, is_number: bool) -> str:
    return text.rjust(width) if is_number else text.ljust(width)
