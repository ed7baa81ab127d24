"""Counts how often the bus lost something, so that what was published before is not noted as published after."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the count."""
    op.execute("ALTER TABLE engine.bus ADD COLUMN epoch bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE engine.bus DROP COLUMN epoch")
