"""Rule 2: what the database cannot hold is found and refused; what stood beside it in the batch is committed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from archwright.errors import InternalFault
from services.engine.domain.commands import CompleteTask
from services.engine.domain.events import ArtifactMade
from services.engine.ports.commands import Asked
from services.engine.ports.keys import Fence

NEVER_KEPT = ArtifactMade("plan.html", "0" * 64)


async def test_the_culprit_is_refused_and_the_others_are_committed(replica: Any) -> None:
    storage = replica.storage
    good, bad = [await storage.start() for _ in range(2)]
    session_id = await storage.session()
    claims = {claimed.key: claimed for claimed in await storage.claims(session_id, 2)}

    def result(key: Any, *files: ArtifactMade) -> Asked:
        claimed = claims[key]
        fence = Fence(claimed.task_id, claimed.attempt, claimed.lease_id)
        command = CompleteTask(storage.now(), fence.task_id, fence.attempt, "a1", {"n": 1}, files)
        return Asked(key, command, fence)

    async with asyncio.TaskGroup() as group:
        fine = group.create_task(replica.committer.submit(result(good.key)))
        poison = group.create_task(refused(replica.committer.submit(result(bad.key, NEVER_KEPT))))
        await replica.commit_all(fine, poison)

    assert fine.result().workflow.last_seq > good.workflow.last_seq
    assert (await storage.load(bad.key)).version == bad.version


async def refused(asking: Any) -> None:
    with pytest.raises(InternalFault, match="cannot hold"):
        await asking
