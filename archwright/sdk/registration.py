"""The agent's entry at the registry: made, kept alive by heartbeats, and renewed before its token ends.

The token lives in memory only. A registry that is down costs nothing while the token is good: the engine goes by
the token, and works on. Heartbeats are calls and not a stream: there is one in seconds, each may go to another
replica, and a call tells at once when nobody answers.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from google.protobuf.struct_pb2 import Struct
from pydantic.json_schema import JsonSchemaMode

from archwright import stubs
from archwright.channel import bearer
from archwright.connection import Connection
from archwright.errors import (
    AgentNotFound,
    ArchwrightError,
    Denied,
    InvalidArgument,
    PayloadInvalid,
    TokenInvalid,
    Unauthenticated,
)
from archwright.pacing import Backoff, jittered, rest
from archwright.payloads import to_struct
from archwright.registry.v1 import agent_registry_pb2 as pb
from archwright.sdk.agent import Agent
from archwright.sdk.forms import Form
from archwright.sdk.replicas import Replicas

SHARE_OF_TOKEN = 0.5
"""The token is renewed when this share of its life is over, so that a registry may be down for the other."""
HEARTBEAT_SECONDS = 5.0
"""Until the registry has named its own interval."""
CALL_SECONDS_MAX = 5.0
FAREWELL_SECONDS_MAX = 1.0
SCHEMA_LENGTH_MAX = 64 << 10
_REFUSED = (
    "The registry does not take this agent's enrolment token, the one of ARCHWRIGHT_ENROLMENT_TOKEN or "
    "ARCHWRIGHT_ENROLMENT_TOKEN_FILE: it has ended, or was signed by a key that is not trusted there. Whoever runs the "
    "mesh makes others; a mesh on this machine keeps its own in keys/enrolment.token of its state folder."
)

log: Any = structlog.get_logger(__name__)


class Membership(Protocol):
    """The agent's place among the registered, as its worker needs it."""

    def want_renewal(self) -> None:
        """Ask for another registration at once."""
        ...

    def tell_now(self) -> None:
        """Tell at once how the agent is: something is new."""
        ...

    async def keep(self, occupied: Callable[[], int], is_draining: Callable[[], bool]) -> None:
        """Stay registered, for ever."""
        ...

    async def end(self) -> None:
        """Give the place up."""
        ...


