"""Commands of the auditor: verify, checkpoint, export, search, coverage, who."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.cli.checkpoints import checkpoint_lines
from lampway.cli.output import emit, note, paint, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.engine.audit import Audit, HistoryLine, Verdict
from lampway.engine.checkpoint import MakeCheckpoint
from lampway.engine.coverage import Cover, Coverage, Covered, Said, WhoCould
from lampway.engine.readiness import RecordAudit
from lampway.engine.trail import ExportFormat, ExportLedger, SearchLedger
from lampway.errors import UsageError

From = Annotated[str, Parameter(name="--from")]
To = Annotated[str, Parameter(name="--to")]
In = Annotated[str, Parameter(name="--in")]


def verify(
    *,
    checkpoint: Annotated[list[Path] | None, Parameter(negative="", consume_multiple=True)] = None,
    chain_only: Annotated[bool, Parameter(negative="")] = False,
    record: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Verify the ledger's chain, every record and every package. Exits with 1 when something was changed.

    Checkpoints in tags of the repository are compared by themselves.

    Parameters
    ----------
    checkpoint
        Files with checkpoints that were kept elsewhere: the ledger must hold exactly these hashes at these rows.
    chain_only
        Only the chain and the checkpoints: many times as fast.
    record
        Write into the ledger that it was found whole, as evidence for `lampway readiness`.
    json
        Print the facts as JSON.
    """
    if record and chain_only:
        raise UsageError("only what was verified whole is recorded", hint="leave out --chain-only")
    statements = tuple(statement for file in checkpoint or () for statement in checkpoint_lines(file))
    with session() as opened:
        verdict = opened.run(RecordAudit(statements) if record else Audit(chain_only, statements))
    if json:
        emit(verdict)
    else:
        _say_verdict(verdict)
    return 1 if verdict.damage else 0


def _say_verdict(verdict: Verdict) -> None:
    for damage in verdict.damage:
        say(paint(f"✗ {damage.place}: {damage.what}", "31"))
    if not verdict.damage:
        rest = f" and {verdict.packages} packages" if verdict.whole else ""
        say(f"✓ {verdict.events} events{rest} are as they were written")
    say(f"  head of the ledger: {verdict.head or 'none'}")
    if not verdict.whole:
        say("  records and packages were not looked at")
    if verdict.checkpoints:
        say(f"  compared with {verdict.checkpoints} checkpoints, the newest of row {verdict.covered}")
    else:
        say("  no checkpoint to compare with: whether rows were cut off at the end cannot be told")


def checkpoint(*, out: Path | None = None, tag: bool = False, json: Json = False) -> int:
    """State number and hash of the ledger's newest row, to be kept where nobody who writes here can write.

    Parameters
    ----------
    out
        Add the statement to this file, as one more line.
    tag
        Make a git tag that carries it, and push it where there is a remote.
    json
        Print the facts as JSON.
    """
    with session(quiet=True) as opened:
        view = opened.run(MakeCheckpoint(tag))
    if out is not None:
        with out.open("a", encoding="utf-8", newline="\n") as file:
            file.write(view.statement + "\n")
    if json:
        emit(view)
    elif out is None and not tag:
        say(view.statement)
    else:
        say(f"row {view.seq} is {view.hash}")
    for place in (f"added to {out}" if out else "", f"tag {view.tag}" if tag else "", view.note):
        if place and not json:
            note(f"  {place}")
    return 0


def export(
    *,
    format: ExportFormat = ExportFormat.JSONL,  # noqa: A002 - the option
    since: str = "",
    out: Path | None = None,
) -> int:
    """Write the ledger out, line by line.

    Parameters
    ----------
    format
        jsonl: every column as it is stored. cloudevents: CloudEvents 1.0. csv: in words, for a spreadsheet.
    since
        Start at this row number, or at this date or time.
    out
        Write to this file instead of the screen; it appears once it is whole.
    """
    with session() as opened:
        lines = opened.run(ExportLedger(format, since))
        if out is None:
            for line in lines:
                sys.stdout.write(line + "\n")
            return 0
        beside = out.with_name(f".{out.name}.part")
        try:
            with beside.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(line + "\n" for line in lines)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
    note(f"written to {out}")
    return 0


