"""Witnesses: checkpoints made row by row, and who signed one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lampway.domain.attestation import read_statement
from lampway.domain.checkpoint import Checkpoint
from lampway.domain.digest import EMPTY
from lampway.domain.tree import Peaks
from lampway.engine.context import Engine
from lampway.engine.ports import Signing
from lampway.errors import RefusedError, UsageError


def signature_fault(checkpoint: Checkpoint, signing: Signing, keys: Collection[str]) -> str:
    """Return what is wrong with the signature of a checkpoint, in words; empty where it holds, or is of the old kind.

    `keys` are the public keys that the engine is known to sign with.
    """
    if not checkpoint.root:
        return ""
    try:
        signed = signing.open(checkpoint.envelope)
        said = read_statement(signed.payload)
    except UsageError as error:
        return f"its signature cannot be read: {error.message}"
    if said != checkpoint.signed:
        return "what was signed is not what it says"
    if not any(signing.is_signed_by(signed, key) for key in keys):
        return "it is not signed with a key of this ledger's engine"
    return ""


def next_checkpoint(engine: Engine) -> Checkpoint | None:
    """Return a signed checkpoint of the newest row, having read only the rows since the one before; None for no rows.

    Raises RefusedError where those rows are not as they were written.
    """
    with engine.store.reading() as reading:
        found = reading.find(Checkpoint, newest_first=True, limit=1)
    last = found[0] if found else Checkpoint(0, EMPTY, "")
    tree, prev, seq = Peaks(last.seq, last.peaks), last.hash, last.seq
    for row in engine.store.stored(after=last.seq):
        if row.seq != seq + 1 or row.prev != prev or row.linked() != row.hash:
            raise RefusedError(f"ledger row {row.seq} is not as it was written", hint="lampway audit verify")
        tree.add(row.hash)
        prev, seq = row.hash, row.seq
    return sign_checkpoint(engine, Checkpoint(seq, prev, engine.now(), tree.root, peaks=tree.texts)) if seq else None


def whole_checkpoint(engine: Engine, last: int, head: str) -> Checkpoint:
    """Return a signed checkpoint of this row, from the hashes of all rows up to it."""
    tree = Peaks()
    for row_hash in engine.store.hashes(last):
        tree.add(row_hash)
    return sign_checkpoint(engine, Checkpoint(last, head, engine.now(), tree.root, peaks=tree.texts))


def sign_checkpoint(engine: Engine, checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint with the engine's signature."""
    return replace(checkpoint, envelope=engine.signing.sign(checkpoint.signed.payload()))
