"""What is out of retries and waits for a person.

Of a task a row only says where in history it stands; of an event it holds the event, as the bus carried it. Rows go
with their workflow.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

_ENGINE = "archwright_engine"
_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        "CREATE TABLE engine.dead_letters (tenant_id text NOT NULL, letter_id uuid NOT NULL, kind text NOT NULL, "
        "state text NOT NULL DEFAULT 'waiting', workflow_id uuid NOT NULL, definition_name text NOT NULL, "
        "definition_version text NOT NULL, step text NOT NULL, task_id uuid, agent_type text NOT NULL, "
        "category text NOT NULL, code text NOT NULL, attempts integer NOT NULL, seq integer NOT NULL, "
        "created_at timestamptz NOT NULL, group_name text, event_id text, envelope bytea, error text, "
        "ended_at timestamptz, ended_by text, request_id text, reason text, PRIMARY KEY (tenant_id, letter_id))"
    )
    op.execute(
        "CREATE INDEX dead_letters_waiting ON engine.dead_letters (tenant_id, letter_id) WHERE state = 'waiting'"
    )
    op.execute("CREATE INDEX dead_letters_of_workflow ON engine.dead_letters (tenant_id, workflow_id)")
    op.execute("CREATE INDEX dead_letters_of_definition ON engine.dead_letters (tenant_id, definition_name, letter_id)")
    op.execute(
        "CREATE UNIQUE INDEX dead_letters_of_group ON engine.dead_letters (tenant_id, group_name, event_id) "
        "WHERE group_name IS NOT NULL"
    )
    op.execute("ALTER TABLE engine.dead_letters ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE engine.dead_letters FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.dead_letters TO {_ENGINE}")
    op.execute(
        f"CREATE POLICY of_tenants ON engine.dead_letters TO {_ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE engine.dead_letters")
