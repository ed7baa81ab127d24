"""What the whole language needs, and a leaner commit.

A task waits in a queue, which is a type of agent or the text of what an agent must offer. It may be born assigned: the
commit that makes it gives it to an agent at once. A large state is written as a snapshot now and then (`state_seq`
says of when), and what history has beyond it is folded in when the workflow is loaded. Words to other workflows are
rows of `inbox`, written with their cause and deleted in the commit that heeds them.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from services.chassis.postgres import DowngradeRefused
from services.chassis.sql_script import run_script

revision = "0004"
down_revision = "0003"

ENGINE = "archwright_engine"
LOOPS = "archwright_engine_loops"

_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"


def upgrade() -> None:
    """Add the columns and tables, and replace the function that commits."""
    for name in ("0004_engine.sql", "0004_commit_batch.sql"):
        run_script(Path(__file__).with_name(name))
    for table in ("inbox", "step_cache"):
        op.execute(f"ALTER TABLE engine.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE engine.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.{table} TO {ENGINE}")
        op.execute(f"CREATE POLICY of_tenants ON engine.{table} TO {ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")
        op.execute(f"CREATE POLICY of_loops ON engine.{table} TO {LOOPS} USING (true) WITH CHECK (true)")
    # The loops find out who has mail and what is out of date, and never read what it says.
    op.execute(f"GRANT SELECT (tenant_id, target, key, created_at, reserved_until) ON engine.inbox TO {LOOPS}")
    op.execute(f"GRANT UPDATE (reserved_until), DELETE ON engine.inbox TO {LOOPS}")
    op.execute(f"GRANT SELECT (tenant_id, key_sha256, expires_at), DELETE ON engine.step_cache TO {LOOPS}")


def downgrade() -> None:
    """Refuse: histories hold events that the version before cannot read."""
    raise DowngradeRefused.of(revision, "histories may hold events that the version before cannot read")
