"""Notes when the bus was given an event again that somebody redrove, so that it is not lost with the bus.

An event that is given up again after it was redriven is a new dead letter: only those that wait are kept once.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

_LOOPS = "archwright_engine_loops"
_SEEN = "tenant_id, letter_id, kind, state, workflow_id, created_at, group_name, envelope, redelivered_at"


def upgrade() -> None:
    """Add the time, and let the loops see to it."""
    op.execute("ALTER TABLE engine.dead_letters ADD COLUMN redelivered_at timestamptz")
    op.execute("UPDATE engine.dead_letters SET redelivered_at = ended_at WHERE kind = 'event' AND state = 'redriven'")
    op.execute(
        "CREATE INDEX dead_letters_redelivered ON engine.dead_letters (redelivered_at) "
        "WHERE kind = 'event' AND state = 'redriven'"
    )
    op.execute("DROP INDEX engine.dead_letters_of_group")
    op.execute(
        "CREATE UNIQUE INDEX dead_letters_of_group ON engine.dead_letters (tenant_id, group_name, event_id) "
        "WHERE group_name IS NOT NULL AND state = 'waiting'"
    )
    op.execute(f"GRANT SELECT ({_SEEN}), UPDATE (redelivered_at) ON engine.dead_letters TO {_LOOPS}")
    op.execute(
        f"CREATE POLICY of_loops ON engine.dead_letters TO {_LOOPS} USING (kind = 'event') WITH CHECK (kind = 'event')"
    )


def downgrade() -> None:
    """Forget it."""
    op.execute("DROP POLICY of_loops ON engine.dead_letters")
    op.execute(f"REVOKE ALL ON engine.dead_letters FROM {_LOOPS}")
    op.execute("DROP INDEX engine.dead_letters_of_group")
    op.execute(
        "CREATE UNIQUE INDEX dead_letters_of_group ON engine.dead_letters (tenant_id, group_name, event_id) "
        "WHERE group_name IS NOT NULL"
    )
    op.execute("ALTER TABLE engine.dead_letters DROP COLUMN redelivered_at")
