"""Rule 5: memory advances after the commit and never before it, is bounded by bytes, and may forget anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from held_store import HeldStore
from msgspec.structs import replace
from one_replica import replica_on

from archwright.errors import DependencyUnavailable
from services.engine.domain.commands import PauseWorkflow, ResumeWorkflow
from services.engine.domain.transitions import WorkflowStatus
from services.engine.memory import Memory
from services.engine.ports.commands import Asked


async def test_nobody_sees_a_state_before_it_is_committed(storage: Any) -> None:
    stored, store = await storage.start(), HeldStore(storage.store)
    replica = replica_on(storage, store)

    async with asyncio.TaskGroup() as group:
        pausing = group.create_task(replica.ask(pause(storage, stored)))
        await store.under_way.wait()
        while_under_way = replica.memory.get(stored.key), await storage.store.summary(stored.key)
        store.go_on.set()
        answer = await pausing

    assert [seen.workflow.status for seen in while_under_way] == [WorkflowStatus.RUNNING] * 2
    assert answer.workflow.status is WorkflowStatus.PAUSED
    assert replica.memory.get(stored.key) == await storage.load(stored.key)


async def test_a_commit_that_fails_leaves_memory_as_it_was(storage: Any) -> None:
    stored, store = await storage.start(), HeldStore(storage.store, fails=True)
    replica = replica_on(storage, store)
    store.go_on.set()

    async with asyncio.TaskGroup() as group:
        pausing = group.create_task(replica.committer.submit(pause(storage, stored)))
        with pytest.raises(DependencyUnavailable):
            await replica.committer.step()
        pausing.cancel()

    assert replica.memory.get(stored.key) == stored


async def test_a_workflow_is_in_one_batch_at_a_time_though_two_are_under_way(storage: Any) -> None:
    stored, store = await storage.start(), HeldStore(storage.store)
    replica = replica_on(storage, store)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(replica.committer.submit(pause(storage, stored)))
        batch = group.create_task(replica.committer.step())
        await store.under_way.wait()
        store.under_way.clear()
        resume = Asked(stored.key, ResumeWorkflow(storage.now(), "ann", "r2"))
        second = group.create_task(replica.committer.submit(resume))
        next_batch = group.create_task(replica.committer.step())
        await asyncio.wait({next_batch})
        assert not store.under_way.is_set(), "the second commit does not begin beside the first"
        store.go_on.set()
        await batch
        await replica.commit_all(first, second)

    assert (await storage.load(stored.key)).version == stored.version + 2


async def test_a_workflow_that_leaves_memory_while_it_is_committed_loses_nothing(storage: Any) -> None:
    stored, store = await storage.start(), HeldStore(storage.store)
    replica = replica_on(storage, store)

    async with asyncio.TaskGroup() as group:
        pausing = group.create_task(replica.ask(pause(storage, stored)))
        await store.under_way.wait()
        replica.memory.forget([stored.key])
        store.go_on.set()
        await pausing
    await replica.ask(Asked(stored.key, ResumeWorkflow(storage.now(), "ann", "r2")))

    assert (await storage.load(stored.key)).version == stored.version + 2


async def test_memory_holds_so_many_bytes_and_lets_go_what_was_used_longest_ago(storage: Any) -> None:
    small, large, used = await storage.start(), await storage.start(plan="large"), await storage.start()
    memory, gone = Memory(bytes_max=60_000), []
    memory.on_eviction = gone.append
    for stored in (small, used):
        memory.keep(stored)
    memory.get(small.key)

    memory.keep(replace(large, snapshot_bytes=6_000))

    assert [stored.key for stored in gone] == [used.key]
    assert {stored.key for stored in (small, large) if memory.peek(stored.key)} == {small.key, large.key}


def pause(storage: Any, stored: Any) -> Asked:
    return Asked(stored.key, PauseWorkflow(storage.now(), "ann", "", "r1"))
