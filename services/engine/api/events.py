"""Serves EventService: what happens to all workflows of a tenant, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from archwright.engine.v1 import events_pb2 as pb
from archwright.errors import DependencyUnavailable
from archwright.events.catalogue import CATALOGUE, Lane
from archwright.language.vocabulary import did_you_mean
from archwright.serving.calls import Call
from services.engine.api.requests import wrong
from services.engine.tails import Missed, Tails, Wanted

_HEARTBEAT_SECONDS = 10.0
_TYPES = frozenset(name for name, known in CATALOGUE.items() if known.lane is Lane.HISTORY)


class EventApi:
    """Lets callers listen. Without tails there is no bus, and nothing to listen to."""

    def __init__(self, tails: Tails | None) -> None:
        self._tails = tails

    async def tail_events(self, request: pb.TailEventsRequest, call: Call) -> AsyncIterator[pb.TailEventsResponse]:
        """Tell events from now on."""
        for name in request.event_types:
            if name not in _TYPES:
                hint = did_you_mean(name, _TYPES) or ". docs/events.md lists them."
                raise wrong("event_types", f"There is no event type {name[:60]!r} on the bus{hint}")
        if self._tails is None:
            raise DependencyUnavailable(
                "This mesh has no event bus: its engines were told no ARCHWRIGHT_REDIS_URL. Watch workflows instead.",
                facts={"dependency": "redis"},
            )
        wanted = Wanted(
            call.caller.tenant, frozenset(request.event_types), request.definition_name, request.workflow_id
        )
        with self._tails.listen(wanted) as tail:
            yield pb.TailEventsResponse(heartbeat=pb.TailHeartbeat())
            while True:
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        told = await tail.waiting.get()
                except TimeoutError:
                    yield pb.TailEventsResponse(heartbeat=pb.TailHeartbeat())
                    continue
                if isinstance(told, Missed):
                    yield pb.TailEventsResponse(missed=pb.EventsMissed(reason=told.reason))
                else:
                    yield pb.TailEventsResponse(event=told)
