"""`lampway strategy document`: the team's own strategy, for people who sign."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.app import render_document, write_file
from lampway.cli.output import note
from lampway.cli.session import session
from lampway.domain.strategy_document import FORMATS
from lampway.engine.document import WriteDocument
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
        document = opened.run(WriteDocument(draft=draft))
    data = render_document(document, wanted)
    if out is None:
        sys.stdout.write(data.decode())
        return 0
    write_file(out, data)
    note(f"written: {out}")
    return 0
