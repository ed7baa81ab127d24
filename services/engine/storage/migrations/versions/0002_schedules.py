"""Schedules.

Their inputs are payloads, open only to the tenants that a transaction names. The role of the loops, which looks for
due schedules of all tenants, is granted the columns that say when and nothing of what: it cannot read an input.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

ENGINE = "archwright_engine"
LOOPS = "archwright_engine_loops"

_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"
_WHEN = "tenant_id, schedule_id, paused, next_fire_at, queued_fire_at, reserved_until, deleted_at"


def upgrade() -> None:
    """Create the table, and say who sees what of it."""
    for statement in Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute("ALTER TABLE engine.schedules ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE engine.schedules FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.schedules TO {ENGINE}")
    op.execute(f"CREATE POLICY of_tenants ON engine.schedules TO {ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")
    op.execute(f"GRANT SELECT ({_WHEN}), UPDATE (reserved_until), DELETE ON engine.schedules TO {LOOPS}")
    op.execute(f"CREATE POLICY of_loops ON engine.schedules TO {LOOPS} USING (true) WITH CHECK (true)")


def downgrade() -> None:
    """Drop the table."""
    op.execute("DROP TABLE engine.schedules")
