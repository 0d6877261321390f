"""Backups: one file with the ledger as it is stored, what works beside it, and every package.

A ZIP: `ledger.jsonl` (a JSON array per row), `operational.json` (leases, outbox), `packages/<sha256>`, `engine.key`
only if asked for, and at its end `backup.json`, which says what the rest must be. It is of no kind of database: what
was taken from one can be restored into another.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
from sqlalchemy import Connection, select

from lampway.domain.digest import EMPTY
from lampway.domain.events import Event
from lampway.domain.kept import NAMING, forgotten, named
from lampway.engine.ports import PackageStore
from lampway.errors import RefusedError, StorageError, UsageError
from lampway.storage import ledger
from lampway.storage.schema import leases, outbox
from lampway.storage.sql import SqlStore

FORMAT = "lampway-backup/1"
LEDGER, OPERATIONAL, KEY, END = "ledger.jsonl", "operational.json", "engine.key", "backup.json"
PACKAGES = "packages/"
_NAMING = {kind.encode() for kind in NAMING}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says about itself; written last."""

    format: str
    at: str
    events: int
    head: str
    """Hash of the newest row; empty for none."""
    ledger: str
    """Digest of the rows as they are in the file."""
    operational: str
    packages: int
    missing: tuple[str, ...] = ()
    """Digests that the ledger names and that could not be read then."""
    has_key: bool = False


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made."""

    file: str
    at: str
    events: int
    head: str
    packages: int
    missing: tuple[str, ...]
    """What the package store had lost already: each with what it is."""
    has_key: bool
    size: int


@dataclass(slots=True)
class _Rows:
    """What one pass over the ledger leaves behind."""

    events: int = 0
    head: str = ""
    packages: dict[str, str] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Remember what an event says is kept, or kept no more."""
        for digest, what in named(event):
            self.packages.setdefault(digest, what)
        for digest in forgotten(event):
            self.packages.pop(digest, None)


def back_up(store: SqlStore, packages: PackageStore, target: Path, *, at: str, key: bytes = b"") -> Backup:
    """Write everything as it is at one moment into `target`, which must not be there yet.

    The file appears once it is whole and durable; only its owner can read it. Work goes on meanwhile. Raises
    UsageError, RefusedError for a damaged ledger, StorageError.
    """
    if target.exists():
        raise UsageError("a backup is never written over", where=str(target), hint="give another name, or a folder")
    with _appearing(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with store.reading() as reading:
            rows, ledger_digest = _write_ledger(archive, reading.connection)
            operational = _operational(reading.connection)
        archive.writestr(OPERATIONAL, operational)
        missing = tuple(_write_packages(archive, packages, rows.packages))
        if key:
            archive.writestr(KEY, key)
        manifest = Manifest(
            format=FORMAT,
            at=at,
            events=rows.events,
            head=rows.head,
            ledger=ledger_digest,
            operational=digest_of(operational),
            packages=len(rows.packages) - len(missing),
            missing=missing,
            has_key=bool(key),
        )
        archive.writestr(END, msgspec.json.encode(manifest))
    lost = tuple(f"{digest}: {rows.packages[digest]}" for digest in missing)
    size = target.stat().st_size
    return Backup(str(target), at, rows.events, rows.head, manifest.packages, lost, bool(key), size)


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


@contextmanager
def _appearing(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that gets its name once it is whole; whatever happens before, none is left."""
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"the backup cannot be written: {reason}", where=str(target)) from error
    finally:
        beside.unlink(missing_ok=True)


def _write_ledger(archive: zipfile.ZipFile, connection: Connection) -> tuple[_Rows, str]:
    rows, whole = _Rows(), hashlib.sha256()
    prev = EMPTY
    with archive.open(LEDGER, "w", force_zip64=True) as member:
        for batch in ledger.batches(connection):
            lines = bytearray()
            for raw in batch:
                row = _checked(raw, rows.events + 1, prev)
                prev = row[7]
                lines += msgspec.json.encode(row) + b"\n"
                rows.events += 1
                if raw[3] in _NAMING:
                    rows.note(ledger.decode(raw).event)
            whole.update(lines)
            member.write(lines)
    rows.head = prev if rows.events else ""
    return rows, "sha256:" + whole.hexdigest()


def _checked(raw: ledger.Raw, seq: int, prev: str) -> tuple[Any, ...]:
    """Return seq, at, kind, schema, actor, body, prev and hash as text and numbers. Raises RefusedError for damage."""
    try:
        before, at, kind, actor, body, row_hash = (raw[n].decode() for n in (0, 2, 3, 5, 6, 7))
    except (AttributeError, UnicodeDecodeError):
        row_hash = ""
    if row_hash and (raw[1], before) == (seq, prev) and raw[4].__class__ is int:
        version: int = raw[4]
        if row_hash == ledger.link(prev, seq, at, (kind, version), (actor, body)):
            return (seq, at, kind, version, actor, body, before, row_hash)
    message = f"a damaged ledger is not backed up: row {seq} is not what was written"
    raise RefusedError(message, hint="lampway audit verify; copy the store itself if you need it as it is")


def _operational(connection: Connection) -> bytes:
    """Return leases and outbox. Who holds a lease is left out: nobody does where it is restored."""
    fences = {row.environment: row.fence for row in connection.execute(select(leases).order_by(leases.c.environment))}
    due = [(r.key, r.kind, r.doc, r.attempts) for r in connection.execute(select(outbox).order_by(outbox.c.key))]
    return msgspec.json.encode({"fences": fences, "outbox": due})


def _write_packages(archive: zipfile.ZipFile, packages: PackageStore, wanted: dict[str, str]) -> Iterator[str]:
    """Add every package, verified, and yield those that cannot be read."""
    for digest in sorted(wanted):
        try:
            data = packages.get(digest)
        except StorageError:
            yield digest
            continue
        archive.writestr(f"{PACKAGES}{digest.removeprefix('sha256:')}", data)
