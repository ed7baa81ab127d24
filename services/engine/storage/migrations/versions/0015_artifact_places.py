"""Files have versions, and their content a place of its own, which need not be this database.

`stage` is how far a file is: it arrives, it is kept, or it is being removed. Only what is kept may be named or read.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy import text

from services.chassis.postgres import DowngradeRefused
from services.chassis.sql_script import run_script

revision = "0015"
down_revision = "0014"

_ENGINE, _LOOPS = "archwright_engine", "archwright_engine_loops"
_TENANTS = "tenant_id = ANY ((SELECT string_to_array(current_setting('app.tenants', true), ','))::text[])"
_ELSEWHERE = """
SELECT count(*) FROM engine.artifacts AS a
 WHERE stage = 'kept' AND size_bytes <> (
   SELECT coalesce(sum(length(piece)), 0) FROM engine.artifact_contents AS c
    WHERE c.tenant_id = a.tenant_id AND c.sha256 = a.sha256)
"""


def upgrade() -> None:
    """Add versions of each name, and move the content into a table of pieces."""
    here = Path(__file__)
    # An owner who is no superuser sees no row of a table whose policies hold for owners too.
    op.execute("ALTER TABLE engine.artifacts NO FORCE ROW LEVEL SECURITY")
    run_script(here.with_name("0015_artifact_places.sql"))
    op.execute("ALTER TABLE engine.artifacts FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE engine.artifact_contents ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE engine.artifact_contents FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON engine.artifact_contents TO {_ENGINE}")
    op.execute(
        f"CREATE POLICY of_tenants ON engine.artifact_contents TO {_ENGINE} USING ({_TENANTS}) WITH CHECK ({_TENANTS})"
    )
    op.execute(f"GRANT SELECT (stage) ON engine.artifacts TO {_LOOPS}")
    run_script(here.with_name("0015_commit_batch.sql"))


def downgrade() -> None:
    """Move the content back and forget all but the newest versions; refused while content is elsewhere."""
    for table in ("artifacts", "artifact_contents", "artifact_references"):
        op.execute(f"ALTER TABLE engine.{table} NO FORCE ROW LEVEL SECURITY")
    elsewhere = op.get_bind().execute(text(_ELSEWHERE)).scalar_one()
    if elsewhere:
        raise DowngradeRefused.of(revision, f"the content of {elsewhere} artifacts is not in this database")
    run_script(Path(__file__).with_name("0015_back.sql"))
    for table in ("artifacts", "artifact_references"):
        op.execute(f"ALTER TABLE engine.{table} FORCE ROW LEVEL SECURITY")
    run_script(Path(__file__).with_name("0010_commit_batch.sql"))
