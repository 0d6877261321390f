"""Output: data to stdout, everything else to stderr; plain lines that read well without colour."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from lampway.domain.digest import to_plain
from lampway.domain.judgement import GateResult, GateState
from lampway.errors import InvalidStrategyError, LampwayError

_MARKS = {
    GateState.PASSED: ("✓", "32"),
    GateState.WARNED: ("!", "33"),
    GateState.WAIVED: ("~", "33"),
    GateState.PENDING: ("…", "36"),
    GateState.INCONCLUSIVE: ("?", "33"),
    GateState.FAILED: ("✗", "31"),
    GateState.ERRORED: ("⚠", "31"),
    GateState.EXPIRED: ("⌛", "33"),
}


def say(text: str = "") -> None:
    """Print a line for people."""
    print(text, file=sys.stdout)  # noqa: T201 - this is where output goes out


def note(text: str) -> None:
    """Print a line beside the data."""
    print(text, file=sys.stderr)  # noqa: T201 - this is where output goes out


def emit(value: Any) -> None:
    """Print a value as JSON."""
    say(json.dumps(to_plain(value), indent=2, ensure_ascii=False))


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return text in an ANSI colour where the stream is a terminal that wants colours."""
    out = stream or sys.stdout
    wanted = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\033[{colour}m{text}\033[0m" if wanted else text


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print columns that line up."""
    everything = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(row[n]) for row in everything) for n in range(len(heads))]
    for number, row in enumerate(everything):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        say(paint(line, "1") if number == 0 else line)


def gate_lines(gates: Sequence[GateResult]) -> list[str]:
    """Return two lines per gate: its state with the reason, and what would open it.

    Below a gate made of others stand these, indented.
    """
    lines = []
    width = max((len(g.gate) for g in gates), default=0)
    for gate in gates:
        mark, colour = _MARKS[gate.state]
        lines.append(f"  {paint(mark, colour)} {gate.gate.ljust(width)}  {gate.reason}")
        if gate.original:
            lines.append(f"    {' ' * width}  without the waiver: {gate.original}")
        if gate.next:
            lines.append(f"    {' ' * width}  → {gate.next}")
        lines += [f"  {line}" for line in gate_lines(gate.parts)]
    return lines


def when(text: str) -> str:
    """Return an ISO time to the minute, for people."""
    return text[:16].replace("T", " ")


def report(error: LampwayError, *, as_json: bool) -> None:
    """Print an error: what happened, where, and a hint."""
    if as_json:
        note(json.dumps({"error": error_facts(error)}, ensure_ascii=False))
        return
    note(f"{paint('error', '31;1', sys.stderr)}: {error}")
    for line in _details(error):
        note(f"  {line}")
    if error.hint:
        note(f"{paint('hint', '36', sys.stderr)}: {error.hint}")


def error_facts(error: LampwayError) -> dict[str, Any]:
    """Return an error in the shape that scripts rely on."""
    facts: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
    }
    if error.details:
        facts["details"] = list(error.details)
    if isinstance(error, InvalidStrategyError):
        facts["mistakes"] = to_plain(error.mistakes)
    return facts


def _details(error: LampwayError) -> list[str]:
    if isinstance(error, InvalidStrategyError):
        lines = []
        for mistake in error.mistakes:
            lines.append(str(mistake))
            if mistake.hint:
                lines.append(f"  hint: {mistake.hint}")
        return lines
    return [line for detail in error.details for line in detail.splitlines()]
