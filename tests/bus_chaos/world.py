"""What is struck: Redis, two engines, the realtime service, and receivers of two groups, two members each."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from browser import Browser
from own_redis import OwnRedis
from own_server import made_postgres
from small_mesh import Child, SmallMesh, small_mesh

from archwright import Client, ids
from archwright.local.database_roles import as_user
from archwright.local.postgres import Postgres
from archwright.pacing import rest

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("audit", "mail")
MEMBERS = 2


@dataclass
class World:
    """What runs, and what those who watch have seen."""

    folder: Path
    mesh: SmallMesh
    redis: OwnRedis
    owner_dsn: str
    realtime: Child
    receivers: list[Child]
    browsers: list[Browser] = field(default_factory=list)

    def client(self) -> Client:
        """Return a caller of one tenant, with every right there."""
        return Client(f"http://{self.mesh.address}", self.token())

    def token(self) -> str:
        """Return a token that outlives the run."""
        roles = ["viewer", "operator", "admin"]
        return self.mesh.signer.sign(subject="ann", tenant="acme", roles=roles, ttl_seconds=7_200)[0]

    def received(self, group: str) -> set[str]:
        """Return the ids of the events that some member of a group has dealt with."""
        ledgers = self.folder.glob(f"{group}-*.events")
        return {line for ledger in ledgers for line in ledger.read_text().splitlines()}

    async def histories(self) -> Mapping[str, int]:
        """Return every workflow, and the number of its newest event, as the database knows them."""
        owner = await asyncpg.connect(self.owner_dsn)
        try:
            rows = await owner.fetch("SELECT workflow_id, last_seq FROM engine.workflows")
        finally:
            await owner.close()
        return {ids.show("wf", row["workflow_id"]): row["last_seq"] for row in rows}


@asynccontextmanager
async def world(folder: Path, engine_program: Sequence[str], receiver_options: Sequence[str]) -> AsyncIterator[World]:
    """Run everything in a folder of its own for the length of the block."""
    async with AsyncExitStack() as stack:
        postgres_at = Postgres(folder, folder / "s", is_ephemeral=False)
        postgres, redis = await made_postgres(postgres_at), OwnRedis(folder)
        for server in (postgres, redis):
            stack.push_async_callback(server.kill)
            await server.start()
        (folder / "hot.key").write_bytes(os.urandom(32))
        dsn_of = {user: as_user(postgres_at.dsn, user) for user in ("archwright_engine", "archwright_registry")}
        settings = {
            "ARCHWRIGHT_REDIS_URL": redis.url,
            "ARCHWRIGHT_HOT_COPY_KEY_FILE": str(folder / "hot.key"),
            "ARCHWRIGHT_MAX_CPU_USAGE_PERCENT": "100",
        }
        mesh = await stack.enter_async_context(
            small_mesh(folder, postgres_at.dsn, dsn_of, replicas=2, engine_program=engine_program, **settings)
        )
        await mesh.add_agent("worker", SLOTS="50")
        engines = ",".join(f"http://{engine.address}" for engine in mesh.engines)
        realtime = await mesh.add_service("realtime", ARCHWRIGHT_ENGINE_ADDRESS=engines)
        receivers = []
        for group in GROUPS:
            for number in range(MEMBERS):
                receiver = _receiver(folder, mesh, redis, group, number, receiver_options)
                await receiver.start()
                mesh.others.append(receiver)
                receivers.append(receiver)
        yield World(folder, mesh, redis, postgres_at.dsn, realtime, receivers)


def _receiver(folder: Path, mesh: SmallMesh, redis: OwnRedis, group: str, number: int, options: Sequence[str]) -> Child:
    name = f"{group}-{number}"
    arguments = ["-m", "tests.bus_chaos.receiver", redis.url, group, str(folder / f"{name}.events"), *options]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return Child(name, arguments, mesh.shared | {"PYTHONPATH": path, "LOG_FILE": str(folder / f"{name}.log")})


async def restarted(child: Child) -> None:
    """End a process as a power failure would, and start it again where it was."""
    child.kill()
    await child.gone()
    if child.address:
        child.environment["ARCHWRIGHT_PORT"] = child.address.rpartition(":")[2]
    await child.start()


async def frozen(child: Child, seconds: float) -> None:
    """Let a process do nothing for a while."""
    child.freeze()
    try:
        await rest(seconds)
    finally:
        child.wake()
