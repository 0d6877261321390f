"""`lampway readiness`: how far a team is, proved from evidence; or only said, before anything was adopted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.app import assessment_template, read_assessment, read_file
from lampway.cli.output import emit, note, paint, say
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.domain.assessment import Said, assess
from lampway.domain.readiness import DEFAULT_ITEMS, LEVELS, Readiness, ReadinessLine
from lampway.engine.readiness import AnswerReadiness, ShowReadiness
from lampway.errors import UsageError

_MARKS = {"yes": ("✓", "32"), "partly": ("◐", "33"), "no": ("✗", "31"), "unknown": ("?", "33")}
_SHORT = {"y": "yes", "p": "partly", "n": "no", "a": "n/a", "u": "unknown", "": "unknown"}
_TEMPLATE = "readiness.yaml"


def readiness(
    file: Path | None = None,
    /,
    *,
    answer: str = "",
    note: str = "",
    until: str = "",
    assess: Annotated[bool, Parameter(negative="")] = False,
    template: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Show how far this team is: the readiness checklist, answered from evidence, with the best thing to do next.

    With --assess it needs no governance repository: it asks, or reads a filled file, and shows what was only said.

    Parameters
    ----------
    file
        With --assess: the filled file to read, or with --template to write.
    answer
        ITEM=yes, ITEM=no or ITEM=n/a: answer an item for which no evidence can exist.

    Note:
        Why, for the record; needed with --answer.
    until
        The last day on which the answer counts; needed with --answer, a year at most.
    assess
        Assess by what is said, before anything is adopted.
    template
        With --assess: write a file to fill in.
    json
        Print the facts as JSON.
    """
    if (template and not assess) or (file is not None and not assess) or (assess and answer):
        raise UsageError("--template and a file go with --assess, --answer without it", hint="lampway readiness --help")
    if assess:
        return _assess(file, template=template, as_json=json)
    if answer:
        return _answer(answer, note, until, as_json=json)
    with session() as opened:
        found = opened.run(ShowReadiness())
    if json:
        emit(found)
    else:
        say_readiness(found)
    return 0


def _answer(text: str, reason: str, until: str, *, as_json: bool) -> int:
    item, _, reply = text.partition("=")
    if not item.strip() or not reply.strip():
        raise UsageError(f"not an answer: {text[:80]!r}", hint="write ITEM=yes, ITEM=no or ITEM=n/a")
    request = AnswerReadiness(item.strip(), reply.strip().lower(), note=reason, until=until)
    with session(quiet=as_json) as opened:
        line = opened.run(request)
    if as_json:
        emit(line)
    else:
        _say_line(line)
    return 0


def _assess(file: Path | None, *, template: bool, as_json: bool) -> int:
    if template:
        return _write_template(file or Path(_TEMPLATE))
    if file is not None:
        said = read_assessment(str(file), read_file(file))
    elif sys.stdin.isatty():
        said = _ask()
    else:
        hint = f"fill in a file: lampway readiness --assess --template, then --assess {_TEMPLATE}"
        raise UsageError("nobody is here to be asked: this is no terminal", hint=hint)
    found = assess(said)
    if as_json:
        emit(found)
    else:
        say_readiness(found)
    return 0


def _write_template(path: Path) -> int:
    if path.exists():
        raise UsageError("there is a file already", where=str(path), hint="name another one")
    path.write_text(assessment_template(path.name), encoding="utf-8", newline="\n")
    say(f"written: {path}")
    note(f"fill it in, then: lampway readiness --assess {path}")
    return 0


def _ask() -> dict[str, Said]:
    """Return what is said on the terminal, item by item; the end of input ends it."""
    said: dict[str, Said] = {}
    note("answer with y (yes), p (partly), n (no), a (n/a) or nothing (unknown)")
    for number, item in enumerate(DEFAULT_ITEMS, 1):
        while item.item not in said:
            try:
                given = input(f"{number:>2}/{len(DEFAULT_ITEMS)}  {item.text}? ").strip().lower()
            except EOFError:
                return said
            reply = _SHORT.get(given, given)
            if reply in ("yes", "partly", "no", "n/a", "unknown"):
                said[item.item] = Said(reply)
            else:
                note("  y, p, n, a, or nothing")
    return said


def say_readiness(found: Readiness) -> None:
    """Print the whole answer: score, level, areas with their items, and what to do next."""
    kind = "said, not proved" if found.is_assessment else f"{found.proved} % proved by evidence"
    say(paint(f"readiness {found.score} %, level {found.level} of {len(LEVELS) - 1}: {found.level_name}", "1"))
    say(f"  {kind}")
    width = max(len(line.item) for line in found.items)
    for area in found.areas:
        say()
        say(paint(f"{area.area}  {area.score} %  ({area.met} of {area.items})", "1"))
        for line in (line for line in found.items if line.area == area.area):
            _say_line(line, width)
    if found.next is not None:
        say()
        say(f"next: {found.next.why}")
        say(f"  → {found.next.action}")


def _say_line(line: ReadinessLine, width: int = 0) -> None:
    mark, colour = _MARKS.get(line.state, ("–", "2"))
    until = f" (until {line.until[:10]})" if line.until else ""
    said = "said: " if line.source == "said" and line.by else "not ours: " if line.state == "not-ours" else ""
    say(f"  {paint(mark, colour)} {line.item.ljust(width)}  {said}{line.reason}{until}")
    if line.links:
        say(f"    {' ' * width}  evidence: {'; '.join(f'{link.kind} {link.place}' for link in line.links[:3])}")
    if line.next:
        say(f"    {' ' * width}  → {line.next}")
