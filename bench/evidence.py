"""Evidence: verifying a release's evidence as an auditor does, start-up included, and signing and verifying signatures.

Beside them stand `python -c pass`, below which no program in Python can come, and `lampway --help`. The evidence is of
a release whose package and checks the engine attested.
"""

from __future__ import annotations

import functools
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from bench.program import PYTHON, Place, lampway
from bench.records import release
from bench.table import Report, Table
from bench.timing import Samples, median, seconds, side_by_side
from lampway.app import STATE, LocalSession, SystemClock, load_working_strategy, open_engine, write_key
from lampway.cli.main import main
from lampway.domain.deployment import CheckOutcome, Evidence
from lampway.domain.digest import digest
from lampway.domain.events import ENGINE, EvidenceRecorded, ReleaseSealed, StrategyApplied
from lampway.domain.release import Release
from lampway.domain.strategy import Check, Solution
from lampway.engine.attestations import attest_evidence, attest_release
from lampway.engine.evidence import ExportEvidence
from lampway.integrations.signing import is_signed_by, load_key, open_envelope
from lampway.storage.sql import open_sqlite

_ROUNDS = 12
_SIGNATURES = 2000
_STATEMENTS = 40
_TARGET = 300
"""Milliseconds."""
_CHECK = Check("order-is-booked", "functional")
_SOLUTION = Solution("orders", "standard", "ada", ("Orders",), checks=(_CHECK,))


def run(folder: Path) -> Report:
    """Make the evidence and run everything on it, in turns."""
    root = folder / "governance"
    file = _fill(root)
    samples = _measure(root, file, folder / "compiled")
    size = f"the evidence has {file.stat().st_size:,} bytes with {_STATEMENTS} statements of the engine"
    return Report((_table(samples), _signatures(folder)), {"seconds": samples}, (size,))


def _fill(root: Path) -> Path:
    """Make a governance repository with one sealed release, and export its evidence."""
    person = ["--person", "ada:Ada Maker:ada@example.org:maker,approver,platform-admin"]
    with redirect_stdout(StringIO()):
        code = main(["init", str(root), *person])
    if code:
        raise AssertionError(f"lampway init ended with {code}")
    strategy = load_working_strategy(root)
    sealed = release("orders", 0)
    open_sqlite(root / STATE / "lampway.db", SystemClock()).close()
    engine = open_engine(root)
    with engine.store.transaction() as transaction:
        transaction.append(StrategyApplied("0" * 40, strategy, digest(strategy), (), ("ada",)), ENGINE)
        transaction.append(ReleaseSealed(sealed, sealed.digest), ENGINE)
        for event in attest_release(engine, transaction, sealed, "dev"):
            transaction.append(event, ENGINE)
        for number in range(_STATEMENTS - 1):
            evidence = _evidence(sealed, number)
            transaction.append(EvidenceRecorded(evidence), ENGINE)
            for event in attest_evidence(engine, transaction, evidence, (_SOLUTION, _CHECK)):
                transaction.append(event, ENGINE)
    engine.store.close()
    opened = LocalSession(root, (), "ada")
    made = opened.run(ExportEvidence(sealed.name))
    opened.close()
    file = root / "bench.evidence"
    file.write_text(made.content, encoding="utf-8", newline="\n")
    return file


def _evidence(sealed: Release, number: int) -> Evidence:
    return Evidence(
        id=f"evidence-{number}",
        solution=sealed.solution,
        version=sealed.version,
        release=sealed.digest,
        environment="test",
        check=_CHECK.name,
        kind=_CHECK.kind,
        outcome=CheckOutcome.PASSED,
        summary="201 in 12 ms",
        at=sealed.sealed_at,
        seconds=0.1,
    )


def _measure(root: Path, file: Path, compiled: Path) -> Samples:
    place = Place(root, compiled)
    verify = (*lampway(), "evidence", "verify", str(file), "--keys", str(root / "people.yaml"))
    return side_by_side(
        {
            "python -c pass": functools.partial(place.run, (*PYTHON, "-c", "pass")),
            "lampway --help": functools.partial(place.run, (*lampway(), "--help")),
            "lampway evidence verify": functools.partial(place.run, verify),
        },
        rounds=_ROUNDS,
    )


def _table(samples: Samples) -> Table:
    rows = []
    for name, taken in samples.items():
        is_ours = name.endswith("verify")
        met = f"< {_TARGET}: {'met' if median(taken) * 1e3 < _TARGET else 'NOT MET'}" if is_ours else ""
        rows.append((name, median(taken, 1e-3), min(taken) * 1e3, max(taken) * 1e3, met))
    return Table("verifying evidence, start-up included", ("command", "median ms", "best", "worst", "target, ms"), rows)


def _signatures(folder: Path) -> Table:
    write_key(folder / "key.pem", None)
    pair = load_key(folder / "key.pem", None)
    payload = b"x" * 1000
    envelope = pair.sign(payload)
    signing = seconds(lambda: [pair.sign(payload) for _ in range(_SIGNATURES)])
    verifying = seconds(lambda: [is_signed_by(open_envelope(envelope), pair.public) for _ in range(_SIGNATURES)])
    rows = [("signed", _SIGNATURES / signing), ("opened and verified", _SIGNATURES / verifying)]
    return Table("envelopes around 1,000 bytes", ("what", "per second"), rows)
