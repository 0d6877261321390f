"""The newest events of a kind are found without reading the ledger from its end."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add an index to the ledger. No row of it is touched."""
    op.create_index("ix_ledger_kind", "ledger", ["kind", "seq"])
