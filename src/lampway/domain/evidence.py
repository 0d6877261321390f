"""Evidence files: a page to read, the ledger rows about one release as they were written, and a seal over all of it.

page, ended by a line of three hyphens
one JSON object that says what this is
one JSON object that proves that the rows are the ledger's
one JSON object per ledger row
one DSSE envelope, the engine's, over the digest of everything above
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from lampway.domain.attestation import read_object
from lampway.domain.digest import canonical
from lampway.errors import UsageError

FORMAT = "lampway-evidence/2"
LARGEST_FILE = 256 * 1024 * 1024
_LARGEST_LINE = 16 * 1024 * 1024
_RULE = "---"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ledger, every column as it was written."""

    seq: int
    at: str
    kind: str
    schema: int
    actor: str
    body: str
    prev: str
    hash: str

    def linked(self) -> str:
        """Return the hash that the row must have: over the hash before it and every other column."""
        parts = (self.prev, str(self.seq), self.at, self.kind, str(self.schema), self.actor, self.body)
        return "sha256:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """What an evidence file is about, and where the ledger ended when it was made."""

    format: str
    solution: str
    version: str
    release: str
    """Digest of the release."""
    at: str
    row: int
    hash: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A checkpoint that was made before, and what proves that the ledger has only grown since."""

    seq: int
    hash: str
    root: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What proves that every row, and the newest one, is in the tree over the whole ledger."""

    root: str
    envelope: str
    """The engine's signature around the checkpoint of the newest row."""
    nodes: tuple[str, ...]
    earlier: tuple[Earlier, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """An evidence file as it was read."""

    covered: bytes
    """Everything the seal covers."""
    head: Head
    inclusion: Inclusion
    rows: tuple[Row, ...]
    seal: str
    """The envelope in its last line."""


def write_content(page: Sequence[str], head: Head, inclusion: Inclusion, rows: Sequence[Row]) -> bytes:
    """Return everything but the seal. Lines of the page are indented, so that none can end it."""
    title = f"LAMPWAY EVIDENCE for {head.solution}@{head.version}"
    shown = [title, "", *(f"  {' '.join(line.split())}" if line.strip() else "" for line in page), _RULE]
    lines = ["\n".join(shown).encode("utf-8", "replace"), canonical(head), canonical(inclusion)]
    lines += [canonical(row) for row in rows]
    return b"\n".join(lines) + b"\n"


def split_seal(data: bytes) -> tuple[bytes, str]:
    """Return everything the seal covers, and the seal. Raises UsageError."""
    if len(data) > LARGEST_FILE:
        raise UsageError(f"larger than {LARGEST_FILE // 1024 // 1024} MiB")
    if not data.startswith(b"LAMPWAY EVIDENCE ") or not data.endswith(b"\n"):
        raise UsageError("not an evidence file, or cut off", hint="make one with: lampway evidence export")
    covered, _, seal = data[:-1].rpartition(b"\n")
    return covered + b"\n", seal.decode("utf-8", "replace")


def read_content(data: bytes) -> Content:
    """Return what is in an evidence file; nothing in it is verified yet. Raises UsageError."""
    covered, seal = split_seal(data)
    _, found, body = covered.partition(f"\n{_RULE}\n".encode())
    lines = body.split(b"\n")[:-1]
    if not found or not lines:
        raise UsageError("the file holds no records")
    head = _fill(Head, lines[0])
    if head.format != FORMAT:
        hint = "export it again: older files do not hold all that is judged; newer ones need a newer Lampway"
        raise UsageError(f"unknown format: {head.format[:40]}", hint=hint)
    if len(lines) < 2:
        raise UsageError("the file holds no proof that its rows are the ledger's")
    rows = tuple(_fill(Row, line) for line in lines[2:])
    return Content(covered, head, _read_inclusion(lines[1]), rows, seal)


def _read_inclusion(line: bytes) -> Inclusion:
    found = read_object(line, _LARGEST_LINE)
    fault = UsageError("a line is no proof of inclusion of an evidence file")
    if found.keys() != {"root", "envelope", "nodes", "earlier"} or not isinstance(found["earlier"], list):
        raise fault
    earlier = []
    for one in found["earlier"]:
        if not isinstance(one, dict) or one.keys() != {"seq", "hash", "root", "nodes"} or type(one["seq"]) is not int:
            raise fault
        earlier.append(Earlier(one["seq"], str(one["hash"]), str(one["root"]), _texts(one["nodes"], fault)))
    nodes = _texts(found["nodes"], fault)
    inclusion = Inclusion(str(found["root"]), str(found["envelope"]), nodes, tuple(earlier))
    if canonical(inclusion) != line:
        raise UsageError("a line is not written as it was sealed")
    return inclusion


def _texts(found: Any, fault: UsageError) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise fault
    return tuple(found)


def _fill(kind: Any, line: bytes) -> Any:
    """Return an object of this kind from one line, which must be written exactly as we write it."""
    found = read_object(line, _LARGEST_LINE)
    wanted = {f.name: int if f.type == "int" else str for f in fields(kind)}
    if found.keys() != wanted.keys() or any(type(found[name]) is not wanted[name] for name in wanted):
        raise UsageError(f"a line is no {kind.__name__.lower()} of an evidence file")
    if canonical(found) != line:
        raise UsageError("a line is not written as it was sealed")
    return kind(**found)
