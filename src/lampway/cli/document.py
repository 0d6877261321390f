"""`lampway strategy document`: the team's own strategy, for people who sign."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.app import render_document, write_file
from lampway.cli.output import emit, note, say, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.domain.strategy_document import FORMATS, unpack
from lampway.engine.document import FetchDocument, WriteDocument
from lampway.engine.strategy_history import JudgeStrategy, ShowStrategyHistory
from lampway.errors import UsageError

_BINARY = ("pdf", "docx")


def strategy_document(
    *,
    form: Annotated[str, Parameter(name="--format")] = "",
    out: Path | None = None,
    draft: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write the strategy as a document: tiers, paths, gates in words, duties, readiness, exceptions, dates.

    Parameters
    ----------
    form
        html, pdf, docx or md; what the file's name says if left out, else md.
    out
        The file; without it html and md are printed.
    draft
        From the files as they lie there, and not from what is in force.
    """
    wanted = form or (out.suffix.lower().lstrip(".") if out else "md")
    if wanted not in FORMATS:
        raise UsageError(f"no such format: {wanted[:40]}", hint=f"--format, one of: {', '.join(FORMATS)}")
    if out is None and wanted in _BINARY:
        raise UsageError(f"{wanted} is not for a terminal", hint=f"add --out strategy.{wanted}")
    with session(quiet=True) as opened:
        document = opened.run(WriteDocument(draft=True)) if draft else unpack(opened.run(FetchDocument()))
    data = render_document(document, wanted)
    if out is None:
        sys.stdout.write(data.decode())
        return 0
    write_file(out, data)
    note(f"written: {out}")
    return 0


def strategy_history(*, limit: int = 20, json: Json = False) -> int:
    """Show what each strategy that was put in force changed, the newest first.

    Parameters
    ----------
    limit
        How many.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowStrategyHistory(limit))
    if json:
        emit(found)
        return 0
    for one in found:
        authors = ", ".join(one.authors) or "nobody known"
        say(f"{when(one.at)} applied by {one.by}, written by {authors}: {one.commit[:12]}")
        for line in one.changes:
            say(f"  {line}")
    return 0


def strategy_judge(*, json: Json = False) -> int:
    """Hold the strategy in force against the static rules of this version. Exits with 1 where they would refuse it.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(JudgeStrategy())
    if json:
        emit(found)
    else:
        for line in (*found.mistakes, *found.cautions):
            say(line)
        say(
            f"cannot be told: {found.unread}"
            if found.unread
            else f"{len(found.mistakes)} mistakes, by the static rules"
        )
    return 1 if found.mistakes or found.unread else 0
