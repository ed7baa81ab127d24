"""A receiver of events that writes each down: `python -m tests.bus_chaos.receiver REDIS_URL GROUP LEDGER [--hasty]`.

One event in fifty fails the first time. With `--hasty` it is a wrong one: it acknowledges before it has written.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence

from archwright.events.dealing import Terms
from archwright.events.receiving import Receiving
from archwright.events.redis_subscription import RedisSubscription, reader
from archwright.events.subscription import Entry
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import rest
from archwright.serving import logs

SILENT_SECONDS = 3.0
TERMS = Terms(attempts_max=50, pause_seconds=0.05, pause_seconds_max=0.5, keep_seconds=1.0, reclaim_seconds=1.0)


class _Hasty(RedisSubscription):
    async def take(self, limit: int) -> Sequence[Entry]:
        entries = await super().take(limit)
        for entry in entries:
            await self.settle(entry.entry_id)
        return entries


async def main(redis_url: str, group: str, ledger: str, *, hasty: bool) -> None:
    """Receive until we are killed."""
    logs.configure(service=group)
    chance = random.SystemRandom()
    file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def handle(event: WorkflowEvent) -> None:
        await rest(chance.random() * 0.2)
        if chance.random() < 0.02:
            raise ConnectionError("nobody there")
        os.write(file, f"{event.event_id}\n".encode())

    client = reader(redis_url)
    kind = _Hasty if hasty else RedisSubscription
    subscription = kind(client, group, wait_seconds=0.5, silent_seconds=SILENT_SECONDS)
    sys.stdout.write(json.dumps({"event": "ready", "address": ""}) + "\n")
    sys.stdout.flush()
    await Receiving(subscription, handle, asyncio.Event(), terms=TERMS).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], hasty="--hasty" in sys.argv))