def search(
    *,
    person: str = "",
    solution: str = "",
    environment: str = "",
    since: From = "",
    until: To = "",
    kind: str = "",
    limit: int = 100,
    json: Json = False,
) -> int:
    """Find who did what, where and when, in the whole ledger.

    Parameters
    ----------
    person
        Id or e-mail of whoever did it.
    solution
        Only what is about this one.
    environment
        Only what is about this one.
    since
        From this date or time on.
    until
        Up to the end of this date, or to this time.
    kind
        Only this kind of event, such as decision-made.
    limit
        At most so many, the newest; 0 for all.
    json
        Print the facts as JSON.
    """
    wanted = SearchLedger(person, solution, environment, since, until, kind, limit)
    with session() as opened:
        found = opened.run(wanted)
    if json:
        emit(found)
        return 0
    _say_lines(found.lines)
    if found.total > len(found.lines):
        note(f"the newest {len(found.lines)} of {found.total}; --limit 0 shows all")
    elif not found.total:
        note("nothing matches")
    return 0


def _say_lines(lines: Iterable[HistoryLine]) -> None:
    unproved = False
    for line in lines:
        unproved |= not line.authenticated
        say(f"{line.seq:>5}  {when(line.at)}  {line.who + ('' if line.authenticated else '?'):<14}  {line.what}")
    if unproved:
        say("? who this was is not proved")


def coverage(*, since: From, until: To, environment: str = "", gap: str = "24h", json: Json = False) -> int:
    """Show what was deployed to production, what was edited live, and when nobody looked.

    Parameters
    ----------
    since
        From this date or time on.
    until
        Up to the end of this date, or to this time.
    environment
        This environment instead of production; and only its looks.
    gap
        Tell every time longer than this without a look, such as 24h or 7d.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(Cover(since, until, environment, gap))
    if json:
        emit(found)
    else:
        _say_coverage(found, gap)
    return 0


def _say_coverage(found: Coverage, gap: str) -> None:
    say(f"from {when(found.since)} to {when(found.until)} UTC; looked at: {', '.join(found.environments) or 'nothing'}")
    if found.begins > found.since:
        say(f"the ledger begins at {when(found.begins)}: of the time before it nothing is known")
    say(f"\n{len(found.deployments)} deployments")
    for done in found.deployments:
        verified = "verified" if done.verified else "not verified"
        say(f"  {when(done.started_at)}  {done.kind} of {done.solution}@{done.version} to {done.environment}")
        say(f"    {done.state}, {verified}; asked by {_who(done.asked)}; {_approved(done)}")
    say(f"\n{len(found.drift)} live edits")
    for edit in found.drift:
        said = f"{edit.state} by {edit.resolved_by}: {edit.reason}" if edit.resolved_by else "open"
        say(f"  {when(edit.found_at)}  {edit.solution} in {edit.environment}: {edit.changes[0]}; {said}")
    say(f"\n{len(found.unseen)} times longer than {gap} without a look: what happened then is not known")
    for time in found.unseen:
        first = " (never looked at before)" if time.never else ""
        say(f"  {time.environment}: {when(time.since)} to {when(time.until)}, {time.hours} hours{first}")


def _approved(done: Covered) -> str:
    if done.approvals:
        return f"approved by {', '.join(_who(said) for said in done.approvals)}"
    return f"no approval: {done.reason or 'its rules asked for none'}"


def _who(said: Said) -> str:
    return f"{said.by} ({'proved' if said.proved else 'not proved'})"


def who(*, could: str, environment: In, on: str, json: Json = False) -> int:
    """Show who could have approved or deployed in an environment on a day, by the strategy in force then.

    Parameters
    ----------
    could
        approve or deploy.
    environment
        Where.
    on
        The day.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        periods = opened.run(WhoCould(could, environment, on))
    if json:
        emit({"could": could, "environment": environment, "on": on, "periods": periods})
        return 0
    for period in periods:
        say(f"strategy of {period.commit[:12]}, in force since {when(period.since)}")
        rows = [(f"  {p.person}", ", ".join(p.roles), ", ".join(p.stages)) for p in period.people]
        table(rows or [("  nobody", "", "")], ("  person", "roles", "stages"))
        for text in period.notes:
            say(f"  {text}")
    return 0
