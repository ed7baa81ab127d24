"""What happens to all workflows of a tenant, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import grpc

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.events_pb2 import EventsMissed, TailEventsRequest
from archwright.errors import Unavailable
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import Backoff, rest


class Events:
    """The tenant's events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.events(connection.channel)

    async def tail(
        self, *, types: Sequence[str] = (), definition: str = "", workflow_id: str = ""
    ) -> AsyncIterator[WorkflowEvent | EventsMissed]:
        """Yield events from now on, for ever, with what routes them and without their content.

        They may come twice and, of one workflow, out of order. What cannot be told, as the connection or the bus was
        away, is said by an EventsMissed in its place. Raises RequestInvalid when there is no event of such a type.
        """
        request = TailEventsRequest(event_types=types, definition_name=definition, workflow_id=workflow_id)
        backoff = Backoff(seconds_max=2.0)
        while True:
            call = self._stub.TailEvents(request, metadata=self._connection.metadata())
            try:
                async for response in call:
                    backoff.reset()
                    match response.WhichOneof("update"):
                        case "event":
                            yield response.event
                        case "missed":
                            yield response.missed
            except grpc.aio.AioRpcError as broken:
                error = self._connection.error_of(broken)
                if not isinstance(error, Unavailable) or "dependency" in error.facts:
                    raise error from broken
            finally:
                call.cancel()
            yield EventsMissed(reason="The connection was lost; listening again.")
            await rest(backoff.next_pause())
