"""Brings the parts of a mesh up, each as soon as what it needs is there: the only file that knows them all."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from archwright.errors import InvalidArgument
from archwright.local import certificates, envoy, keys, programs
from archwright.local.child import Program, StartFailed
from archwright.local.database_roles import password_for, set_password
from archwright.local.gateway_config import GatewayConfig, Upstream
from archwright.local.gateway_descriptors import descriptors
from archwright.local.postgres import Postgres
from archwright.local.private import write_private
from archwright.local.serve import Answer, Site, Use, serve
from archwright.local.state import MeshRecord
from archwright.local.supervisor import Say
from archwright.local.valkey import Valkey

ENGINES_MAX = 8
"""The mesh's own PostgreSQL has connections for so many."""


class PortTaken(InvalidArgument):
    """The port that was asked for is in use."""


class Tier(IntEnum):
    """Who needs whom: each tier is stopped before those below it."""

    STORAGE = 1
    REGISTRY = 2
    ENGINE = 3  # and what stands on it
    GATEWAY = 4
    AGENTS = 5


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person who starts a mesh may choose."""

    state_folder: Path | None = None
    is_ephemeral: bool = False
    gateway_port: int | None = None
    """None takes the usual one, or a free one when that is taken."""
    postgres_dsn: str = ""
    """A PostgreSQL to use instead of one of the mesh's own; its user must own the database."""
    redis_url: str = ""
    """A Redis or Valkey to use instead of one of the mesh's own."""
    envoy_binary: str = ""
    """An Envoy to start instead of the installed one."""
    is_verbose: bool = False
    """Whether to say more than is needed."""
    engines: int = 1
    """How many replicas of the engine there are."""
    rules: Mapping[str, Path] = field(default_factory=dict)
    """The services that receive events and are wished for, by name, each with its file of rules."""


def up(choices: Choices, say: Say, use: Use[Answer]) -> Answer:
    """Bring the mesh up, await `use`, and take it down; see `serve`."""

    async def start(site: Site) -> MeshRecord:
        now = datetime.fromtimestamp(time.time(), UTC)
        mesh = _Mesh(choices, site, certificates.ensure(site.place.certificates, now), keys.ensure(site.place.keys))
        return await mesh.start()

    return serve(start, use, say, state_folder=choices.state_folder, is_ephemeral=choices.is_ephemeral)


