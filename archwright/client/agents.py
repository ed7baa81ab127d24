"""Agents: who is registered, and how they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.registry.v1.agent_registry_pb2 import (
    Agent,
    AgentHealth,
    DeregisterAgentRequest,
    GetAgentHealthRequest,
    GetAgentRequest,
    ListAgentsRequest,
)

PAGE_SIZE = 200


class Agents:
    """The agents of a mesh."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.agent_registry(connection.channel)

    async def list(self, agent_type: str = "") -> AsyncIterator[Agent]:
        """Yield the tenant's own agents and the platform's, by id."""

        async def page(token: str) -> tuple[Sequence[Agent], str]:
            request = ListAgentsRequest(page_size=PAGE_SIZE, page_token=token, agent_type=agent_type)
            answer = await self._connection.unary(self._stub.ListAgents, request)
            return answer.agents, answer.next_page_token

        async for agent in walk(page):
            yield agent

    async def get(self, agent_id: str) -> Agent:
        """Return the agent."""
        return await self._connection.unary(self._stub.GetAgent, GetAgentRequest(agent_id=agent_id))

    async def health(self, agent_id: str) -> AgentHealth:
        """Return how the agent is."""
        return await self._connection.unary(self._stub.GetAgentHealth, GetAgentHealthRequest(agent_id=agent_id))

    async def deregister(self, agent_id: str, *, request_id: str | None = None) -> None:
        """End the agent's registration; work in flight is not touched."""
        request = DeregisterAgentRequest(agent_id=agent_id, request_id=request_id or ids.show("req", ids.new_uuid()))
        await self._connection.unary(self._stub.DeregisterAgent, request)
