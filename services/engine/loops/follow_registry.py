"""Follows the registry's stream of agents into the roster."""

from __future__ import annotations

import random

import grpc
import structlog

from archwright import stubs
from archwright.connection import Connection
from archwright.registry.v1 import agent_registry_pb2 as pb
from services.chassis.clock import Clock
from services.engine.roster import AgentTold, FollowedRoster

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 1.0


class FollowRegistry:
    """Keeps the roster as the registry has it."""

    def __init__(self, connection: Connection, roster: FollowedRoster) -> None:
        self._connection = connection
        self._registry = stubs.agent_registry(connection.channel)
        self._roster = roster

    async def keep_following(self, clock: Clock) -> None:
        """Follow until cancelled; when the registry is away, ask again every second or so."""
        while True:
            await self._follow()
            await clock.sleep(_PAUSE_SECONDS * (0.5 + random.random()))  # noqa: S311 -- spreads replicas; guards nothing

    async def _follow(self) -> None:
        call = self._registry.WatchAgents(pb.WatchAgentsRequest(), metadata=self._connection.metadata())
        try:
            self._roster.begin()
            async for update in call:
                self._take(update)
        except grpc.aio.AioRpcError as error:
            log.warning("registry_unavailable", code=error.code().name, details=error.details())
        finally:
            call.cancel()

    def _take(self, update: pb.WatchAgentsResponse) -> None:
        match update.WhichOneof("update"):
            case "agent":
                agent = update.agent
                self._roster.tell(
                    AgentTold(
                        agent.tenant,
                        agent.agent_id,
                        pb.Agent.Status.Name(agent.status),
                        agent.agent_type,
                        tuple(agent.capabilities),
                        dict(agent.labels),
                        agent.max_concurrent_tasks,
                    )
                )
            case "removed":
                tenant, _, agent_id = update.removed.partition("/")
                self._roster.remove(tenant, agent_id)
            case "snapshot_complete":
                self._roster.complete()
            case _:
                pass
