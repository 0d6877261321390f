"""Checkpoints: what the ledger's newest row was, said so that it can be kept where nobody here can write."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lampway.domain.digest import canonical
from lampway.errors import UsageError

TYPE = "lampway-checkpoint/1"
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

    @property
    def statement(self) -> str:
        """The bytes to publish or to sign: canonical JSON on one line. Nobody has signed them."""
        return canonical({"type": TYPE, "seq": self.seq, "hash": self.hash, "at": self.at}).decode()

    @property
    def tag(self) -> str:
        """The name of the git tag that carries it."""
        return f"{TAG}{self.seq}"


def parse_checkpoint(text: str, where: str) -> Checkpoint:
    """Return the checkpoint in a statement. Raises UsageError."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("type") != TYPE:
        raise _unreadable(where)
    seq, head, at = facts.get("seq"), facts.get("hash"), facts.get("at")
    if type(seq) is not int or seq < 1 or not isinstance(head, str) or not isinstance(at, str):
        raise _unreadable(where)
    if not _HASH.fullmatch(head):
        raise _unreadable(where)
    return Checkpoint(seq, head, at)


def _unreadable(where: str) -> UsageError:
    return UsageError("not a checkpoint of a ledger", where=where, hint="make one with: lampway audit checkpoint")
