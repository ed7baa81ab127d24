"""How many workflows each tenant has under way, in chunks that replicas borrow.

No payloads, so the tables are open to the role of the loops alone.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

_LOOPS = "archwright_engine_loops"


def upgrade() -> None:
    """Create the quotas, and what each living replica has borrowed and not used."""
    op.execute("CREATE TABLE engine.quotas (tenant_id text PRIMARY KEY, lent integer NOT NULL)")
    op.execute(
        "CREATE TABLE engine.permits (replica_id uuid NOT NULL, tenant_id text NOT NULL, free integer NOT NULL, "
        "seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (replica_id, tenant_id))"
    )
    for table in ("quotas", "permits"):
        op.execute(f"ALTER TABLE engine.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE engine.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.{table} TO {_LOOPS}")
        op.execute(f"CREATE POLICY of_loops ON engine.{table} TO {_LOOPS} USING (true) WITH CHECK (true)")
    op.execute("CREATE INDEX timers_admission ON engine.timers (tenant_id, due_at) WHERE name = 'admit'")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX engine.timers_admission")
    op.execute("DROP TABLE engine.permits, engine.quotas")
