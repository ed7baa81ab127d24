"""Runs a file of SQL within a migration."""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy.engine import AdaptedConnection


def run_script(file: Path) -> None:
    """Run a file of several statements, which only the driver itself can take."""
    script = file.read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    assert isinstance(connection, AdaptedConnection)
    connection.run_async(lambda driver: driver.execute(script))