class Registration:
    """Who the agent is at the registry, and the token that says so to the engine."""

    def __init__(self, agent: Agent, agent_id: str, registry: Replicas) -> None:
        """Prepare; `registry` shows the enrolment token."""
        self.token = ""
        self._agent = agent
        self._agent_id = agent_id
        self._registry = registry
        self._details = details_of(agent)
        self._heartbeat_seconds = HEARTBEAT_SECONDS
        self._renew_at = 0.0
        self._renewal_wanted = False
        self._nudged = asyncio.Event()

    async def obtain(self, stopping: asyncio.Event) -> None:
        """Register for the first time, waiting for the registry until it answers or `stopping` is set.

        Raises RoleDenied, TokenInvalid or RequestInvalid when the registry refuses: time would not mend it.
        """
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await self._register()
            except Unauthenticated as refused:
                raise TokenInvalid(_REFUSED) from refused
            except (Denied, InvalidArgument):
                raise
            except ArchwrightError as error:
                pause = backoff.next_pause()
                log.warning("registry_unavailable", cause=error.message, again_in_seconds=round(pause, 2))
                await rest(pause, stopping)
            else:
                return

    def want_renewal(self) -> None:
        """Ask for another registration at once: the engine did not take this one."""
        self._renewal_wanted = True
        self._nudged.set()

    def tell_now(self) -> None:
        """Send the next heartbeat at once: something is new."""
        self._nudged.set()

    async def keep(self, occupied: Callable[[], int], is_draining: Callable[[], bool]) -> None:
        """Send heartbeats and renew the token, for ever: what fails is logged and tried again."""
        backoff = Backoff(base_seconds=0.5)
        while True:
            self._nudged.clear()
            try:
                if self._renewal_wanted or time.monotonic() >= self._renew_at:
                    await self._register()
                await self._send_heartbeat(occupied(), is_draining=is_draining())
            except (AgentNotFound, Unauthenticated) as error:
                log.info("registration_lost", cause=error.message)
                self._renewal_wanted = True
                await rest(backoff.next_pause())
            except ArchwrightError as error:
                log.warning("heartbeat_failed", cause=error.message)
                await rest(backoff.next_pause())
            else:
                backoff.reset()
                await rest(jittered(self._heartbeat_seconds), self._nudged)

    async def end(self) -> None:
        """Tell the registry that the agent goes, if it listens."""
        try:
            await self._registry.call(self._deregister, seconds_max=FAREWELL_SECONDS_MAX)
        except ArchwrightError as error:
            log.info("deregistration_failed", cause=error.message)

    async def _register(self) -> None:
        request = pb.RegisterAgentRequest(
            agent_id=self._agent_id,
            agent_type=self._agent.agent_type,
            capabilities=self._agent.capabilities,
            max_concurrent_tasks=self._agent.max_concurrent_tasks,
            labels=self._agent.labels,
            capability_details=self._details,
        )

        async def attempt(connection: Connection, seconds_left: float) -> pb.RegisterAgentResponse:
            registry = stubs.agent_registry(connection.channel)
            return await registry.RegisterAgent(request, timeout=seconds_left, metadata=connection.metadata())

        registered = await self._registry.call(attempt, seconds_max=CALL_SECONDS_MAX)
        self.token = registered.token
        self._hear_interval(registered.heartbeat_interval.ToNanoseconds())
        seconds_left = registered.token_expires_at.ToNanoseconds() / 1e9 - time.time()
        self._renew_at = time.monotonic() + seconds_left * SHARE_OF_TOKEN
        self._renewal_wanted = False

    async def _send_heartbeat(self, occupied: int, *, is_draining: bool) -> None:
        if is_draining:
            status = pb.Agent.DRAINING
        elif occupied >= self._agent.max_concurrent_tasks:
            status = pb.Agent.BUSY
        else:
            status = pb.Agent.ONLINE
        request = pb.HeartbeatAgentRequest(agent_id=self._agent_id, current_task_count=occupied, status=status)

        async def attempt(connection: Connection, seconds_left: float) -> pb.HeartbeatAgentResponse:
            registry = stubs.agent_registry(connection.channel)
            return await registry.HeartbeatAgent(request, timeout=seconds_left, metadata=bearer(self.token))

        heard = await self._registry.call(attempt, seconds_max=CALL_SECONDS_MAX)
        self._hear_interval(heard.heartbeat_interval.ToNanoseconds())

    async def _deregister(self, connection: Connection, seconds_left: float) -> None:
        registry = stubs.agent_registry(connection.channel)
        request = pb.DeregisterAgentRequest(agent_id=self._agent_id)
        await registry.DeregisterAgent(request, timeout=seconds_left, metadata=bearer(self.token))

    def _hear_interval(self, nanoseconds: int) -> None:
        if nanoseconds > 0:
            self._heartbeat_seconds = nanoseconds / 1e9


def details_of(agent: Agent) -> list[pb.CapabilityDetail]:
    """Return what the agent's functions say about its capabilities by their types.

    A schema that is too deep or too long for the registry is left out: it only informs.
    """
    found = [
        pb.CapabilityDetail(
            capability=duty.capability,
            input_schema=_schema_of(duty.forms.input, "validation"),
            output_schema=_schema_of(duty.forms.output, "serialization"),
        )
        for duty in agent.duties
        if duty.capability
    ]
    return list({detail.capability: detail for detail in reversed(found)}.values())[::-1]


def _schema_of(form: Form | None, mode: JsonSchemaMode) -> Struct | None:
    schema = None if form is None else form.schema(mode)
    if not schema or len(json.dumps(schema)) > SCHEMA_LENGTH_MAX:
        return None
    try:
        return to_struct(schema)
    except PayloadInvalid as unfit:
        log.info("schema_left_out", cause=unfit.message)
        return None
