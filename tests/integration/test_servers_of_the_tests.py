"""The fixtures themselves: real servers that are there."""

from __future__ import annotations

import asyncpg
from redis.asyncio import Redis


async def test_an_empty_database_is_a_real_postgresql_without_a_table(empty_database) -> None:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    try:
        assert await connection.fetchval("SELECT current_database()") == empty_database.name
        assert (
            await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'") == 0
        )
    finally:
        await connection.close()


async def test_a_database_has_the_tables_of_all_services_and_no_row(database) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM engine.workflows") == 0
        assert await connection.fetchval("SELECT count(*) FROM registry.agents") == 0
    finally:
        await connection.close()


async def test_the_valkey_fixture_is_a_real_and_empty_valkey(valkey: str) -> None:
    async with Redis.from_url(valkey, protocol=3, legacy_responses=False) as client:
        assert await client.dbsize() == 0
        assert await client.xadd("stream", {"field": "value"})
