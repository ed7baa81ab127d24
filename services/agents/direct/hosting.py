"""A role's typed service, up as long as its agent is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from archwright.errors import RequestInvalid
from archwright.sdk.agent import Agent
from archwright.serving.server import Server
from archwright.serving.tokens import TokenVerifier
from services.agents.direct.calls import Calls
from services.agents.direct.service import served
from services.agents.direct.settings import DirectSettings

STOP_SECONDS = 5.0


@contextlib.asynccontextmanager
async def hosted(agent: Agent, settings: DirectSettings) -> AsyncIterator[None]:
    """Serve the agent's role where the settings say so; raises RequestInvalid where it cannot listen there."""
    if not settings.listen:
        yield
        return
    verifier = TokenVerifier(settings.keys, settings.token_issuer, settings.token_audience)
    async with asyncio.TaskGroup() as group:
        calls = Calls(agent, group)
        server = Server(settings.listen, settings.tls, verifier, [served(agent.agent_type, calls)])
        try:
            await _start(server)
            yield
        finally:
            await server.stop(STOP_SECONDS)
            calls.close()


async def _start(server: Server) -> None:
    try:
        await server.start()
    except OSError as taken:
        raise RequestInvalid(f"ARCHWRIGHT_LISTEN: {taken}") from taken
    await server.set_ready(True)
