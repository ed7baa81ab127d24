"""Everything that is struck: PostgreSQL, Valkey, Envoy, a registry, three engines, agents, and the links between."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from checker.facts import Published
from fault_proxy import FaultProxy
from own_server import OwnServer, made_postgres
from small_mesh import AUDIENCE, ISSUER, Child, SmallMesh, small_mesh

from archwright import Client
from archwright.local import certificates
from archwright.local.database_roles import as_user
from archwright.local.envoy import Gateway
from archwright.local.gateway_config import GatewayConfig, Upstream
from archwright.local.gateway_descriptors import descriptors
from archwright.local.postgres import Postgres
from archwright.local.valkey import Valkey
from archwright.serving.tokens import TokenSigner, jwks_of, new_key_pem
from services.chassis.clock import SystemClock
from tests.chaos.decoy import Decoy, decoy
from tests.chaos.observer import observe

ROOT = Path(__file__).resolve().parents[2]
ENGINES = 3
LEASE_SECONDS = 2.0
ACCEPT_SECONDS = 1.0
SETTINGS = {
    "ARCHWRIGHT_LEASE_SECONDS": str(LEASE_SECONDS),
    "ARCHWRIGHT_RENEW_SECONDS": "0.2",
    "ARCHWRIGHT_ACCEPT_SECONDS": str(ACCEPT_SECONDS),
    "ARCHWRIGHT_BREAKER_RECOVERY_TIMEOUT_SECONDS": "1",
    "ARCHWRIGHT_MAX_CPU_USAGE_PERCENT": "100",
}
"""Leases are short, so that a freeze of seconds outlives them."""

Victim = TypeVar("Victim")


@dataclass
class World:
    """What runs, and what was done to it."""

    folder: Path
    mesh: SmallMesh
    postgres: OwnServer
    redis: OwnServer
    redis_url: str
    owner_dsn: str
    gateway: OwnServer
    gateway_address: str
    ca_file: Path
    links: list[FaultProxy]
    """From agents to the gateway, to each engine, and to whichever engine."""
    decoy: Decoy
    forgotten: list[Published] = field(default_factory=list)
    """What the bus had when Redis lost everything."""
    generations: int = 0
    _locks: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def lies(self) -> Path:
        return self.folder / "lies"

    def struck(self, victim: object) -> asyncio.Lock:
        """Return what keeps two faults from one victim."""
        return self._locks[id(victim)]

    def client(self, *, through_gateway: bool) -> Client:
        """Return a caller of one tenant, with every right there."""
        if not through_gateway:
            return Client(f"http://{self.mesh.address}", self.token)
        token = self.token()  # the gateway knows the keys that it began with
        return Client(f"https://{self.gateway_address}", token, self.ca_file)

    def rotate_keys(self) -> None:
        """Sign with a new key from now on; tokens of the old one stay good."""
        new = new_key_pem()
        key_file, jwks_file = self.folder / f"key-{self.generations}.pem", self.folder / "jwks.json"
        self.generations += 1
        key_file.write_bytes(new)
        draft = self.folder / "jwks.draft"
        draft.write_text(jwks_of((self.folder / "key.pem").read_bytes(), new))
        draft.replace(jwks_file)
        self.mesh.signer = TokenSigner(key_file, ISSUER, AUDIENCE)

    async def add_agents(self) -> None:
        """Start every agent: by the gateway, by each engine's own address, and without an SDK."""
        to_gateway, *to_engines, to_any = (link.address for link in self.links)
        by_gateway = {
            "ARCHWRIGHT_ENGINE_ADDRESS": f"https://{to_gateway}",
            "ARCHWRIGHT_CA_FILE": str(self.ca_file),
            "ARCHWRIGHT_REGISTRY_ADDRESS": f"https://{to_gateway}",
        }
        directly = {"ARCHWRIGHT_ENGINE_ADDRESS": ",".join(f"http://{address}" for address in to_engines)}
        raw = {
            "ARCHWRIGHT_ENGINE_ADDRESS": f"http://{to_any}",
            "LIES": str(self.lies),
            "ACCEPT_SECONDS": str(ACCEPT_SECONDS),
            "LATE_SECONDS": str(2.5 * LEASE_SECONDS),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        add = self.mesh.add_agent
        async with asyncio.TaskGroup() as group:
            for name in ("worker-1", "worker-2"):
                group.create_task(add("worker", name=name, **by_gateway))
            for name in ("worker-3", "worker-4"):
                group.create_task(add("worker", name=name, **directly))
            group.create_task(add("fragile", **directly))
            for name in ("liar-1", "liar-2"):
                group.create_task(add("liar", name=name, program=("-m", "tests.chaos.liar"), **raw))
            group.create_task(add("puller", program=("-m", "tests.chaos.puller"), **raw))

    def is_ours(self, agent: Child) -> bool:
        """Return whether no other agent has taken its place."""
        return self.mesh.agents.get(agent.name) is agent

    async def replace(self, agent: Child) -> None:
        """Start an agent like one that is gone, under another id, as whatever runs agents does."""
        self.generations += 1
        del self.mesh.agents[agent.name]
        name = f"{agent.name.partition('.')[0]}.{self.generations}"
        replaced = Child(name, agent.arguments, agent.environment | {"ARCHWRIGHT_AGENT_ID": name})
        self.mesh.agents[name] = replaced
        await replaced.start()

    async def replace_who_crashes(self) -> None:
        """Replace, for ever, the agents that their own tasks kill."""
        clock = SystemClock()
        while True:
            for agent in list(self.mesh.agents.values()):
                async with self.struck(agent):
                    if self.is_ours(agent) and not agent.is_running:
                        await self.replace(agent)
            await clock.sleep(0.1)

    def descriptors(self) -> dict[str, int]:
        """Return how many files and sockets each engine has open."""
        open_in = {each.name: each.process.pid for each in self.mesh.engines if each.process is not None}
        return {f"descriptors of {name}": len(list(Path(f"/proc/{pid}/fd").iterdir())) for name, pid in open_in.items()}

    def token(self) -> str:
        """Return a token that is good for longer than a round."""
        roles = ["viewer", "operator", "admin"]
        return self.mesh.signer.sign(subject="ann", tenant="acme", roles=roles, ttl_seconds=600)[0]


def one_of(victims: Sequence[Victim], share: float) -> Victim:
    """Return the victim that a strike means."""
    return victims[int(share * len(victims))]


@asynccontextmanager
async def world(folder: Path, engine_program: Sequence[str]) -> AsyncIterator[World]:
    """Run everything in a folder of its own for the length of the block."""
    async with AsyncExitStack() as stack:
        sockets = folder / "s"
        postgres_at = Postgres(folder, sockets, is_ephemeral=False)
        postgres = await made_postgres(postgres_at)
        valkey = Valkey(folder, folder / "valkey.sock")
        redis = OwnServer(valkey.serving())
        for server in (postgres, redis):
            stack.push_async_callback(server.kill)
            await server.start()
        (folder / "hot.key").write_bytes(os.urandom(32))
        owner_dsn = postgres_at.dsn
        dsn_of = {user: as_user(owner_dsn, user) for user in ("archwright_engine", "archwright_registry")}
        mesh = await stack.enter_async_context(
            small_mesh(
                folder,
                owner_dsn,
                dsn_of,
                replicas=ENGINES,
                engine_program=engine_program,
                **SETTINGS,
                ARCHWRIGHT_REDIS_URL=valkey.url,
                ARCHWRIGHT_HOT_COPY_KEY_FILE=str(folder / "hot.key"),
            )
        )
        await observe(owner_dsn)
        (folder / "certificates").mkdir()
        files = certificates.ensure(folder / "certificates", datetime.now(UTC))  # noqa: TID251  for certificates only
        config = _gateway_config(folder, mesh, files)
        gateway = OwnServer(Gateway(config, folder / "envoy.yaml").serving())
        stack.push_async_callback(gateway.kill)
        await gateway.start()
        behind = [
            lambda: config.listen,
            *(lambda each=each: each.address for each in mesh.engines),
            lambda: mesh.address,
        ]
        links = [await stack.enter_async_context(FaultProxy(server).serving()) for server in behind]
        yield World(
            folder=folder,
            mesh=mesh,
            postgres=postgres,
            redis=redis,
            redis_url=valkey.url,
            owner_dsn=owner_dsn,
            gateway=gateway,
            gateway_address=config.listen,
            ca_file=files.ca_file,
            links=links,
            decoy=await stack.enter_async_context(decoy(folder)),
        )


def _gateway_config(folder: Path, mesh: SmallMesh, files: certificates.Certificates) -> GatewayConfig:
    descriptors_file = folder / "descriptors.binpb"
    descriptors_file.write_bytes(descriptors())
    return GatewayConfig(
        listen=f"127.0.0.1:{_free_port()}",
        admin=f"127.0.0.1:{_free_port()}",
        tls_cert_file=str(files.server_file),
        tls_key_file=str(files.server_key_file),
        jwks_file=str(folder / "jwks.json"),
        token_issuer=ISSUER,
        token_audience=AUDIENCE,
        descriptors_file=str(descriptors_file),
        engine=Upstream(tuple(engine.address for engine in mesh.engines)),
        registry=Upstream((mesh.registry.address,)),
        realtime=Upstream((mesh.registry.address,)),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
