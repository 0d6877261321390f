"""Restoring a backup: read and verified whole before anything is written, then into an empty store, all or nothing."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select

from lampway.domain.digest import EMPTY
from lampway.domain.events import EVENTS
from lampway.engine.ports import PackageStore
from lampway.engine.store import Damage
from lampway.errors import NotFoundError, RefusedError, StorageError, UsageError
from lampway.storage import ledger, schema
from lampway.storage.backup import END, FORMAT, KEY, LEDGER, OPERATIONAL, PACKAGES, Manifest, digest_of
from lampway.storage.sql import SqlStore

_AT_ONCE = 500
_LARGEST_LINE = 256 * 1024 * 1024
_Row = tuple[int, str, str, int, str, str, str, str]
_row = msgspec.json.Decoder(_Row)


class _Operational(msgspec.Struct, frozen=True):
    fences: dict[str, int]
    outbox: list[tuple[str, str, str, int]]


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was restored."""

    at: str
    """When the backup was made: whatever happened since is not in it."""
    events: int
    head: str
    packages: int
    missing: tuple[str, ...]
    """Digests that were lost when the backup was made."""
    damage: tuple[Damage, ...] = ()
    """What a second look at everything found."""
    is_verified: bool = False


class BackupFile:
    """A backup that was read and found whole. Raises UsageError for anything else."""

    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self._archive = archive
        self._where = where
        names = archive.namelist()
        if END not in names or len(set(names)) != len(names):
            raise self._broken("its end is missing")
        self.manifest: Manifest = self._decode(END, Manifest)
        if self.manifest.format != FORMAT:
            raise self._broken(f"its form is {self.manifest.format}")
        self._packages = [name for name in names if name.startswith(PACKAGES)]
        self._verify()

    def rows(self) -> Iterator[_Row]:
        """Return the ledger's rows in order, each as it was stored."""
        with self._archive.open(LEDGER) as member:
            while line := member.readline(_LARGEST_LINE):
                try:
                    yield _row.decode(line)
                except (msgspec.DecodeError, msgspec.ValidationError):
                    raise self._broken("a row cannot be read") from None

    def operational(self) -> _Operational:
        """Return what is beside the ledger."""
        found: _Operational = self._decode(OPERATIONAL, _Operational)
        return found

    def packages(self) -> Iterator[tuple[str, bytes]]:
        """Return the packages, each with the digest under which it was kept."""
        for name in self._packages:
            yield f"sha256:{name.removeprefix(PACKAGES)}", self._archive.read(name)

    def key(self) -> bytes:
        """Return the engine's key, or nothing."""
        return self._archive.read(KEY) if self.manifest.has_key else b""

    def _verify(self) -> None:
        whole, prev, count = hashlib.sha256(), EMPTY, 0
        for row in self.rows():
            seq, at, kind, version, actor, body, before, row_hash = row
            count += 1
            linked = ledger.link(prev, seq, at, (kind, version), (actor, body))
            if (seq, before, row_hash) != (count, prev, linked):
                raise self._broken(f"row {count} is not what was written")
            if kind not in EVENTS or version > EVENTS[kind].schema:
                hint = "use a newer Lampway"
                raise StorageError(f"it holds what this version does not know: {kind} {version}", hint=hint)
            whole.update(msgspec.json.encode(row) + b"\n")
            prev = row_hash
        told = self.manifest
        if (count, prev if count else "", f"sha256:{whole.hexdigest()}") != (told.events, told.head, told.ledger):
            raise self._broken("it does not hold the rows that it says it does")
        if digest_of(self._archive.read(OPERATIONAL)) != told.operational:
            raise self._broken("its leases are not what was written")
        if len(self._packages) != told.packages:
            raise self._broken("packages are missing")
        for digest, data in self.packages():
            if digest_of(data) != digest:
                raise self._broken(f"package {digest} is damaged")

    def _decode(self, name: str, kind: type) -> Any:
        try:
            return msgspec.json.decode(self._archive.read(name), type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError):
            raise self._broken(f"its {name} cannot be read") from None

    def _broken(self, why: str) -> UsageError:
        return UsageError(f"not a whole backup: {why}", where=self._where, hint="take another backup")


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Open a backup and verify all of it. Raises UsageError, StorageError."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            yield BackupFile(archive, str(path))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError) as error:
        raise UsageError(f"not a whole backup: {error}", where=str(path), hint="take another backup") from error
    except FileNotFoundError:
        raise NotFoundError("no such file", where=str(path)) from None
    except OSError as error:
        raise StorageError(f"the backup cannot be read: {error.strerror or error}", where=str(path)) from error


def restore(backup: BackupFile, store: SqlStore, packages: PackageStore) -> Restored:
    """Put everything into an empty store. Raises RefusedError when it is not empty, StorageError; then it stays empty.

    Packages come first: whatever the ledger names is there when the ledger is.
    """
    _require_empty(store)
    for digest, data in backup.packages():
        if packages.put(data) != digest:
            raise StorageError(f"the package store keeps {digest} under another name")
    with store.transaction() as transaction:
        if transaction.head()[0]:
            raise _not_empty()
        rows: list[dict[str, Any]] = []
        names = ("seq", "at", "kind", "schema", "actor", "body", "prev", "hash")
        for row in backup.rows():
            rows.append(dict(zip(names, row, strict=True)))
            if len(rows) == _AT_ONCE:
                transaction.connection.execute(insert(schema.ledger), rows)
                rows.clear()
        if rows:
            transaction.connection.execute(insert(schema.ledger), rows)
        for recorded in ledger.read(transaction.connection):
            transaction.fold(recorded)
        _restore_operational(backup.operational(), transaction.connection)
    told = backup.manifest
    return Restored(told.at, told.events, told.head, told.packages, told.missing)


def _restore_operational(found: _Operational, connection: Any) -> None:
    for environment, fence in found.fences.items():
        connection.execute(insert(schema.leases).values(environment=environment, fence=fence, holder=""))
    for key, kind, doc, attempts in found.outbox:
        connection.execute(insert(schema.outbox).values(key=key, kind=kind, doc=doc, attempts=attempts))


def _require_empty(store: SqlStore) -> None:
    with store.reading() as reading:
        is_used = reading.head()[0] or reading.connection.execute(select(schema.leases.c.fence).limit(1)).first()
    if is_used:
        raise _not_empty()


def _not_empty() -> RefusedError:
    hint = "restore into an empty one: --into sqlite:////PATH or --into postgresql://..."
    return RefusedError("there is a ledger in this store already, and a ledger is never replaced", hint=hint)


def verify(store: SqlStore, packages: PackageStore, backup: BackupFile) -> tuple[Damage, ...]:
    """Read everything once more from where it is now: the chain, the records folded again, every package."""
    damage = list(store.audit())
    with store.reading() as reading:
        if reading.head() != (backup.manifest.events, backup.manifest.head):
            damage.append(Damage("ledger", "does not end where the backup does"))
    for digest, _ in backup.packages():
        try:
            packages.get(digest)
        except StorageError as error:
            damage.append(Damage(f"package {digest}", error.message))
    return tuple(damage)
