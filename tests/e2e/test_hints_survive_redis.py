"""Redis is killed under replicas that give each other hints: what crosses is late, and at once again afterwards."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from own_redis import OwnRedis
from players import Player, players
from waiting import until

from archwright import Client, Task
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.local.temporary import temporary_folder

SOURCE = "name: far\nsteps: [{name: a, agent: far}]"
# Leases and queues are looked through so rarely that what comes soon came by a hint, and yet often enough to wait for.
RARE_SECONDS = 8
RARELY = {
    "ARCHWRIGHT_POLL_SECONDS": str(RARE_SECONDS),
    "ARCHWRIGHT_LEASE_SECONDS": "60",
    "ARCHWRIGHT_RENEW_SECONDS": str(RARE_SECONDS),
}
ONCE_EACH = Counter(["hints_not_told", "hints_told_again", "hints_not_heard", "hints_heard_again"])
SOON_SECONDS, LATE_SECONDS = RARE_SECONDS / 2, 4 * RARE_SECONDS


@pytest.fixture
async def redis() -> AsyncIterator[OwnRedis]:
    with temporary_folder() as folder:
        found = OwnRedis(folder)
        await found.start()
        yield found
        await found.kill()


async def test_while_redis_is_dead_work_and_cancellation_cross_late_and_then_at_once_again(
    meshes: Any, redis: OwnRedis
) -> None:
    async def work_for_ever(_: Task) -> None:
        await asyncio.Event().wait()

    async with meshes(replicas=2, ARCHWRIGHT_REDIS_URL=redis.url, **RARELY) as mesh, players(mesh) as cast:
        token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["operator", "admin"], ttl_seconds=600)
        async with Client(f"http://{mesh.engines[0].address}", token) as here:
            await here.definitions.publish(SOURCE)
            far = await cast.add("far", work_for_ever, address=mesh.engines[1].address)
            await crosses(here, far, seconds_max=SOON_SECONDS)

            await redis.kill()
            await crosses(here, far, seconds_max=LATE_SECONDS)

            await redis.start()
            await until_soon_again(here, far)
            for engine in mesh.engines:
                assert told_of_hints(mesh.folder / f"{engine.name}.log") <= ONCE_EACH


def told_of_hints(log: Path) -> Counter[str]:
    """Return what an engine has said about hints, and how often."""
    events = (json.loads(line)["event"] for line in log.read_text().splitlines())
    return Counter(event for event in events if event.startswith("hints_"))


async def crosses(here: Client, far: Player, *, seconds_max: float) -> None:
    """See a task be begun at the other replica, and be stopped there when it is called off here."""
    begun, stopped = len(far.given), len(far.cancelled)
    workflow = await here.start("far", {})
    await until(lambda: len(far.given) == begun + 1, seconds_max=seconds_max)
    cancelled = await here.cancel(workflow.workflow_id)
    await until(lambda: len(far.cancelled) == stopped + 1, seconds_max=seconds_max)
    assert cancelled.status == Workflow.CANCELLED


async def until_soon_again(here: Client, far: Player) -> None:
    """See both cross at once again, and not by luck, when the replicas have found their way back to Redis."""
    clock, in_a_row = asyncio.get_running_loop().time, 0
    async with asyncio.timeout(2 * LATE_SECONDS):
        while in_a_row < 3:
            began = clock()
            await crosses(here, far, seconds_max=LATE_SECONDS)
            in_a_row = in_a_row + 1 if clock() - began < SOON_SECONDS else 0
