"""Takes heartbeats in batches: whatever gathers while one batch is written makes the next.

An agent costs the database a share of one statement, not a statement; and a heartbeat is answered only once
it is kept, so that an agent which is not registered hears of it at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from archwright.errors import LimitReached
from services.chassis.clock import Clock
from services.chassis.wake import Wake
from services.registry.domain.agent import Heartbeat, Key
from services.registry.ports import AgentStore, Presence

BATCH_MAX: Final = 1000
IDLE_SECONDS: Final = 10.0
WAITING_MAX: Final = 20_000

_Waiting = tuple[Heartbeat, asyncio.Future[bool]]


class TakeHeartbeats:
    """The duty that writes heartbeats, and the `Heartbeats` that hands them to it."""

    def __init__(self, store: AgentStore, presence: Presence, clock: Clock) -> None:
        self._store = store
        self._presence = presence
        self._waiting: list[_Waiting] = []
        self._wake = Wake(clock)

    async def take(self, heartbeat: Heartbeat) -> bool:
        """Return, once it is kept, whether the agent is registered; raises LimitReached when too many wait."""
        if len(self._waiting) >= WAITING_MAX:
            raise LimitReached("Too many heartbeats wait to be written; send the next as usual.", retry_after_seconds=1)
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((heartbeat, kept))
        self._wake.nudge()
        return await kept

    async def step(self) -> None:
        """Write a batch of the heartbeats that wait, or wait for some. What fails is told to who sent them."""
        if not self._waiting:
            await self._wake.wait(IDLE_SECONDS)
        batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
        batch = _unsettled(batch)
        if not batch:
            return
        try:
            newest = _newest(batch)
            registered = await self._store.note(newest)
            await self._presence.tell([heartbeat for heartbeat in newest if heartbeat.key in registered])
            for heartbeat, kept in _unsettled(batch):
                kept.set_result(heartbeat.key in registered)
        except Exception as failed:  # the top of every call in the batch: each raises it again
            for _, kept in _unsettled(batch):
                kept.set_exception(failed)
        finally:
            for _, kept in _unsettled(batch):
                kept.cancel()


def _unsettled(batch: Sequence[_Waiting]) -> list[_Waiting]:
    # Who gave up waiting needs nothing any more.
    return [(heartbeat, kept) for heartbeat, kept in batch if not kept.done()]


def _newest(batch: Sequence[_Waiting]) -> list[Heartbeat]:
    newest: Mapping[Key, Heartbeat] = {heartbeat.key: heartbeat for heartbeat, _ in batch}
    return list(newest.values())
