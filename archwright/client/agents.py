"""Agents: who is registered, and how they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.registry.v1.agent_registry_pb2 import (
    Agent,
    AgentHealth,
    AgentMatch,
    DeregisterAgentRequest,
    GetAgentHealthRequest,
    GetAgentRequest,
    ListAgentsRequest,
    MatchAgentsRequest,
    SetAgentStatusRequest,
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

    async def drain(self, agent_id: str, *, request_id: str | None = None) -> Agent:
        """Keep the agent from new work until it is resumed; what it holds it finishes."""
        return await self._set_status(agent_id, Agent.DRAINING, request_id)

    async def resume(self, agent_id: str, *, request_id: str | None = None) -> Agent:
        """Let the agent have new work again."""
        return await self._set_status(agent_id, Agent.ONLINE, request_id)

    async def match(
        self,
        agent_type: str = "",
        *,
        capability: str = "",
        labels: Mapping[str, str] | None = None,
        free_slots_min: int = 1,
        strategy: str = "round_robin",
        limit: int = 10,
    ) -> Sequence[AgentMatch]:
        """Return the agents that could take such a task now, the best first.

        `capability` is a name, or a name and a range of versions such as `pricing@^1.2`; `strategy` is `round_robin`
        or `least_connections`.
        """
        request = MatchAgentsRequest(
            agent_type=agent_type,
            capability=capability,
            labels=labels,
            free_slots_min=free_slots_min,
            strategy=MatchAgentsRequest.Strategy.Value(strategy.upper()),
            limit=limit,
        )
        return (await self._connection.unary(self._stub.MatchAgents, request)).matches

    async def deregister(self, agent_id: str, *, request_id: str | None = None) -> None:
        """End the agent's registration; work in flight is not touched."""
        request = DeregisterAgentRequest(agent_id=agent_id, request_id=request_id or ids.show("req", ids.new_uuid()))
        await self._connection.unary(self._stub.DeregisterAgent, request)

    async def _set_status(self, agent_id: str, status: Agent.Status.ValueType, request_id: str | None) -> Agent:
        request = SetAgentStatusRequest(
            agent_id=agent_id, status=status, request_id=request_id or ids.show("req", ids.new_uuid())
        )
        return await self._connection.unary(self._stub.SetAgentStatus, request)
