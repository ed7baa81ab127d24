"""The engine's migrations, back and forth: what cannot be taken back says so before anything is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.chassis.postgres import DowngradeRefused
from services.engine.storage import migrations
from services.engine.storage.migrate import migrate


async def test_the_language_is_not_taken_back_and_the_way_out_is_told(empty_database: Any) -> None:
    await migrate(empty_database.owner_dsn)
    before = await version(empty_database.owner_dsn)

    with pytest.raises(DowngradeRefused, match="restore the backup that was made before the upgrade") as refused:
        await downgrade(empty_database.owner_dsn, "0003")

    assert refused.value.facts["revision"] == "0004"
    assert await version(empty_database.owner_dsn) == before


async def test_files_go_back_into_their_rows_and_forth_again(empty_database: Any) -> None:
    await migrate(empty_database.owner_dsn)
    await downgrade(empty_database.owner_dsn, "0014")
    content = bytes(range(256)) * 4096 + b"and a little"
    owner = await asyncpg.connect(empty_database.owner_dsn)
    try:
        await owner.execute(
            "INSERT INTO engine.artifacts (tenant_id, sha256, size_bytes, media_type, content) "
            "VALUES ('acme', sha256($1), length($1), 'text/plain', $1), ('acme', sha256(''), 0, 'text/plain', '')",
            content,
        )
        await migrate(empty_database.owner_dsn)
        pieces = await owner.fetch("SELECT length(piece) AS size FROM engine.artifact_contents ORDER BY size DESC")
        assert [row["size"] for row in pieces] == [1 << 20, 12, 0]

        await downgrade(empty_database.owner_dsn, "0014")
        kept = await owner.fetch("SELECT content FROM engine.artifacts ORDER BY size_bytes")
        assert [row["content"] for row in kept] == [b"", content]
        await migrate(empty_database.owner_dsn)

        await owner.execute("DELETE FROM engine.artifact_contents")
        with pytest.raises(DowngradeRefused, match="is not in this database"):
            await downgrade(empty_database.owner_dsn, "0014")
    finally:
        await owner.close()


async def downgrade(owner_dsn: str, revision: str) -> None:
    engine = create_async_engine(owner_dsn.replace("postgresql:", "postgresql+asyncpg:"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_downgrade, revision)
    finally:
        await engine.dispose()


def _downgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    config.attributes.update(connection=connection, schema="engine")
    command.downgrade(config, revision)


async def version(owner_dsn: str) -> str:
    owner = await asyncpg.connect(owner_dsn)
    try:
        return str(await owner.fetchval("SELECT version_num FROM engine.schema_version"))
    finally:
        await owner.close()
