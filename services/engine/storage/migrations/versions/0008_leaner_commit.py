"""A commit and a start that cost less.

What every step writes is one statement, and groups that are empty are null. A definition is found, and permits are
borrowed, in one round trip each.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from services.chassis.sql_script import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Replace the function that commits, and add those that starts wait for."""
    for name in ("0008_commit_batch.sql", "0008_find_definitions.sql", "0008_borrow_permits.sql"):
        run_script(Path(__file__).with_name(name))


def downgrade() -> None:
    """Bring back the function of before."""
    op.execute("DROP FUNCTION engine.find_definitions, engine.borrow_permits")
    run_script(Path(__file__).with_name("0004_commit_batch.sql"))
