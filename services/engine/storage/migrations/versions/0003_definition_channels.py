"""Deprecations of definitions, and channels that point at versions.

`latest` is no row but the first entry of an index, so nothing has to keep it true.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

ENGINE = "archwright_engine"

_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"
_TABLE = "engine.definition_channels"


def upgrade() -> None:
    """Add the columns and the table, and say who sees what of it."""
    for statement in Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(f"ALTER TABLE {_TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {_TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {_TABLE} TO {ENGINE}")
    op.execute(f"CREATE POLICY of_tenants ON {_TABLE} TO {ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})")


def downgrade() -> None:
    """Drop what was added."""
    op.execute(f"DROP TABLE {_TABLE}")
    op.execute("DROP INDEX engine.definitions_latest")
    op.execute(
        "ALTER TABLE engine.definitions DROP COLUMN deprecated_at, DROP COLUMN deprecated_by, "
        "DROP COLUMN deprecated_note"
    )
