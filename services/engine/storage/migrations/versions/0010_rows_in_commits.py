"""A commit takes what every step brings as rows, not as an array for each of their columns."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from services.chassis.sql_script import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Replace the function that commits."""
    run_script(Path(__file__).with_name("0010_commit_batch.sql"))


def downgrade() -> None:
    """Bring back the function of before."""
    run_script(Path(__file__).with_name("0008_commit_batch.sql"))
    op.execute("DROP TYPE engine.commit_move, engine.commit_fence, engine.commit_task")
