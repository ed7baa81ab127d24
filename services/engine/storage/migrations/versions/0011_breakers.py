"""The circuit breakers: one row for a type of agents and a tenant. No payloads, so the loops see them all."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

_ENGINE, _LOOPS = "archwright_engine", "archwright_engine_loops"
_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        "CREATE TABLE engine.breakers (tenant_id text NOT NULL, agent_type text NOT NULL, state text NOT NULL, "
        "since timestamptz NOT NULL, calls integer NOT NULL, failures integer NOT NULL, trials integer NOT NULL, "
        "version bigint NOT NULL, PRIMARY KEY (tenant_id, agent_type)) WITH (fillfactor = 70)"
    )
    op.execute("ALTER TABLE engine.breakers ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE engine.breakers FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON engine.breakers TO {_ENGINE}, {_LOOPS}")
    op.execute(f"CREATE POLICY of_tenants ON engine.breakers TO {_ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")
    op.execute(f"CREATE POLICY of_loops ON engine.breakers TO {_LOOPS} USING (true) WITH CHECK (true)")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE engine.breakers")
