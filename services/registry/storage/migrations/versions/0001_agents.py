"""The agents, and the two roles that see them.

`archwright_registry` sees the tenants that its transaction names, and nobody's when it names none.
`archwright_registry_loops`, which it may become but does not inherit, sees all: for the duties that need that.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

SERVICE = "archwright_registry"
LOOPS = "archwright_registry_loops"

# The inner SELECT lets the planner compute the list once per query, not once per row.
_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"

_TABLE = """
CREATE TABLE registry.agents (
  tenant_id             text NOT NULL,
  agent_id              text NOT NULL,
  agent_type            text NOT NULL,
  capabilities          text[] NOT NULL,
  max_concurrent_tasks  integer NOT NULL,
  current_task_count    integer NOT NULL,
  health_check_url      text NOT NULL,
  labels                jsonb NOT NULL,
  said                  text NOT NULL,
  is_silent             boolean NOT NULL,
  registered_at         timestamptz NOT NULL,
  last_heartbeat        timestamptz NOT NULL,
  removed_at            timestamptz,
  removed_by            text NOT NULL DEFAULT '',
  changed_in            bigint NOT NULL,
  PRIMARY KEY (tenant_id, agent_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01)
"""


def upgrade() -> None:
    """Create the roles where they are missing, the table, and who sees what of it."""
    for role, how in ((SERVICE, "LOGIN NOINHERIT"), (LOOPS, "NOLOGIN")):
        # Roles belong to the whole server: a migration of another database may be making them just now.
        op.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
            f"CREATE ROLE {role} {how}; END IF; "
            f"EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    op.execute(f"GRANT {LOOPS} TO {SERVICE}")
    op.execute(_TABLE)
    op.execute("CREATE INDEX agents_changed ON registry.agents (changed_in)")
    op.execute("ALTER TABLE registry.agents ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE registry.agents FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_tenants ON registry.agents TO {SERVICE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")
    op.execute(f"CREATE POLICY of_loops ON registry.agents TO {LOOPS} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT USAGE ON SCHEMA registry TO {SERVICE}, {LOOPS}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON registry.agents TO {SERVICE}")
    op.execute(f"GRANT SELECT, UPDATE, DELETE ON registry.agents TO {LOOPS}")


def downgrade() -> None:
    """Drop the table; the roles stay, other databases may use them."""
    op.execute("DROP TABLE registry.agents")