@dataclass(frozen=True, slots=True)
class _Mesh:
    choices: Choices
    site: Site
    certificates: certificates.Certificates
    keys: keys.Keys
    metrics: dict[str, str] = field(default_factory=dict)
    """Where the parts that are up tell their metrics, by their names."""

    async def start(self) -> MeshRecord:
        """Start every part and return how to reach them; raises `StartFailed` naming the part that does not come."""
        port = self._gateway_port()
        async with asyncio.TaskGroup() as group:
            redis = group.create_task(self._redis())
            postgres = group.create_task(self._postgres())
        password = password_for(postgres.result(), self.site.place.keys / "postgres-password")
        own = programs.OwnPrograms(self.certificates, self.keys, postgres.result(), password, redis.result())
        async with asyncio.TaskGroup() as group:
            registry = group.create_task(self._registry(own))
            engines = group.create_task(self._engines(own, registry))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._realtime(own, ",".join(engines.result())))
            for service, rules_file in self.choices.rules.items():
                public_url, folder = f"https://{envoy.HOST}:{port}", self.site.place.root / service
                receiver = own.receiver(service, engines.result()[0], rules_file, public_url, folder)
                group.create_task(self._keep(receiver, Tier.ENGINE))
            gateway = group.create_task(self._gateway(engines.result(), registry.result(), port))
            group.create_task(self._agents(own, ",".join(engines.result()), registry.result()))
        return MeshRecord(
            gateway=gateway.result(),
            engine=",".join(engines.result()),
            registry=registry.result(),
            metrics=dict(sorted(self.metrics.items())),
            ca_file=str(self.certificates.ca_file),
            token_key_file=str(self.keys.signing_key_file),
            enrolment_token_file=str(self.keys.enrolment_token_file),
            token_issuer=keys.ISSUER,
            token_audience=keys.AUDIENCE,
            pid=os.getpid(),
        )

    def _gateway_port(self) -> int:
        wished = self.choices.gateway_port
        if envoy.is_free(wished or envoy.USUAL_PORT):
            return wished or envoy.USUAL_PORT
        if wished:
            raise PortTaken(
                f"Port {wished} is taken. Name another with --gateway-port, or none and a free one is found."
            )
        return self._other_port(envoy.USUAL_PORT)

    def _other_port(self, taken: int) -> int:
        port = envoy.free_port()
        self.site.say(f"Port {taken} is taken; the gateway listens on {port} instead.")
        return port

    async def _postgres(self) -> str:
        if self.choices.postgres_dsn:
            return self.choices.postgres_dsn
        postgres = Postgres(self.site.place.postgres, self.site.sockets / "postgres", self.choices.is_ephemeral)
        if not postgres.is_made:
            await self.site.supervisor.complete(postgres.making())
            postgres.take_made()
        await self._keep(postgres.serving(), Tier.STORAGE)
        return postgres.dsn

    async def _redis(self) -> str:
        if self.choices.redis_url:
            return self.choices.redis_url
        valkey = Valkey(self.site.place.valkey, self.site.sockets / "valkey.sock")
        await self._keep(valkey.serving(), Tier.STORAGE)
        return valkey.url

    async def _registry(self, own: programs.OwnPrograms) -> str:
        await self._migrate(own, "registry")
        return await self._keep(own.registry(), Tier.REGISTRY)

    async def _engines(self, own: programs.OwnPrograms, registering: asyncio.Task[str]) -> Sequence[str]:
        await self._migrate(own, "engine")
        registry = await registering
        async with asyncio.TaskGroup() as group:
            replicas = [
                group.create_task(self._keep(own.engine(registry, number), Tier.ENGINE))
                for number in range(1, self.choices.engines + 1)
            ]
        return [replica.result() for replica in replicas]

    async def _migrate(self, own: programs.OwnPrograms, service: str) -> None:
        await self.site.supervisor.complete(own.migration(service))
        if own.role_password:
            await set_password(own.postgres_dsn, programs.role_of(service), own.role_password)

    @property
    def _websockets(self) -> Path:
        """Where the realtime service listens: known before it does, so that the gateway need not wait for it."""
        return self.site.sockets / "realtime.sock"

    async def _realtime(self, own: programs.OwnPrograms, engines: str) -> None:
        await self._keep(own.realtime(engines, self._websockets), Tier.ENGINE)

    async def _gateway(self, engines: Sequence[str], registry: str, port: int) -> str:
        try:
            return await self._gateway_at(port, engines, registry)
        except StartFailed:
            if self.choices.gateway_port or envoy.is_free(port):
                raise
        # Somebody took the port after we had looked.
        return await self._gateway_at(self._other_port(port), engines, registry)

    async def _gateway_at(self, port: int, engines: Sequence[str], registry: str) -> str:
        descriptors_file = self.site.sockets / "descriptors.binpb"
        write_private(descriptors_file, descriptors())
        config = GatewayConfig(
            listen=f"{envoy.HOST}:{port}",
            admin=f"{envoy.HOST}:{envoy.free_port()}",
            tls_cert_file=str(self.certificates.server_file),
            tls_key_file=str(self.certificates.server_key_file),
            jwks_file=str(self.keys.jwks_file),
            token_issuer=keys.ISSUER,
            token_audience=keys.AUDIENCE,
            descriptors_file=str(descriptors_file),
            engine=Upstream(tuple(engines), str(self.certificates.ca_file)),
            registry=Upstream((registry,), str(self.certificates.ca_file)),
            realtime=Upstream((f"unix:{self._websockets}",)),
            roles={role: Upstream((f"unix:{self._role_socket(role)}",), is_probed=False) for role in programs.ROLES},
        )
        gateway = envoy.Gateway(config, self.site.sockets / "envoy.yaml", self.choices.envoy_binary)
        await self._keep(gateway.serving(), Tier.GATEWAY)
        return f"https://{config.listen}"

    async def _agents(self, own: programs.OwnPrograms, engine: str, registry: str) -> None:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for role in programs.ROLES:
                agent = own.agent(role, engine, registry, self._role_socket(role))
                group.create_task(self.site.supervisor.keep(agent, tier=Tier.AGENTS))
        self._say_ready(f"{len(programs.ROLES)} agents", "are", began, ", ".join(programs.ROLES))

    def _role_socket(self, role: str) -> Path:
        """Where the typed service of a role listens: known before it does."""
        return self.site.sockets / f"{role}.sock"

    async def _keep(self, program: Program, tier: Tier) -> str:
        began = time.monotonic()
        found_at = await self.site.supervisor.keep(program, tier=tier)
        if found_at.metrics:
            self.metrics[program.name] = f"http://{found_at.metrics}/metrics"
        self._say_ready(program.name, "is", began, found_at.service)
        return found_at.service

    def _say_ready(self, who: str, verb: str, began: float, detail: str) -> None:
        more = f": {detail}" if self.choices.is_verbose and detail else ""
        self.site.say(f"{who} {verb} ready after {time.monotonic() - began:.1f} s{more}")
