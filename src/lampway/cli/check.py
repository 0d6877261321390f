"""Commands about checks: run them again, attest what people tried, and read what they told."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, say, table, when
from lampway.cli.session import session
from lampway.domain.deployment import CheckOutcome, Evidence
from lampway.engine.attest import FILE_LIMIT, FILES, AttestCheck, DraftTested, GivenFile, ReadKept, ShowEvidence
from lampway.engine.recheck import RunChecks
from lampway.errors import UsageError

Json = Annotated[bool, Parameter(name="--json", negative="")]
Place = Annotated[str, Parameter(name="--in")]
_CODES = {CheckOutcome.PASSED: 0, CheckOutcome.FAILED: 1, CheckOutcome.ERRORED: 3}


def run(release: str, /, *, place: Place, check: str = "", json: Json = False) -> int:
    """Run the checks of what is installed, without deploying. Exits with 1 when one failed, with 3 when one errored.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for what is installed there. Nothing else than what is there can be checked.
    place
        Stage, or its environment.
    check
        Only this check.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        done = opened.run(RunChecks(release, place, check))
    if json:
        emit(
            {
                **_facts_of(done.release, done.environment, done.evidence),
                "verified": done.verified,
                "voided": done.voided,
            }
        )
    else:
        for evidence in done.evidence:
            say(_line(evidence))
        if done.verified:
            say(f"{done.release} is known-good in {done.environment} now")
        _say_voided(done.voided)
    outcomes = {e.outcome for e in done.evidence}
    return next((_CODES[o] for o in (CheckOutcome.FAILED, CheckOutcome.ERRORED) if o in outcomes), 0)


def attest(
    release: str,
    /,
    *,
    place: Place,
    check: str,
    outcome: str,
    cases: str,
    data_set: str = "",
    data_digest: str = "",
    file: tuple[Path, ...] = (),
    passphrase_file: str = "",
    json: Json = False,
) -> int:
    """Say what came of a check that people carry out. Exits with 1 when it failed.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for what is installed there.
    place
        Stage, or its environment, in which it was tried.
    check
        The check, declared with `attested: true`.
    outcome
        passed or failed.
    cases
        What was tried, in words.
    data_set
        Name of the data it was tried with; as the environment declares it where it is left out.
    data_digest
        Digest of that data: sha256: and 64 hexadecimal digits; as the environment declares it where it is left out.
    file
        Something to be kept as evidence, such as a picture; may be given several times.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    from lampway.cli.keys import sign_given, signature_line

    files = tuple(_read(path) for path in file[: FILES + 1])
    with session(quiet=json) as opened:
        said = (release, place, check, outcome, cases, data_set, files, data_digest)
        asked, draft = AttestCheck(*said), DraftTested(*said)
        request, why_not = sign_given(opened, asked, draft, passphrase_file)
        done = opened.run(request)
    evidence = done.evidence
    if json:
        emit({"evidence": evidence, "voided": done.voided})
    else:
        name = f"{evidence.solution}@{evidence.version}"
        say(f"check *{evidence.check}* of {name} {evidence.outcome} in {evidence.environment} ({evidence.id})")
        say(signature_line(why_not, signed=bool(request.envelope)))
        _say_voided(done.voided)
    return _CODES[evidence.outcome]


def show(release: str, /, *, json: Json = False) -> int:
    """Show what checks told about a release, oldest first.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowEvidence(release))
    if json:
        emit(list(found))
        return 0
    if not found:
        say(f"no check has told anything about {release} yet")
        return 0
    rows = [
        (e.id, when(e.at), e.environment, e.check, str(e.outcome), ", ".join(_kept(e)) or "-", e.summary) for e in found
    ]
    table(rows, ("evidence", "at", "where", "check", "outcome", "kept", "what it told"))
    return 0


def output(evidence: str, /, *, name: str = "output") -> int:
    """Print what is kept of one piece of evidence, byte for byte.

    Parameters
    ----------
    evidence
        Its id: lampway check show SOLUTION.
    name
        output, report, or the name of a file that a tester gave.
    """
    with session(quiet=True) as opened:
        data = opened.run(ReadKept(evidence, name))
    sys.stdout.flush()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(data)
    else:
        sys.stdout.write(data.decode("utf-8", errors="replace"))
    return 0


def _facts_of(release: str, environment: str, evidence: tuple[Evidence, ...]) -> dict[str, object]:
    return {"release": release, "environment": environment, "evidence": list(evidence)}


def _line(evidence: Evidence) -> str:
    kept = f" (kept as {evidence.id})" if evidence.kept else ""
    return f"check *{evidence.check}* {evidence.outcome} in {evidence.environment}: {evidence.summary}{kept}"


def _kept(evidence: Evidence) -> list[str]:
    files = [file.name for file in evidence.attested.files] if evidence.attested else []
    return [name for name in ("output", "report") if getattr(evidence, name)] + files


def _say_voided(promotions: tuple[str, ...]) -> None:
    for promotion in promotions:
        say(f"  voided: promotion {promotion} relied on it; lampway show {promotion}")


def _read(path: Path) -> GivenFile:
    """Return a file to be kept. Raises UsageError for what is no file, is too large, or leads elsewhere."""
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
            raise UsageError("a link that leads out of its folder", where=str(path), hint="name the file itself")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UsageError("this is no file", where=str(path), hint="name a file that can be read to its end")
            data = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot be read: {reason}", where=str(path), hint="name a file that is there") from None
    if len(data) > FILE_LIMIT:
        raise UsageError(f"larger than {FILE_LIMIT // 1_048_576} MiB", where=str(path), hint="give a smaller one")
    return GivenFile(path.name, data)
