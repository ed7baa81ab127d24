"""The agent's entry at the registry: made, kept alive by heartbeats, and renewed before its token ends.

The token lives in memory only. A registry that is down costs nothing while the token is good: the engine goes by
the token, and works on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from archwright import stubs
from archwright.connection import Connection
from archwright.errors import AgentNotFound, ArchwrightError, Denied, InvalidArgument, Unauthenticated
from archwright.pacing import Backoff, jittered, rest
from archwright.registry.v1 import agent_registry_pb2 as pb
from archwright.sdk.agent import Agent

SHARE_OF_TOKEN = 0.5
"""The token is renewed when this share of its life is over, so that a registry may be down for the other."""
HEARTBEAT_SECONDS = 5.0
"""Until the registry has named its own interval."""
CALL_SECONDS_MAX = 5.0
FAREWELL_SECONDS_MAX = 1.0

log: Any = structlog.get_logger(__name__)


class Registration:
    """Who the agent is at the registry, and the token that says so to the engine."""

    def __init__(self, agent: Agent, agent_id: str, enrolment: Connection) -> None:
        """Prepare; `enrolment` leads to the registry and shows the enrolment token."""
        self.token = ""
        self._agent = agent
        self._agent_id = agent_id
        self._enrolment = enrolment
        self._membership = enrolment.showing(lambda: self.token)
        self._registry = stubs.agent_registry(enrolment.channel)
        self._heartbeat_seconds = HEARTBEAT_SECONDS
        self._renew_at = 0.0
        self._renewal_wanted = asyncio.Event()

    async def obtain(self, stopping: asyncio.Event) -> None:
        """Register for the first time, waiting for the registry until it answers or `stopping` is set.

        Raises RoleDenied, TokenInvalid or RequestInvalid when the registry refuses: time would not mend it.
        """
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await self._register()
            except (Denied, InvalidArgument, Unauthenticated):
                raise
            except ArchwrightError as error:
                pause = backoff.next_pause()
                log.warning("registry_unavailable", cause=error.message, again_in_seconds=round(pause, 2))
                await rest(pause, stopping)
            else:
                return

    def want_renewal(self) -> None:
        """Ask for another registration at once: the engine did not take this one."""
        self._renewal_wanted.set()

    async def keep(self, occupied: Callable[[], int], is_draining: Callable[[], bool]) -> None:
        """Send heartbeats and renew the token, for ever: what fails is logged and tried again."""
        backoff = Backoff(base_seconds=0.5)
        while True:
            try:
                if self._renewal_wanted.is_set() or time.monotonic() >= self._renew_at:
                    await self._register()
                await self._send_heartbeat(occupied(), is_draining=is_draining())
            except (AgentNotFound, Unauthenticated) as error:
                log.info("registration_lost", cause=error.message)
                self._renewal_wanted.set()
                await rest(backoff.next_pause())
            except ArchwrightError as error:
                log.warning("heartbeat_failed", cause=error.message)
                await rest(backoff.next_pause())
            else:
                backoff.reset()
                await rest(jittered(self._heartbeat_seconds), self._renewal_wanted)

    async def end(self) -> None:
        """Tell the registry that the agent goes, if it listens."""
        try:
            await self._membership.unary(
                self._registry.DeregisterAgent,
                pb.DeregisterAgentRequest(agent_id=self._agent_id),
                seconds_max=FAREWELL_SECONDS_MAX,
            )
        except ArchwrightError as error:
            log.info("deregistration_failed", cause=error.message)

    async def _register(self) -> None:
        registered = await self._enrolment.unary(
            self._registry.RegisterAgent,
            pb.RegisterAgentRequest(
                agent_id=self._agent_id,
                agent_type=self._agent.agent_type,
                capabilities=self._agent.capabilities,
                max_concurrent_tasks=self._agent.max_concurrent_tasks,
                labels=self._agent.labels,
            ),
            seconds_max=CALL_SECONDS_MAX,
        )
        self.token = registered.token
        self._hear_interval(registered.heartbeat_interval.ToNanoseconds())
        seconds_left = registered.token_expires_at.ToNanoseconds() / 1e9 - time.time()
        self._renew_at = time.monotonic() + seconds_left * SHARE_OF_TOKEN
        self._renewal_wanted.clear()

    async def _send_heartbeat(self, occupied: int, *, is_draining: bool) -> None:
        if is_draining:
            status = pb.Agent.DRAINING
        elif occupied >= self._agent.max_concurrent_tasks:
            status = pb.Agent.BUSY
        else:
            status = pb.Agent.ONLINE
        heard = await self._membership.unary(
            self._registry.HeartbeatAgent,
            pb.HeartbeatAgentRequest(agent_id=self._agent_id, current_task_count=occupied, status=status),
            seconds_max=CALL_SECONDS_MAX,
        )
        self._hear_interval(heard.heartbeat_interval.ToNanoseconds())

    def _hear_interval(self, nanoseconds: int) -> None:
        if nanoseconds > 0:
            self._heartbeat_seconds = nanoseconds / 1e9
