"""Records are found by their state alone: what is open or at work, among everything that ever was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add an index to every table of records that is there; those to come bring their own."""
    for table in sorted(sa.inspect(op.get_bind()).get_table_names()):
        if table.startswith("record_"):
            op.create_index(f"ix_{table}_state", table, ["state", "first"])
