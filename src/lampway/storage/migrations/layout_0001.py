"""The first layout: the ledger, a table for each kind of record, leases, the outbox."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_RECORDS = (
    "rulesinforce",
    "release",
    "promotion",
    "deployment",
    "installation",
    "knowngood",
    "evidence",
    "driftfinding",
    "lockrecord",
)
"""Those there were from the beginning. A kind that came later makes its table by itself when the store is opened."""


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger",
        sa.Column("seq", _number(), primary_key=True, autoincrement=False),
        sa.Column("at", _text(40), nullable=False),
        sa.Column("kind", _text(60), nullable=False),
        sa.Column("schema", _number(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("body", _text(), nullable=False),
        sa.Column("prev", _text(80), nullable=False),
        sa.Column("hash", _text(80), nullable=False, unique=True),
    )
    for name in _RECORDS:
        _record(name)
    op.create_table(
        "lease",
        sa.Column("environment", _text(80), primary_key=True),
        sa.Column("fence", _number(), nullable=False),
        sa.Column("holder", _text(120), nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("key", _text(200), primary_key=True),
        sa.Column("kind", _text(40), nullable=False),
        sa.Column("doc", _text(), nullable=False),
        sa.Column("attempts", _number(), nullable=False),
    )
    op.create_table("about", sa.Column("key", _text(40), primary_key=True), sa.Column("value", _text(), nullable=False))


def _record(name: str) -> None:
    table = f"record_{name}"
    op.create_table(
        table,
        sa.Column("key", _text(200), primary_key=True),
        sa.Column("first", _number(), nullable=False),
        sa.Column("solution", _text(80), nullable=False),
        sa.Column("environment", _text(80), nullable=False),
        sa.Column("state", _text(40), nullable=False),
        sa.Column("doc", _text(), nullable=False),
    )
    op.create_index(f"ix_{table}_place", table, ["environment", "solution", "state"])
    op.create_index(f"ix_{table}_first", table, ["solution", "first"])


def _text(length: int = 0) -> Any:
    plain = sa.String(length) if length else sa.Text()
    return plain.with_variant(sa.Text(collation="C"), "postgresql")


def _number() -> Any:
    return sa.Integer().with_variant(sa.BigInteger(), "postgresql")
