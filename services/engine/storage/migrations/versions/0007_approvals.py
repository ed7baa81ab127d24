"""Which workflows wait, or waited, for whom: found by the approval's id, and listed while it waits.

A row only says where in which history the question stands; what is asked and decided is in history alone. Rows go
with their workflow.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_ENGINE = "archwright_engine"
_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        "CREATE TABLE engine.approvals (tenant_id text NOT NULL, approval_id uuid NOT NULL, workflow_id uuid NOT NULL, "
        "step text NOT NULL, seq integer NOT NULL, ended boolean NOT NULL DEFAULT false, "
        "PRIMARY KEY (tenant_id, approval_id))"
    )
    op.execute("CREATE INDEX approvals_waiting ON engine.approvals (approval_id) WHERE NOT ended")
    op.execute("CREATE INDEX approvals_of_workflow ON engine.approvals (workflow_id)")
    op.execute("ALTER TABLE engine.approvals ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE engine.approvals FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.approvals TO {_ENGINE}")
    op.execute(f"CREATE POLICY of_tenants ON engine.approvals TO {_ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE engine.approvals")
