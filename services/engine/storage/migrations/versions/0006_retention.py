"""What retention needs to find what is old.

The role of the loops learns which workflows have ended and which files nobody names, and nothing that they say. That
it sees no workflow that is under way is the database's own rule, not only that of a query. `touched_at` is when a
file was last sent: one that is sent again is young again, though nothing names it yet.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

LOOPS = "archwright_engine_loops"


def upgrade() -> None:
    """Add when files were touched, and show the loops what is old."""
    op.execute("ALTER TABLE engine.artifacts ADD COLUMN touched_at timestamptz NOT NULL DEFAULT now()")
    op.execute("CREATE INDEX artifact_references_of_file ON engine.artifact_references (tenant_id, sha256)")
    op.execute(f"GRANT SELECT (tenant_id, workflow_id, ended_at) ON engine.workflows TO {LOOPS}")
    op.execute(f"CREATE POLICY of_loops ON engine.workflows FOR SELECT TO {LOOPS} USING (ended_at IS NOT NULL)")
    op.execute(f"GRANT SELECT (tenant_id, sha256, touched_at) ON engine.artifacts TO {LOOPS}")
    op.execute(f"CREATE POLICY of_loops ON engine.artifacts FOR SELECT TO {LOOPS} USING (true)")
    op.execute(f"GRANT SELECT (tenant_id, sha256) ON engine.artifact_references TO {LOOPS}")
    op.execute(f"CREATE POLICY of_loops ON engine.artifact_references FOR SELECT TO {LOOPS} USING (true)")


def downgrade() -> None:
    """Take it back."""
    for table in ("artifact_references", "artifacts", "workflows"):
        op.execute(f"DROP POLICY of_loops ON engine.{table}")
        op.execute(f"REVOKE ALL ON engine.{table} FROM {LOOPS}")
    op.execute("DROP INDEX engine.artifact_references_of_file")
    op.execute("ALTER TABLE engine.artifacts DROP COLUMN touched_at")
