"""Engines, a registry and agents as processes of their own on one database, to be killed at will."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from front import Front

from archwright import Client
from archwright.local.launch import launched
from archwright.serving.tokens import TokenSigner, jwks_of, new_key_pem
from services.engine.storage.migrate import migrate as migrate_engine
from services.registry.storage.database import migrate as migrate_registry

ISSUER, AUDIENCE = "archwright-local", "archwright"
READY_SECONDS_MAX = 30.0
AGENT = Path(__file__).with_name("ledger_agent.py")


@dataclass
class Child:
    """A process of ours, and the address that it said it listens on."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    address: str = ""
    metrics: str = ""

    async def start(self) -> None:
        with Path(self.environment["LOG_FILE"]).open("ab") as log_file:
            self.process = await asyncio.create_subprocess_exec(
                # What is frozen does not see its parent's pipe close; the kernel ends it all the same.
                *launched((sys.executable, *self.arguments), signal.SIGKILL),
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                pass_fds=[int(self.environment["ARCHWRIGHT_PARENT_PIPE_FD"])],
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(READY_SECONDS_MAX):
            line = await self.process.stdout.readline()
        log = Path(self.environment["LOG_FILE"])
        assert line, f"{self.name} ended before it was ready:\n{log.read_text()[-3000:]}"
        told = json.loads(line)
        self.address, self.metrics = told["address"], told.get("metrics", "")

    @property
    def is_running(self) -> bool:
        """Return whether it was started, and has not ended."""
        return self.process is not None and self.process.returncode is None

    def kill(self) -> None:
        """End it as a power failure would."""
        self._send(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it do nothing, until it is woken."""
        self._send(signal.SIGSTOP)

    def wake(self) -> None:
        """Let a frozen process go on, as if no time had passed for it."""
        if self.is_running:
            self._send(signal.SIGCONT)

    async def stop(self) -> int:
        if self.is_running:
            self._send(signal.SIGTERM)
        assert self.process is not None
        async with asyncio.timeout(READY_SECONDS_MAX):
            return await self.process.wait()

    def _send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def gone(self) -> None:
        assert self.process is not None
        async with asyncio.timeout(READY_SECONDS_MAX):
            await self.process.wait()


@dataclass
class SmallMesh:
    """What runs, and where the agents write down what they did."""

    folder: Path
    owner_dsn: str
    engines: list[Child]
    registry: Child
    signer: TokenSigner
    shared: dict[str, str]
    address: str
    """Where the engines are reached: the only one itself, or what stands in front of several."""
    services: dict[str, str] = field(default_factory=dict)
    """What every service is told."""
    agents: dict[str, Child] = field(default_factory=dict)
    others: list[Child] = field(default_factory=list)
    """Services that were brought beside engines and registry."""

    @property
    def engine(self) -> Child:
        """Return the first engine, in most meshes the only one."""
        return self.engines[0]

    @property
    def ledger(self) -> list[dict[str, str]]:
        """Return every effect that an agent had, in order."""
        file = self.folder / "ledger"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def client(
        self,
        *,
        user: str = "ann",
        roles: tuple[str, ...] = ("viewer", "operator", "admin"),
        tenant: str = "acme",
    ) -> Client:
        token, _ = self.signer.sign(subject=user, tenant=tenant, roles=list(roles), ttl_seconds=600)
        return Client(f"http://{self.address}", token)

    def registry_client(self) -> Client:
        """Return a client of the platform's people at the registry."""
        token, _ = self.signer.sign(subject="olga", tenant="platform", roles=["admin"], ttl_seconds=600)
        return Client(f"http://{self.registry.address}", token)

    async def restart_engine(self, engine: Child | None = None) -> None:
        """Bring an engine back where it was, the first where none is named."""
        engine = engine or self.engine
        await engine.gone()
        engine.environment["ARCHWRIGHT_PORT"] = engine.address.rpartition(":")[2]
        await engine.start()

    async def add_service(self, service: str, **settings: str) -> Child:
        """Start one more service."""
        name = f"{service}-{sum(other.name.startswith(service) for other in self.others) + 1}"
        log_file = {"LOG_FILE": str(self.folder / f"{name}.log")}
        child = Child(name, ["-m", f"services.{service}"], self.services | log_file | settings)
        await child.start()
        self.others.append(child)
        return child

    async def add_agent(
        self, agent_type: str, *, name: str = "", program: Sequence[str] = (str(AGENT),), **settings: str
    ) -> Child:
        """Start an agent; without a program of its own the tasks' inputs decide what it does."""
        name = name or f"{agent_type}-1"
        enrolment, _ = self.signer.sign(subject="enrolment", tenant="platform", roles=["enrolment"], ttl_seconds=3600)
        environment = self.shared | {
            "ARCHWRIGHT_ENGINE_ADDRESS": f"http://{self.address}",
            "ARCHWRIGHT_REGISTRY_ADDRESS": f"http://{self.registry.address}",
            "ARCHWRIGHT_ENROLMENT_TOKEN": enrolment,
            "ARCHWRIGHT_AGENT_ID": name,
            "AGENT_TYPE": agent_type,
            "LEDGER": str(self.folder / "ledger"),
            "LOG_FILE": str(self.folder / f"{name}.log"),
            **settings,
        }
        child = Child(name, list(program), environment)
        await child.start()
        self.agents[name] = child
        return child


@asynccontextmanager
async def small_mesh(
    folder: Path,
    owner_dsn: str,
    dsn_of: Mapping[str, str],
    *,
    replicas: int = 1,
    engine_program: Sequence[str] = ("-m", "services.engine"),
    **settings: str,
) -> AsyncIterator[SmallMesh]:
    """Run engines and a registry on this database; `settings` are variables of every engine."""
    await migrate_engine(owner_dsn)
    await migrate_registry(owner_dsn)
    key_file, jwks_file, token_file = (folder / name for name in ("key.pem", "jwks.json", "service.token"))
    pem = new_key_pem()
    key_file.write_bytes(pem)
    jwks_file.write_text(jwks_of(pem))
    signer = TokenSigner(key_file, ISSUER, AUDIENCE)
    token_file.write_text(signer.sign(subject="engine", tenant="platform", roles=["service"], ttl_seconds=3600)[0])
    reading, writing = os.pipe()
    shared = {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")} | {
        "ARCHWRIGHT_PARENT_PIPE_FD": str(reading)
    }
    services = shared | {
        "ARCHWRIGHT_JWKS_FILE": str(jwks_file),
        "ARCHWRIGHT_TOKEN_KEY_FILE": str(key_file),
        "ARCHWRIGHT_SERVICE_TOKEN_FILE": str(token_file),
        "ARCHWRIGHT_DRAIN_SECONDS": "1",
    }
    registry = Child(
        "registry",
        ["-m", "services.registry"],
        services | {"ARCHWRIGHT_POSTGRES_DSN": dsn_of["archwright_registry"], "LOG_FILE": str(folder / "registry.log")},
    )
    await registry.start()
    engines = [
        Child(
            name,
            list(engine_program),
            services
            | {
                "ARCHWRIGHT_POSTGRES_DSN": dsn_of["archwright_engine"],
                "ARCHWRIGHT_REGISTRY_ADDRESS": f"http://{registry.address}",
                "LOG_FILE": str(folder / f"{name}.log"),
            }
            | settings,
        )
        for name in ["engine", *(f"engine-{number}" for number in range(2, replicas + 1))]
    ]
    for engine in engines:
        await engine.start()
    async with Front(lambda: [engine.address for engine in engines]).serving() as front:
        address = engines[0].address if replicas == 1 else front.address
        mesh = SmallMesh(folder, owner_dsn, engines, registry, signer, shared, address, services)
        try:
            yield mesh
        finally:
            for child in (*mesh.agents.values(), *mesh.others, *mesh.engines, mesh.registry):
                await child.stop()
            os.close(writing)
            os.close(reading)
