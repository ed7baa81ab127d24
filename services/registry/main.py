"""The registry's process: the only module that knows all of its parts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from redis.asyncio import Redis

from archwright.registry.v1 import agent_registry_pb2
from archwright.serving import logs
from archwright.serving.pipeline import Served
from archwright.serving.server import Server
from archwright.serving.tokens import TokenSigner, TokenVerifier
from services.bus.redis import writer
from services.chassis.clock import Clock, SystemClock
from services.chassis.egress import Allowance
from services.chassis.lifecycle import announce_ready, serve
from services.chassis.loops import forever
from services.chassis.metrics import Metrics
from services.chassis.metrics_server import serving as serving_metrics
from services.chassis.settings import MigrationSettings, SettingsInvalid, read
from services.registry.api.service import AgentRegistry, Terms
from services.registry.domain.health import MISSED_HEARTBEATS_MAX
from services.registry.loops.follow_agents import FollowAgents
from services.registry.loops.forget_removed_agents import ForgetRemovedAgents
from services.registry.loops.mark_silent_agents import MarkSilentAgents
from services.registry.loops.probe_agents import ProbeAgents
from services.registry.loops.remove_lost_agents import RemoveLostAgents
from services.registry.loops.take_heartbeats import TakeHeartbeats
from services.registry.loops.tell_readiness import TellReadiness
from services.registry.measures import tell_agents
from services.registry.ports import Presence
from services.registry.presence import MemoryPresence, RedisPresence
from services.registry.probing import NetworkProber
from services.registry.settings import RegistrySettings
from services.registry.storage.agents import PostgresAgents
from services.registry.storage.database import Database, migrate

READINESS_PAUSE_SECONDS = 2.0
PROBING_PAUSE_SECONDS = 1.0
FORGETTING_PAUSE_SECONDS = 300.0
REMOVING_PAUSE_SECONDS = 60.0
USAGE = "usage: python -m services.registry [migrate]"


def main(arguments: Sequence[str]) -> int:
    """Serve, or migrate; return the exit code: 1 for a failure, 2 for a wrong environment or command."""
    try:
        match arguments:
            case []:
                settings = read(RegistrySettings)
                logs.configure(service="registry", level=settings.log_level, form=settings.log_form)
                return serve(lambda stop: live(settings, stop), settings)
            case ["migrate"]:
                logs.configure(service="registry")
                asyncio.run(migrate(read(MigrationSettings).postgres_owner_dsn))
                return 0
            case _:
                sys.stderr.write(USAGE + "\n")
                return 2
    except SettingsInvalid as invalid:
        sys.stderr.write(f"registry: {invalid}\n")
        return 2


async def live(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then drain."""
    clock, metrics = SystemClock(), Metrics()
    database = Database(settings.postgres_dsn, pool_max=settings.postgres_pool_max)
    redis = None if settings.redis_url is None else writer(settings.redis_url)
    store = PostgresAgents(database)
    presence = _presence(redis, clock, keep_seconds=settings.heartbeat_seconds * MISSED_HEARTBEATS_MAX)
    heartbeats = TakeHeartbeats(store, presence, clock)
    feed = FollowAgents(store, clock, poll_seconds=settings.poll_seconds)
    tell_agents(metrics, feed.agents)
    silence = MarkSilentAgents(store, feed, clock, heartbeat_seconds=settings.heartbeat_seconds)
    removing = RemoveLostAgents(store, feed, clock, keep_hours=settings.keep_lost_agents_hours)
    signer = TokenSigner(settings.token_key_file, settings.token_issuer, settings.token_audience)
    allowance = Allowance.read(settings.health_check_allow)
    prober = NetworkProber(allowance, ca_file=settings.tls_ca_file, seconds_max=settings.health_check_seconds_max)
    probing = ProbeAgents(store, feed, prober, clock, every_seconds=settings.health_check_seconds)
    terms = Terms(settings.agent_token_seconds, settings.heartbeat_seconds, allowance)
    service = AgentRegistry(store, heartbeats, presence, feed, signer, clock, terms)
    verifier = TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience)
    descriptor = agent_registry_pb2.DESCRIPTOR.services_by_name["AgentRegistryService"]
    server = Server(settings.address, settings.server_tls, verifier, [Served(descriptor, service)])
    duties = [
        ("take_heartbeats", heartbeats.step, 0.0),
        ("follow_agents", feed.step, 0.0),
        ("mark_silent_agents", silence.step, settings.heartbeat_seconds / 2),
        ("probe_agents", probing.step, PROBING_PAUSE_SECONDS),
        ("remove_lost_agents", removing.step, REMOVING_PAUSE_SECONDS),
        ("forget_removed_agents", ForgetRemovedAgents(store, clock).step, FORGETTING_PAUSE_SECONDS),
        ("tell_readiness", TellReadiness(store, server.set_ready).step, READINESS_PAUSE_SECONDS),
    ]
    try:
        port = await server.start()
        async with (
            serving_metrics(metrics.registry, settings.metrics_host, settings.metrics_port) as metrics_address,
            asyncio.TaskGroup() as group,
        ):
            tasks = [
                group.create_task(forever(name, step, pause=pause, clock=clock), name=name)
                for name, step, pause in duties
            ]
            announce_ready("registry", f"{settings.host}:{port}", metrics=metrics_address)
            await stop.wait()
            feed.close()
            await server.stop(settings.drain_seconds)
            for task in tasks:
                task.cancel()
    finally:
        await server.stop(0)
        await database.close()
        if redis is not None:
            await redis.aclose()


def _presence(redis: Redis | None, clock: Clock, *, keep_seconds: float) -> Presence:
    if redis is None:
        return MemoryPresence(clock, keep_seconds=keep_seconds)
    return RedisPresence(redis, clock, keep_seconds=keep_seconds)
