"""Commands about evidence: put everything about a release into one file, and verify such a file anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.app import read_file, verify_evidence_file
from lampway.cli.checkpoints import checkpoint_lines
from lampway.cli.output import emit, note, paint, say
from lampway.cli.session import session

Json = Annotated[bool, Parameter(name="--json", negative="")]


def evidence_export(release: str, /, *, out: str = "", json: Json = False) -> int:
    """Write one file with everything an auditor needs about a release.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    out
        Where to write it; - for the standard output. Else SOLUTION-VERSION.evidence.
    json
        Print the facts as JSON.
    """
    from lampway.engine.evidence import ExportEvidence

    with session(quiet=True) as opened:
        made = opened.run(ExportEvidence(release))
    path = Path(out or made.name)
    if out == "-":
        say(made.content.removesuffix("\n"))
        return 0
    path.write_text(made.content, encoding="utf-8", newline="\n")
    if json:
        emit({"file": str(path), "rows": made.rows})
    else:
        say(f"{path}: {made.rows} rows; it opens with a page to read")
        note(f"verify it anywhere: lampway evidence verify {path} --keys people.yaml")
    return 0


def evidence_verify(
    file: str,
    /,
    *,
    keys: str,
    engine_key: str = "",
    package: str = "",
    checkpoint: Annotated[list[Path] | None, Parameter(negative="", consume_multiple=True)] = None,
    json: Json = False,
) -> int:
    """Verify an evidence file: no database, no network, no Lampway of anybody else. Exits with 1 when it does not hold.

    Parameters
    ----------
    file
        The evidence.
    keys
        A people.yaml that you trust.
    engine_key
        The engine's public key, known from elsewhere than this file.
    package
        The package in hand, to see whether the evidence is about it.
    checkpoint
        Files with checkpoints that were published: the rows must be those of the ledger that they speak of.
    json
        Print the facts as JSON.
    """
    found = verify_evidence_file(
        read_file(Path(file)),
        (keys, read_file(Path(keys))),
        engine_key=engine_key,
        package=read_file(Path(package)) if package else None,
        checkpoints=[line for path in checkpoint or () for line in checkpoint_lines(path)],
    )
    holds = all(one.holds for one in found)
    if json:
        emit({"holds": holds, "checks": found})
        return 0 if holds else 1
    for one in found:
        mark = paint("✗", "31") if not one.holds else "·" if one.check == "remark" else paint("✓", "32")
        say(f"{mark} {one.check}: {one.reason}")
    say("it holds" if holds else "it does not hold")
    return 0 if holds else 1
