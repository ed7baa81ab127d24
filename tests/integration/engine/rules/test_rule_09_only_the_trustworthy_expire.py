"""Rule 9: a replica calls leases expired only when its own last two renewals succeeded."""

from __future__ import annotations

import asyncio
from typing import Any

from archwright import ids
from services.engine.storage.task_board import TaskBoard

LONG_AFTER_SECONDS = 3600.0


async def lose_an_agent(replica: Any) -> Any:
    stored = await replica.storage.start()
    _, fence = await replica.storage.claim()
    await replica.storage.board.accept([fence])
    await replica.storage.age(LONG_AFTER_SECONDS)
    return stored


async def test_the_first_replica_back_after_an_outage_revokes_nothing(replica: Any) -> None:
    stored = await lose_an_agent(replica)

    await replica.lost_agents.step()
    await replica.renewal.step()
    await replica.lost_agents.step()

    assert (await replica.storage.load(stored.key)).version == stored.version


async def test_after_two_renewals_it_revokes_what_nobody_is_behind(replica: Any) -> None:
    stored = await lose_an_agent(replica)
    for _ in range(2):
        await replica.renewal.step()

    async with asyncio.TaskGroup() as group:
        revoking = group.create_task(replica.lost_agents.step())
        await replica.commit_all(revoking)

    assert (await replica.storage.load(stored.key)).version == stored.version + 1


async def test_nothing_expires_before_the_database_has_been_up_for_a_lease(storage: Any) -> None:
    await storage.start()
    session_id = await storage.session()
    await storage.age(LONG_AFTER_SECONDS)
    board = TaskBoard(storage.database, ids.new_uuid(), lease_seconds=10 * LONG_AFTER_SECONDS, accept_seconds=1)

    assert not await board.expire()

    assert session_id in await storage.board.renew([session_id])
