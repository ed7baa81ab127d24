"""Health checks, operators' decisions, details of capabilities, and an audit of what people change."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from services.chassis.sql_script import run_script

revision = "0002"
down_revision = "0001"

_COLUMNS = """
ALTER TABLE registry.agents
  ADD COLUMN capability_details jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN drained_by text NOT NULL DEFAULT '',
  ADD COLUMN failed_probes integer NOT NULL DEFAULT 0,
  ADD COLUMN probe_problem text NOT NULL DEFAULT '',
  ADD COLUMN probe_at timestamptz NOT NULL DEFAULT 'epoch'
"""
_AUDIT = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    """Add the columns, and the audit table with the function that alone appends to it."""
    op.execute(_COLUMNS)
    op.execute("CREATE INDEX agents_to_probe ON registry.agents (probe_at) WHERE health_check_url <> ''")
    run_script(_AUDIT)


def downgrade() -> None:
    """Drop what was added."""
    op.execute("DROP FUNCTION registry.append_audit")
    op.execute("DROP TABLE registry.audit")
    op.execute(
        "ALTER TABLE registry.agents DROP COLUMN capability_details, DROP COLUMN drained_by, "
        "DROP COLUMN failed_probes, DROP COLUMN probe_problem, DROP COLUMN probe_at"
    )
