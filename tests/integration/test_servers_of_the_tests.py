"""The fixtures themselves: real servers that are there."""

from __future__ import annotations

import asyncpg
from redis.asyncio import Redis


async def test_the_database_fixture_is_a_real_and_empty_postgresql(database) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        assert await connection.fetchval("SELECT current_database()") == database.name
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()


async def test_the_valkey_fixture_is_a_real_and_empty_valkey(valkey: str) -> None:
    async with Redis.from_url(valkey, protocol=3, legacy_responses=False) as client:
        assert await client.dbsize() == 0
        assert await client.xadd("stream", {"field": "value"})
