"""Checkpoints: what the ledger's newest row was, said so that it can be kept where nobody here can write."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lampway.domain.attestation import CHECKPOINT, Statement, Subject
from lampway.domain.digest import canonical
from lampway.errors import UsageError

TYPE = "lampway-checkpoint/1"
"""Number and hash of the newest row; nobody has signed it."""
SIGNED_TYPE = "lampway-checkpoint/2"
"""The same with the root of the tree over all rows, and the engine's signature."""
TAG = "lampway/checkpoint-"
"""What the git tag of a checkpoint begins with; the row's number follows."""
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger had this hash at this row. As every row covers all before it, so does this."""

    seq: int
    hash: str
    at: str
    """ISO time, UTC, at which it was said."""
    root: str = ""
    """Root of the tree over all rows up to this one; empty where it was made before there were trees."""
    envelope: str = ""
    """The engine's signature around the same; empty for none."""
    peaks: tuple[str, ...] = ()
    """Roots of the tree's whole subtrees, to go on from. Not part of what is published."""

    @property
    def statement(self) -> str:
        """The bytes to publish: canonical JSON on one line."""
        facts = {"type": TYPE, "seq": self.seq, "hash": self.hash, "at": self.at}
        if self.root:
            facts |= {"type": SIGNED_TYPE, "root": self.root, "envelope": self.envelope}
        return canonical(facts).decode()

    @property
    def signed(self) -> Statement:
        """What the engine signs: an in-toto statement about the tree's root."""
        predicate = {"row": self.seq, "hash": self.hash, "at": self.at}
        return Statement((Subject("ledger", self.root),), CHECKPOINT, predicate)

    @property
    def tag(self) -> str:
        """The name of the git tag that carries it."""
        return f"{TAG}{self.seq}"


def parse_checkpoint(text: str, where: str) -> Checkpoint:
    """Return the checkpoint in a statement; its signature is not looked at yet. Raises UsageError."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("type") not in (TYPE, SIGNED_TYPE):
        raise _unreadable(where)
    seq, head, at = facts.get("seq"), facts.get("hash"), facts.get("at")
    if type(seq) is not int or seq < 1 or not isinstance(head, str) or not isinstance(at, str):
        raise _unreadable(where)
    if not _HASH.fullmatch(head):
        raise _unreadable(where)
    if facts["type"] == TYPE:
        return Checkpoint(seq, head, at)
    root, envelope = facts.get("root"), facts.get("envelope")
    if not isinstance(root, str) or not isinstance(envelope, str) or not _HASH.fullmatch(root):
        raise _unreadable(where)
    return Checkpoint(seq, head, at, root, envelope)


def _unreadable(where: str) -> UsageError:
    return UsageError("not a checkpoint of a ledger", where=where, hint="make one with: lampway audit checkpoint")
