"""How a service of ours receives events: as a member of a group, with its outcomes counted."""

from __future__ import annotations

import asyncio

from archwright.events.dealing import Handle, Outcome, Terms
from archwright.events.receiving import Receiving
from archwright.events.redis_subscription import RedisSubscription, reader
from services.chassis.metrics import Metrics
from services.chassis.metrics_catalogue import EVENTS_RECEIVED


class Consumer:
    """The groups that one service is a member of."""

    def __init__(self, redis_url: str, metrics: Metrics) -> None:
        self._redis_url = redis_url
        self._received = metrics.counter(EVENTS_RECEIVED)

    async def consume(self, group: str, handle: Handle, stop: asyncio.Event, *, terms: Terms | None = None) -> None:
        """Receive every event at least once, shared with the other members of the group, until `stop` is set.

        What is under way then may end; a second cancellation leaves it to others.
        """
        for outcome in Outcome:
            self._received.begin(group, outcome)
        client = reader(self._redis_url)
        try:
            subscription = RedisSubscription(client, group)
            await Receiving(
                subscription, handle, stop, terms=terms, tell=lambda outcome: self._received.add(group, outcome)
            ).run()
        finally:
            await client.aclose()
