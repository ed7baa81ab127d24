"""The ten-line way to receive events: `await receive("redis://…", group="mine", handle=handle)`."""

from __future__ import annotations

import asyncio

from archwright.events.dealing import Handle, Terms
from archwright.events.receiving import Receiving
from archwright.events.redis_subscription import RedisSubscription, reader


async def receive(
    redis_url: str, *, group: str, handle: Handle, stop: asyncio.Event | None = None, terms: Terms | None = None
) -> None:
    """Receive every event at least once as a member of `group`, until `stop` is set or this is cancelled.

    All that name the same group share its events; groups do not disturb each other. A group that is new begins with
    the oldest event that the bus still has. Raises RequestInvalid when the group has no proper name.
    """
    client = reader(redis_url)
    try:
        await Receiving(RedisSubscription(client, group), handle, stop or asyncio.Event(), terms=terms).run()
    finally:
        await client.aclose()
