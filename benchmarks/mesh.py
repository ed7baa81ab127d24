"""A mesh of the benchmark's own: PostgreSQL with its default durability, Valkey, engines and agents as processes.

It lives in temporary folders and goes with the benchmark, also when that is killed. Nothing is tuned that a user's
mesh would not have: TLS between the services, tokens, fsync and synchronous_commit are on. The bare processes that
the floor is measured with stand beside it on the same PostgreSQL, idle until they are asked.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import asyncpg

from archwright import Client
from archwright.connection import Connection
from archwright.local import certificates, keys, programs
from archwright.local.child import Program, clean_environment
from archwright.local.mesh import Tier
from archwright.local.postgres import Postgres
from archwright.local.serve import Site, serve
from archwright.local.state import MeshRecord, StateFolder
from archwright.local.valkey import Valkey
from archwright.serving.tokens import TokenSigner

AGENT_TYPE = "worker"
TENANT = "benchmark"
TOKEN_SECONDS = 7_200.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of what."""

    engines: int = 1
    agents: int = 1
    slots: int = 1_000
    """How many tasks an agent takes at once."""
    agent: str = "agent"
    """The module of this package that is the agents' program."""
    is_agent_free: bool = False
    """Whether each agent is told of all engines, to choose among, and not of one."""
    is_plain: bool = False
    """Whether the engines speak without TLS, as behind sidecars."""
    is_with_floor: bool = False
    """Whether the bare processes are there too."""
    is_with_realtime: bool = False
    """Whether WebSockets are served."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables of the engine, without their prefix."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """What runs, and how to reach it."""

    postgres_dsn: str
    engines: tuple[str, ...]
    registry: str
    bare_engine: str
    ca_file: Path
    tokens: keys.Keys
    folder: Path
    websockets: Path | None = None
    """The unix socket where they are served."""

    def token(self) -> str:
        """Return a token of somebody who may do everything."""
        signer = TokenSigner(self.tokens.signing_key_file, keys.ISSUER, keys.AUDIENCE)
        roles = ["viewer", "operator", "admin"]
        return signer.sign(subject="benchmark", tenant=TENANT, roles=roles, ttl_seconds=TOKEN_SECONDS)[0]

    def client(self, engine: int = 0) -> Client:
        """Return a client of one of the engines."""
        return Client(self.engines[engine % len(self.engines)], self.token(), self.ca_file)

    def bare_client(self) -> Client:
        """Return a client of the bare engine, which asks nobody who they are."""
        return Client(self.bare_engine, "")

    def registry_connection(self) -> Connection:
        """Return a connection that enrols agents at the registry; the caller closes it."""
        token = self.tokens.enrolment_token_file.read_text().strip()
        return Connection.open(self.registry, token=token, ca_file=self.ca_file)

    @property
    def ledger(self) -> Path:
        """Where agents write down what they did, those that do."""
        return self.folder / "ledger"

    async def connect(self) -> asyncpg.Connection:
        """Connect to the database as its owner. Lookups use indexes, however small PostgreSQL believes a table is."""
        return await asyncpg.connect(self.postgres_dsn, server_settings={"enable_seqscan": "off"})


Use = Callable[[Mesh], Awaitable[Answer]]


def run(shape: Shape, use: Use[Answer], say: Callable[[str], None], *, keep: bool = False) -> Answer:
    """Bring a mesh up, await `use`, and take it down; with `keep` its folder stays, with database and logs."""
    built: list[Mesh] = []

    async def start(site: Site) -> MeshRecord:
        mesh = await _Building(site, shape).build()
        built.append(mesh)
        return MeshRecord(
            gateway="",
            engine=mesh.engines[0],
            registry="",
            metrics={},
            ca_file=str(mesh.ca_file),
            token_key_file=str(mesh.tokens.signing_key_file),
            enrolment_token_file=str(mesh.tokens.enrolment_token_file),
            token_issuer=keys.ISSUER,
            token_audience=keys.AUDIENCE,
            pid=0,
        )

    async def used(_place: StateFolder, _record: MeshRecord) -> Answer:
        say(f"The mesh is up. Engines: {shape.engines}, agents: {shape.agents}.")
        return await use(built[0])

    if not keep:
        return serve(start, used, say, is_ephemeral=True)
    folder = Path(tempfile.mkdtemp(prefix="archwright-benchmark-"))
    say(f"What the mesh leaves behind stays in {folder}")
    return serve(start, used, say, state_folder=folder)


@dataclass(frozen=True, slots=True)
class _Building:
    site: Site
    shape: Shape

    async def build(self) -> Mesh:
        """Start every part; raises `StartFailed` naming the part that does not come."""
        place = self.site.place
        trust = certificates.ensure(place.certificates, datetime.fromtimestamp(time.time(), UTC))
        tokens = keys.ensure(place.keys)
        postgres_dsn, redis_url = await self._postgres(), await self._valkey()
        own = programs.OwnPrograms(trust, tokens, postgres_dsn, "", redis_url)
        for service in ("registry", "engine"):
            await self.site.supervisor.complete(own.migration(service))
        registry = (await self.site.supervisor.keep(own.registry(), tier=Tier.REGISTRY)).service
        scheme = "http" if self.shape.is_plain else "https"
        engines = [f"{scheme}://{await self._engine(own, registry, number)}" for number in range(self.shape.engines)]
        for number in range(self.shape.agents):
            known = ",".join(engines) if self.shape.is_agent_free else engines[number % len(engines)]
            await self._agent(own, known, registry, number)
        bare_engine = await self._floor(postgres_dsn) if self.shape.is_with_floor else ""
        websockets = await self._realtime(own, engines) if self.shape.is_with_realtime else None
        return Mesh(
            *(postgres_dsn, tuple(engines), registry, f"http://{bare_engine}", trust.ca_file, tokens, place.root),
            websockets=websockets,
        )

    async def _postgres(self) -> str:
        # Not ephemeral, though it is thrown away: that would turn fsync off.
        postgres = Postgres(self.site.place.postgres, self.site.sockets / "postgres", is_ephemeral=False)
        await self.site.supervisor.complete(postgres.making())
        postgres.take_made()
        await self.site.supervisor.keep(postgres.serving(), tier=Tier.STORAGE)
        return postgres.dsn

    async def _valkey(self) -> str:
        valkey = Valkey(self.site.place.valkey, self.site.sockets / "valkey.sock")
        await self.site.supervisor.keep(valkey.serving(), tier=Tier.STORAGE)
        return valkey.url

    async def _engine(self, own: programs.OwnPrograms, registry: str, number: int) -> str:
        engine = own.engine(registry)
        told = {f"ARCHWRIGHT_{name}": value for name, value in self.shape.settings.items()}
        environment = {**engine.environment, **told}
        if self.shape.is_plain:
            del environment["ARCHWRIGHT_TLS_CERT_FILE"], environment["ARCHWRIGHT_TLS_KEY_FILE"]
        engine = replace(engine, name=f"engine {number + 1}", environment=environment)
        return (await self.site.supervisor.keep(engine, tier=Tier.ENGINE)).service

    async def _realtime(self, own: programs.OwnPrograms, engines: Sequence[str]) -> Path:
        socket = self.site.sockets / "realtime.sock"
        # The last engine, so that what others commit has to cross.
        await self.site.supervisor.keep(own.realtime(engines[-1], socket), tier=Tier.ENGINE)
        return socket

    async def _agent(self, own: programs.OwnPrograms, engine: str, registry: str, number: int) -> None:
        agent = own.agent(AGENT_TYPE, engine, registry)
        environment = {
            **agent.environment,
            "ARCHWRIGHT_AGENT_ID": f"{AGENT_TYPE}-{number + 1}",
            "ARCHWRIGHT_LOG_LEVEL": "warning",
            "BENCHMARK_AGENT_TYPE": AGENT_TYPE,
            "BENCHMARK_SLOTS": str(self.shape.slots),
            "BENCHMARK_LEDGER": str(self.site.place.root / "ledger"),
        }
        command = _python(self.shape.agent)
        agent = replace(agent, name=f"agent {number + 1}", command=command, environment=environment)
        await self.site.supervisor.keep(agent, tier=Tier.AGENTS)

    async def _floor(self, postgres_dsn: str) -> str:
        environment = clean_environment() | {"BENCHMARK_POSTGRES_DSN": postgres_dsn}
        engine = Program("bare engine", _python("bare_engine"), environment)
        address = (await self.site.supervisor.keep(engine, tier=Tier.ENGINE)).service
        for number in range(self.shape.agents):
            told = environment | {"BENCHMARK_ENGINE": address}
            agent = Program(f"bare agent {number + 1}", _python("bare_agent"), told)
            await self.site.supervisor.keep(agent, tier=Tier.AGENTS)
        return address


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.{module}")
