"""Asks agents that named a health check how they are. Replicas share them: each is asked by one at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from services.chassis.clock import Clock
from services.registry.domain.agent import Agent
from services.registry.domain.health import status_of
from services.registry.ports import AgentStore, Feed, Prober

log = structlog.get_logger(__name__)

PROBES_AT_ONCE: Final = 50


class ProbeAgents:
    """The duty of probing."""

    def __init__(self, store: AgentStore, feed: Feed, prober: Prober, clock: Clock, *, every_seconds: float) -> None:
        self._store = store
        self._feed = feed
        self._prober = prober
        self._clock = clock
        self._every = timedelta(seconds=every_seconds)

    async def step(self) -> None:
        """Ask all whose time has come."""
        while True:
            now = self._clock.now()
            due = await self._store.due_probes(now, now + self._every, PROBES_AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for agent in due:
                    group.create_task(self._probe(agent))
            if len(due) < PROBES_AT_ONCE:
                return

    async def _probe(self, agent: Agent) -> None:
        problem = await self._prober.probe(agent.health_check_url)
        if problem or agent.failed_probes:
            await self._store.note_probe(agent.key, agent.health_check_url, problem)
            self._feed.wake()
            log.info(
                "agent_probed", agent_id=agent.agent_id, tenant=agent.tenant, status=status_of(agent), problem=problem
            )
