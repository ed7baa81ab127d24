"""Tables are tidied as they are used.

The rows of open tasks live for moments: thousands die each second, and every sweep reads past those that are dead. The
other tables of the hot path are found by their keys whatever the planner believes of them, so it need not be told at
every tenth that they grow by.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

_GROWING = ("history", "workflows", "commits", "audit", "timers")
_OPEN_TASKS = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "2000",
    "autovacuum_vacuum_cost_delay": "0",
    # Cutting off the end of the table stops everybody who uses it, and it is as long again a moment later.
    "vacuum_truncate": "false",
}
_GROWING_TABLES = {"autovacuum_analyze_scale_factor": "1", "autovacuum_analyze_threshold": "10000"}


def upgrade() -> None:
    """Set what PostgreSQL's own workers go by."""
    op.execute(f"ALTER TABLE engine.open_tasks SET ({_told(_OPEN_TASKS)})")
    for table in _GROWING:
        op.execute(f"ALTER TABLE engine.{table} SET ({_told(_GROWING_TABLES)})")


def downgrade() -> None:
    """Leave it to the settings of the server again."""
    op.execute(f"ALTER TABLE engine.open_tasks RESET ({', '.join(_OPEN_TASKS)})")
    for table in _GROWING:
        op.execute(f"ALTER TABLE engine.{table} RESET ({', '.join(_GROWING_TABLES)})")


def _told(parameters: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in parameters.items())
