"""However PostgreSQL is away, services say so in one way, and callers know that asking again helps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest
from own_server import OwnServer, made_postgres
from sqlalchemy import text

from archwright.errors import DependencyUnavailable
from archwright.local.postgres import Postgres
from archwright.local.temporary import temporary_folder
from services.chassis.clock import SystemClock
from services.chassis.postgres import connect, outages_told

CRASHES = 5
MOMENTS = 60
Answer = TypeVar("Answer")


@pytest.fixture
async def dsn() -> AsyncIterator[str]:
    with temporary_folder() as folder:
        postgres = Postgres(folder, folder / "s", is_ephemeral=False)
        server: OwnServer = await made_postgres(postgres)
        await server.start()
        yield postgres.dsn
        await server.kill()


async def test_one_that_recovers_from_a_crash_is_away_and_then_is_back(dsn: str) -> None:
    engine, clock = connect(dsn, application_name="test", pool_max=2), SystemClock()
    said: set[str] = set()

    async def once_it_answers(ask: Callable[[], Awaitable[Answer]]) -> Answer:
        while True:
            try:
                with outages_told():
                    return await ask()
            except DependencyUnavailable as away:
                said.add(str(away.__cause__))
                await clock.sleep(0.001)

    async def asked() -> int:
        async with engine.connect() as connection:
            return int(await connection.scalar(text("SELECT 1")))

    for _ in range(CRASHES):
        # Where it answered once it may be away again: the death of a backend is noticed after its last word.
        victim = await once_it_answers(lambda: asyncpg.connect(dsn))
        with pytest.raises(asyncpg.PostgresError):
            # One backend that is gone as by SIGKILL has the server begin anew, from its log.
            await victim.execute("COPY (SELECT) TO PROGRAM 'kill -9 $PPID'")
        assert await once_it_answers(asked) == 1
    await engine.dispose()

    assert any("recovery" in each or "starting up" in each for each in said), said


@pytest.mark.parametrize("is_bare", [False, True], ids=["a session", "the driver"])
async def test_a_connection_that_the_server_ends_while_it_is_idle_is_an_outage_at_every_moment(
    dsn: str, is_bare: bool
) -> None:
    engine, boss, clock = connect(dsn, application_name="test", pool_max=1), await asyncpg.connect(dsn), SystemClock()
    for moments in range(MOMENTS):
        async with engine.connect() as connection:
            pid = await connection.scalar(text("SELECT pg_backend_pid()"))
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await boss.execute("SELECT pg_terminate_backend($1)", pid)
            for _ in range(moments):
                await clock.sleep(0)
            with pytest.raises(DependencyUnavailable), outages_told():
                await (driver.fetch("SELECT 1") if is_bare else connection.scalar(text("SELECT 1")))
            await connection.invalidate()
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await boss.close()
    await engine.dispose()
