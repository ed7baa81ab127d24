"""The first tables.

What decides their shape: one row of state per workflow that is rewritten in place, so no index may cover a
column that changes per step; one history row per workflow and commit, holding all its events; open tasks that
are deleted, not kept; one `commits` row per batch, which settles unknown outcomes and is the outbox too.

Row-level security is forced everywhere. Tables with payloads are open only to the tenants that the
transaction names; tables without are open to the role of the loops, which look for work of all tenants.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from services.chassis.sql_script import run_script

revision = "0001"
down_revision = None

ENGINE = "archwright_engine"
LOOPS = "archwright_engine_loops"

_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"

_WITH_PAYLOADS = ("definitions", "workflows", "history", "audit", "artifacts", "artifact_references")
_FOR_LOOPS = ("open_tasks", "timers")
_ONLY_LOOPS = ("sessions", "audit_seals")


def upgrade() -> None:
    """Create the roles, the tables, their policies, and the function that commits."""
    for role, how in ((ENGINE, "LOGIN NOINHERIT"), (LOOPS, "NOLOGIN")):
        # Roles belong to the whole server: a migration of another database may be making them just now.
        op.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
            f"CREATE ROLE {role} {how}; END IF; "
            f"EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    op.execute(f"GRANT {LOOPS} TO {ENGINE}")
    op.execute(f"GRANT USAGE ON SCHEMA engine TO {ENGINE}, {LOOPS}")
    for name in ("0001_first_tables.sql", "0001_commit_batch.sql"):
        run_script(Path(__file__).with_name(name))
    for table in (*_WITH_PAYLOADS, *_FOR_LOOPS, *_ONLY_LOOPS, "commits"):
        op.execute(f"ALTER TABLE engine.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE engine.{table} FORCE ROW LEVEL SECURITY")
    for table in (*_WITH_PAYLOADS, *_FOR_LOOPS):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.{table} TO {ENGINE}")
        op.execute(f"CREATE POLICY of_tenants ON engine.{table} TO {ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")
    for table in (*_FOR_LOOPS, *_ONLY_LOOPS, "commits"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.{table} TO {LOOPS}")
        op.execute(f"CREATE POLICY of_loops ON engine.{table} TO {LOOPS} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT INSERT ON engine.commits TO {ENGINE}")
    op.execute(f"CREATE POLICY of_writers ON engine.commits FOR INSERT TO {ENGINE} WITH CHECK (true)")


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP SCHEMA engine CASCADE")
