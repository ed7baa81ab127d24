"""A mesh of the benchmark's own: PostgreSQL with its default durability, Valkey, engines and agents as processes.

It lives in temporary folders and goes with the benchmark, also when that is killed. Nothing is tuned that a user's
mesh would not have: TLS between the services, tokens, fsync and synchronous_commit are on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import asyncpg
import psutil

from archwright import Client
from archwright.local import certificates, keys, programs
from archwright.local.child import Program
from archwright.local.postgres import Postgres
from archwright.local.serve import Site, serve
from archwright.local.state import MeshRecord, StateFolder
from archwright.local.valkey import Valkey

AGENT_TYPE = "worker"
TENANT = "benchmark"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of what."""

    engines: int = 1
    agents: int = 1
    slots: int = 1_000
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables of the engine, without their prefix."""


@dataclass(slots=True)
class Mesh:
    """What runs."""

    postgres_dsn: str
    engines: tuple[str, ...]
    ca_file: Path
    tokens: keys.Keys
    folder: Path

    def client(self, engine: int = 0) -> Client:
        """Return a client of one engine."""
        from archwright.serving.tokens import TokenSigner  # noqa: PLC0415  # only who measures needs it

        signer = TokenSigner(self.tokens.signing_key_file, keys.ISSUER, keys.AUDIENCE)
        roles = ["viewer", "operator", "admin"]
        token, _ = signer.sign(subject="benchmark", tenant=TENANT, roles=roles, ttl_seconds=7_200)
        return Client(self.engines[engine % len(self.engines)], token, self.ca_file)

    async def connect(self) -> asyncpg.Connection:
        """Connect to the database as its owner."""
        return await asyncpg.connect(self.postgres_dsn)

    def processes(self) -> Mapping[str, list[psutil.Process]]:
        """Return the processes of the mesh by what they are."""
        found: dict[str, list[psutil.Process]] = {}
        for process in psutil.Process().children(recursive=True):
            kind = _kind(process)
            if kind:
                found.setdefault(kind, []).append(process)
        return found


Use = Callable[[Mesh], Awaitable[Answer]]


def run(shape: Shape, use: Use[Answer], say: Callable[[str], None]) -> Answer:
    """Bring a mesh up, await `use`, and take it down."""
    built: list[Mesh] = []

    async def start(site: Site) -> MeshRecord:
        mesh = await _build(site, shape)
        built.append(mesh)
        return MeshRecord(
            gateway="",
            engine=mesh.engines[0],
            registry="",
            ca_file=str(mesh.ca_file),
            token_key_file=str(mesh.tokens.signing_key_file),
            enrolment_token_file=str(mesh.tokens.enrolment_token_file),
            token_issuer=keys.ISSUER,
            token_audience=keys.AUDIENCE,
            pid=0,
        )

    async def used(_place: StateFolder, _record: MeshRecord) -> Answer:
        return await use(built[0])

    return serve(start, used, say, is_ephemeral=True)


async def _build(site: Site, shape: Shape) -> Mesh:
    from datetime import UTC, datetime  # noqa: PLC0415

    trust = certificates.ensure(site.place.certificates, datetime.now(UTC))  # noqa: TID251  # certificates need today
    tokens = keys.ensure(site.place.keys)
    postgres = Postgres(site.place.postgres, site.sockets / "postgres", is_ephemeral=False)
    await site.supervisor.complete(postgres.making())
    postgres.take_made()
    await site.supervisor.keep(postgres.serving(), tier=0)
    valkey = Valkey(site.place.valkey, site.sockets / "valkey.sock")
    await site.supervisor.keep(valkey.serving(), tier=0)
    own = programs.OwnPrograms(trust, tokens, postgres.dsn, "", valkey.url)
    for service in ("registry", "engine"):
        await site.supervisor.complete(own.migration(service))
    registry = await site.supervisor.keep(own.registry(), tier=1)
    engines = []
    for number in range(shape.engines):
        engine = own.engine(registry)
        told = {f"ARCHWRIGHT_{name}": value for name, value in shape.settings.items()}
        engine = replace(engine, name=f"engine {number + 1}", environment={**engine.environment, **told})
        engines.append(await site.supervisor.keep(engine, tier=2))
    for number in range(shape.agents):
        agent = _agent(own, engines[number % len(engines)], registry, number, shape.slots)
        await site.supervisor.keep(agent, tier=3)
    return Mesh(postgres.dsn, tuple(f"https://{engine}" for engine in engines), trust.ca_file, tokens, site.place.root)


def _agent(own: programs.OwnPrograms, engine: str, registry: str, number: int, slots: int) -> Program:
    agent = own.agent(AGENT_TYPE, engine, registry)
    environment = {
        **agent.environment,
        "ARCHWRIGHT_AGENT_ID": f"{AGENT_TYPE}-{number + 1}",
        "ARCHWRIGHT_LOG_LEVEL": "warning",
        "BENCHMARK_AGENT_TYPE": AGENT_TYPE,
        "BENCHMARK_SLOTS": str(slots),
    }
    command = (*agent.command[:2], "-m", "benchmarks.agent")
    return replace(agent, name=f"agent {number + 1}", command=command, environment=environment)


def _kind(process: psutil.Process) -> str:
    try:
        line = " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
    for words, kind in (
        ("services.engine", "engine"),
        ("services.registry", "registry"),
        ("benchmarks.agent", "agent"),
        ("postgres", "postgres"),
        ("valkey-server", "valkey"),
    ):
        if words in line:
            return kind
    return ""


def wait(seconds: float) -> Awaitable[None]:
    """Let that much time pass."""
    return asyncio.sleep(seconds)  # noqa: TID251  # a benchmark lives in real time
