"""What waits for agents, and the breakers between tasks and agents."""

from __future__ import annotations

from collections.abc import Sequence

from archwright import ids, stubs
from archwright.connection import Connection
from archwright.engine.v1.queues_pb2 import (
    Breaker,
    GetBreakerRequest,
    ListBreakersRequest,
    ListQueuesRequest,
    Queue,
    ResetBreakerRequest,
)


class Queues:
    """The tenant's queues and breakers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.queues(connection.channel)

    async def list(self) -> Sequence[Queue]:
        """Return the queues in which tasks wait for agents, the longest first."""
        return (await self._connection.unary(self._stub.ListQueues, ListQueuesRequest())).queues

    async def breakers(self) -> Sequence[Breaker]:
        """Return the breakers that have seen a failure, by agent type."""
        return (await self._connection.unary(self._stub.ListBreakers, ListBreakersRequest())).breakers

    async def breaker(self, agent_type: str) -> Breaker:
        """Return the breaker of a type of agents."""
        return await self._connection.unary(self._stub.GetBreaker, GetBreakerRequest(agent_type=agent_type))

    async def reset(self, agent_type: str, *, request_id: str | None = None) -> Breaker:
        """Close the breaker of a type of agents at once."""
        request = ResetBreakerRequest(agent_type=agent_type, request_id=request_id or ids.show("req", ids.new_uuid()))
        return await self._connection.unary(self._stub.ResetBreaker, request)
