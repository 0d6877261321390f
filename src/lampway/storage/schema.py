"""The tables: one ledger, one table per kind of record, and what is merely operational."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

from lampway.domain.projection import RECORDS

VERSION = 2
"""Of the tables' layout."""

metadata = MetaData()


def _text(length: int = 0) -> TypeEngine[Any]:
    """Return the type of a text. SQLite heeds neither length nor language; Postgres is told to heed none either."""
    plain: TypeEngine[Any] = String(length) if length else Text()
    return plain.with_variant(Text(collation="C"), "postgresql")


_NUMBER = Integer().with_variant(BigInteger(), "postgresql")

ledger = Table(
    "ledger",
    metadata,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", _text(40), nullable=False),
    Column("kind", _text(60), nullable=False),
    Column("schema", _NUMBER, nullable=False),
    Column("actor", _text(), nullable=False),
    Column("body", _text(), nullable=False),
    Column("prev", _text(80), nullable=False),
    Column("hash", _text(80), nullable=False, unique=True),
)
"""Append-only and hash-chained: `hash` covers every column of the row and, through `prev`, all rows before it."""


def _record_table(kind: type) -> Table:
    name = kind.__name__.lower()
    return Table(
        f"record_{name}",
        metadata,
        Column("key", _text(200), primary_key=True),
        Column("first", _NUMBER, nullable=False),
        Column("solution", _text(80), nullable=False),
        Column("environment", _text(80), nullable=False),
        Column("state", _text(40), nullable=False),
        Column("doc", _text(), nullable=False),
        Index(f"ix_record_{name}_place", "environment", "solution", "state"),
        Index(f"ix_record_{name}_first", "solution", "first"),
        Index(f"ix_record_{name}_state", "state", "first"),
    )


records: dict[type, Table] = {kind: _record_table(kind) for kind in RECORDS}
"""Projections: `first` is the ledger row that first spoke of it, `doc` its canonical JSON."""

leases = Table(
    "lease",
    metadata,
    Column("environment", _text(80), primary_key=True),
    Column("fence", _NUMBER, nullable=False),
    Column("holder", _text(120), nullable=False),
)
"""Operational: who works on an environment. The fence only ever grows; an empty holder means nobody."""

outbox = Table(
    "outbox",
    metadata,
    Column("key", _text(200), primary_key=True),
    Column("kind", _text(40), nullable=False),
    Column("doc", _text(), nullable=False),
    Column("attempts", _NUMBER, nullable=False),
)
"""Operational: what is still to be said to the outside, such as tags; retried until it is."""

about = Table("about", metadata, Column("key", _text(40), primary_key=True), Column("value", _text(), nullable=False))

_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
_AT_ITS_END = (
    "NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)"
    " OR EXISTS (SELECT 1 FROM ledger WHERE hash = NEW.hash)"
)
APPEND_ONLY = {
    **{
        f"ledger_no_{verb}": f"CREATE TRIGGER ledger_no_{verb} BEFORE {verb} ON ledger {_REFUSE}"
        for verb in ("update", "delete")
    },
    "ledger_at_its_end": f"CREATE TRIGGER ledger_at_its_end BEFORE insert ON ledger WHEN {_AT_ITS_END} {_REFUSE}",
}
"""SQLite: refuse to rewrite the ledger from inside the database, by trigger name.

REPLACE takes rows away without asking the trigger on DELETE, so that an insert is let in only at the end.
"""
