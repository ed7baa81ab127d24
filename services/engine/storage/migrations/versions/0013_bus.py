"""What the bus has been told, for as long as some group may need to be told again, and how far the groups have come.

Redis may forget what it was given; then the commits since the least of the groups' marks are published once more.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

_LOOPS = "archwright_engine_loops"


def upgrade() -> None:
    """Note when a commit was published, and add what is known of the bus and of its groups."""
    op.execute("ALTER TABLE engine.commits ADD COLUMN published_at timestamptz")
    op.execute("UPDATE engine.commits SET published_at = committed_at WHERE published")
    op.execute("CREATE INDEX commits_published ON engine.commits (published_at) WHERE published")
    op.execute(
        "CREATE TABLE engine.bus (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), "
        "life text NOT NULL DEFAULT '', kept_by uuid NOT NULL, kept_until timestamptz NOT NULL)"
    )
    op.execute("CREATE TABLE engine.bus_groups (name text PRIMARY KEY, settled_until timestamptz NOT NULL)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON engine.bus TO {_LOOPS}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.bus_groups TO {_LOOPS}")


def downgrade() -> None:
    """Drop it all."""
    op.execute("DROP TABLE engine.bus_groups")
    op.execute("DROP TABLE engine.bus")
    op.execute("ALTER TABLE engine.commits DROP COLUMN published_at")
