"""Rule 21: copies are written behind the commits, never over newer ones, and what must be certain is read elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from one_replica import replica_on
from storages import MemoryStorage, entry_of

from archwright.errors import TransitionIllegal
from services.bus.redis import writer
from services.chassis.clock import SystemClock
from services.engine.domain.commands import PauseWorkflow, ResumeWorkflow
from services.engine.domain.transitions import WorkflowStatus
from services.engine.hot_store import HotStore
from services.engine.loops.hot_copies import CopyWorkflows
from services.engine.memory import Memory
from services.engine.ports.commands import Asked
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.hot_copies import RedisHotCopies


@pytest.fixture
async def copies(valkey: str, storage: Any) -> AsyncIterator[RedisHotCopies]:
    client = writer(valkey)
    yield RedisHotCopies(client, b"k" * 32, Catalogue(storage.database), SystemClock())
    await client.aclose()


async def test_a_refusal_never_rests_on_a_copy_that_is_behind(copies: Any, storage: Any, other_storage: Any) -> None:
    stored = await storage.start()
    await other_storage.commit(pausing(other_storage, stored))
    await copies.write([stored])
    replica = replica_on(storage, HotStore(storage.store, copies))

    # By the copy it is running, and there is nothing to resume.
    answer = await replica.ask(Asked(stored.key, ResumeWorkflow(storage.now(), "ann")))
    assert answer.workflow.status is WorkflowStatus.RUNNING

    with pytest.raises(ExceptionGroup) as refused:
        await replica.ask(Asked(stored.key, ResumeWorkflow(storage.now(), "ann")))
    assert refused.group_contains(TransitionIllegal)


async def test_of_two_replicas_that_copy_the_newer_version_stays(copies: Any, storage: Any) -> None:
    stored = await storage.start()
    await storage.commit(pausing(storage, stored))
    newer = await storage.load(stored.key)

    await copies.write([newer])
    await copies.write([stored])

    assert (await copies.read([stored.key]))[stored.key].workflow == newer.workflow


async def test_a_workflow_is_copied_when_it_rests_or_leaves_memory_and_not_with_every_commit(
    copies: Any, storage: Any
) -> None:
    clock = MemoryStorage().clock
    stored = await storage.start()
    memory = Memory(10_000_000)
    copying = CopyWorkflows(copies, memory, clock)
    replica = replica_on(storage, listeners=[copying], memory=memory)
    await replica.ask(Asked(stored.key, PauseWorkflow(storage.now(), "ann", "")))

    await copying.step()
    assert await copies.read([stored.key]) == {}
    await clock.wind(1)
    await copying.step()

    assert (await copies.read([stored.key]))[stored.key].version == stored.version + 1


def pausing(storage: Any, stored: Any) -> Any:
    return entry_of(stored, PauseWorkflow(storage.now(), "ann", ""))
