"""The mesh's own PostgreSQL and Valkey, really started and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from redis.asyncio import Redis

from archwright.local.database_roles import as_user, password_for, set_password
from archwright.local.postgres import Postgres
from archwright.local.reaper_link import ReaperLink, reaper
from archwright.local.state import StateFolder, hold
from archwright.local.supervisor import Supervisor, supervising
from archwright.local.temporary import temporary_folder
from archwright.local.valkey import Valkey


@pytest.fixture
def place(tmp_path: Path) -> StateFolder:
    made = StateFolder(tmp_path)
    made.make()
    return made


@pytest.fixture
def link(place: StateFolder) -> Iterator[ReaperLink]:
    with hold(place) as lock, reaper(lock) as made:
        yield made


async def serving(postgres: Postgres, supervisor: Supervisor) -> asyncpg.Connection:
    if not postgres.is_made:
        await supervisor.complete(postgres.making())
        postgres.take_made()
    await supervisor.keep(postgres.serving(), tier=1)
    return await asyncpg.connect(postgres.dsn)


async def test_postgres_keeps_its_rows_over_a_stop(place: StateFolder, link: ReaperLink) -> None:
    for expected in (0, 1):
        with temporary_folder() as sockets:
            async with supervising(link, place.logs, print) as supervisor:
                connection = await serving(Postgres(place.postgres, sockets / "pg", is_ephemeral=False), supervisor)
                await connection.execute("CREATE TABLE IF NOT EXISTS rows (number int)")
                assert await connection.fetchval("SELECT count(*) FROM rows") == expected
                await connection.execute("INSERT INTO rows VALUES (1)")
                await connection.close()


async def test_postgres_starts_after_a_postmaster_that_was_killed(place: StateFolder, link: ReaperLink) -> None:
    with temporary_folder() as sockets:
        postgres = Postgres(place.postgres, sockets / "pg", is_ephemeral=True)
        async with supervising(link, place.logs, print) as supervisor:
            await (await serving(postgres, supervisor)).close()
        # What it leaves when it is killed, its pid now being another process's.
        (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n0\n5432\n\n\n")

        async with supervising(link, place.logs, print) as supervisor:
            connection = await serving(postgres, supervisor)
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()


async def test_postgres_listens_on_its_socket_only_and_shows_it_to_nobody(place: StateFolder, link: ReaperLink) -> None:
    with temporary_folder() as sockets:
        async with supervising(link, place.logs, print) as supervisor:
            connection = await serving(Postgres(place.postgres, sockets / "pg", is_ephemeral=True), supervisor)

            assert await connection.fetchval("SHOW listen_addresses") == ""
            assert stat.S_IMODE((sockets / "pg").stat().st_mode) == 0o700
            await connection.close()


async def test_a_cluster_that_was_made_by_half_is_made_anew(place: StateFolder, link: ReaperLink) -> None:
    with temporary_folder() as sockets:
        postgres = Postgres(place.postgres, sockets / "pg", is_ephemeral=True)
        (place.postgres / "draft").mkdir()
        (place.postgres / "draft" / "PG_VERSION").write_text("18")

        async with supervising(link, place.logs, print) as supervisor:
            await (await serving(postgres, supervisor)).close()


async def test_valkey_keeps_its_entries_over_a_stop(place: StateFolder, link: ReaperLink) -> None:
    for expected in (None, b"kept"):
        with temporary_folder() as sockets:
            valkey = Valkey(place.valkey, sockets / "valkey.sock")
            async with supervising(link, place.logs, print) as supervisor:
                await supervisor.keep(valkey.serving(), tier=1)
                async with Redis.from_url(valkey.url, protocol=3, legacy_responses=False) as client:
                    assert await client.get("entry") == expected
                    await client.set("entry", "kept")


async def test_postgres_is_started_again_after_it_was_killed(place: StateFolder, link: ReaperLink) -> None:
    is_up_again = asyncio.Event()

    def hear(line: str) -> None:
        if line == "postgres is up again.":
            is_up_again.set()

    with temporary_folder() as sockets:
        postgres = Postgres(place.postgres, sockets / "pg", is_ephemeral=False)
        async with supervising(link, place.logs, hear) as supervisor:
            connection = await serving(postgres, supervisor)
            await connection.execute("CREATE TABLE kept (number int)")
            pid = int((postgres.data / "postmaster.pid").read_text().split()[0])

            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(30):
                await is_up_again.wait()

            again = await asyncpg.connect(postgres.dsn)
            assert await again.fetchval("SELECT count(*) FROM kept") == 0
            await again.close()
            connection.terminate()


async def test_services_get_into_a_postgres_that_asks_for_passwords(place: StateFolder, link: ReaperLink) -> None:
    with temporary_folder() as sockets:
        postgres = Postgres(place.postgres, sockets / "pg", is_ephemeral=True)
        async with supervising(link, place.logs, print) as supervisor:
            owner = await serving(postgres, supervisor)
            await owner.execute(
                "CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'p@ss'; CREATE ROLE archwright_engine LOGIN"
            )
            (postgres.data / "pg_hba.conf").write_text("local all all scram-sha-256\n")
            await owner.fetchval("SELECT pg_reload_conf()")
            await owner.close()
            keeper = as_user(postgres.dsn, "keeper", quote("p@ss", safe=""))
            password = password_for(keeper, place.keys / "postgres-password")

            await set_password(keeper, "archwright_engine", password)

            engine = await asyncpg.connect(as_user(keeper, "archwright_engine", password))
            assert await engine.fetchval("SELECT current_user") == "archwright_engine"
            await engine.close()
