"""What the registry does by itself, on a clock that is wound by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from archwright.errors import DependencyUnavailable
from services.chassis.clock import ManualClock
from services.chassis.loops import forever
from services.registry.domain.agent import Heartbeat, Key, Status
from services.registry.domain.registration import Registration
from services.registry.loops.follow_agents import QUIET_SECONDS, FollowAgents
from services.registry.loops.forget_removed_agents import KEPT, ForgetRemovedAgents
from services.registry.loops.mark_silent_agents import MarkSilentAgents
from services.registry.loops.remove_lost_agents import RemoveLostAgents
from services.registry.loops.take_heartbeats import TakeHeartbeats
from services.registry.loops.tell_readiness import TellReadiness
from services.registry.ports import Known, Quiet, Removed, SnapshotComplete, Tenants, Update
from services.registry.presence import MemoryPresence
from services.registry.storage.memory import MemoryAgents

HEARTBEAT_SECONDS = 10.0


class Scene:
    """A store in memory, a clock that stands still, and a feed."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryAgents()
        self.feed = FollowAgents(self.store, self.clock, poll_seconds=1)
        self.silence = MarkSilentAgents(self.store, self.feed, self.clock, heartbeat_seconds=HEARTBEAT_SECONDS)

    async def register(self, agent_id: str = "a1", tenant: str = "acme") -> Key:
        wish = Registration(tenant, agent_id, "developer", (), 1, "", {})
        return (await self.store.put(wish, self.clock.now())).key

    async def hear(self, key: Key, count: int = 0) -> None:
        await self.store.note([Heartbeat(key, Status.ONLINE, count, self.clock.now())])

    async def is_silent(self, key: Key) -> bool:
        agent = await self.store.get(key.agent_id, (key.tenant,))
        assert agent is not None
        return agent.is_silent

    async def look_for_silence(self, *, seconds: float, hearing: Key | None = None) -> None:
        """Let time pass in steps of half a heartbeat."""
        for _ in range(int(seconds / 5)):
            await self.clock.wind(5)
            if hearing is not None and not self.store.is_away:
                await self.hear(hearing)
            await self.silence.step()

    @asynccontextmanager
    async def watched(self, tenants: Tenants) -> AsyncIterator[asyncio.Queue[Update]]:
        """Follow the store, and gather what one watcher is told."""
        told: asyncio.Queue[Update] = asyncio.Queue()

        async def watch() -> None:
            async for update in self.feed.watch(tenants):
                told.put_nowait(update)

        async with asyncio.TaskGroup() as group:
            duty = group.create_task(forever("follow", self.feed.step, pause=0, clock=self.clock))
            group.create_task(watch())
            await self.clock.wind(0)
            yield told
            self.feed.close()
            duty.cancel()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def drained(told: asyncio.Queue[Update]) -> list[Update]:
    return [told.get_nowait() for _ in range(told.qsize())]


def names(updates: list[Update]) -> list[object]:
    """Return the updates, agents by their key."""
    return [update.agent.key if isinstance(update, Known) else update for update in updates]


async def test_an_agent_that_misses_three_heartbeats_is_marked_silent(scene: Scene) -> None:
    loud, mute = await scene.register("loud"), await scene.register("mute")

    await scene.look_for_silence(seconds=30, hearing=loud)
    assert not await scene.is_silent(mute)
    await scene.look_for_silence(seconds=5, hearing=loud)

    assert await scene.is_silent(mute)
    assert not await scene.is_silent(loud)


async def test_a_registry_that_just_started_gives_everybody_the_full_time(scene: Scene) -> None:
    mute = await scene.register()
    await scene.clock.wind(3600)
    scene.silence = MarkSilentAgents(scene.store, scene.feed, scene.clock, heartbeat_seconds=HEARTBEAT_SECONDS)

    await scene.look_for_silence(seconds=25)
    assert not await scene.is_silent(mute)
    await scene.look_for_silence(seconds=10)

    assert await scene.is_silent(mute)


async def test_silence_while_the_database_was_away_is_nobodys_fault(scene: Scene) -> None:
    agent = await scene.register()
    await scene.look_for_silence(seconds=60, hearing=agent)
    scene.store.is_away = True
    await scene.look_for_silence(seconds=60)
    scene.store.is_away = False

    await scene.look_for_silence(seconds=25)

    assert not await scene.is_silent(agent)


async def test_a_replica_that_was_frozen_does_not_call_everybody_silent(scene: Scene) -> None:
    agent = await scene.register()
    await scene.look_for_silence(seconds=60, hearing=agent)
    await scene.clock.wind(300)

    await scene.silence.step()

    assert not await scene.is_silent(agent)


async def test_a_heartbeat_is_answered_once_it_is_kept(scene: Scene) -> None:
    taking = TakeHeartbeats(scene.store, MemoryPresence(scene.clock, keep_seconds=30), scene.clock)
    key = await scene.register()
    async with asyncio.TaskGroup() as group:
        known = group.create_task(taking.take(Heartbeat(key, Status.BUSY, 1, scene.clock.now())))
        unknown = group.create_task(taking.take(Heartbeat(Key("acme", "x"), Status.BUSY, 1, scene.clock.now())))
        await scene.clock.wind(0)
        assert not known.done()
        await taking.step()

    assert (known.result(), unknown.result()) == (True, False)


async def test_the_newest_heartbeat_of_an_agent_wins_within_a_batch(scene: Scene) -> None:
    taking = TakeHeartbeats(scene.store, MemoryPresence(scene.clock, keep_seconds=30), scene.clock)
    key = await scene.register()
    async with asyncio.TaskGroup() as group:
        for count in (1, 2, 3):
            group.create_task(taking.take(Heartbeat(key, Status.ONLINE, count, scene.clock.now())))
        await scene.clock.wind(0)
        await taking.step()

    agent = await scene.store.get("a1", ("acme",))
    assert agent is not None
    assert agent.current_task_count == 3


async def test_a_heartbeat_that_cannot_be_kept_fails_for_its_sender_alone(scene: Scene) -> None:
    taking = TakeHeartbeats(scene.store, MemoryPresence(scene.clock, keep_seconds=30), scene.clock)
    key = await scene.register()
    scene.store.is_away = True
    async with asyncio.TaskGroup() as group:
        beat = group.create_task(failure_of(taking.take(Heartbeat(key, Status.ONLINE, 0, scene.clock.now()))))
        await scene.clock.wind(0)
        await taking.step()

    assert isinstance(beat.result(), DependencyUnavailable)


async def failure_of(heartbeat: object) -> Exception:
    with pytest.raises(DependencyUnavailable) as failed:
        await heartbeat
    return failed.value


async def test_a_watcher_is_told_everybody_and_then_every_change(scene: Scene) -> None:
    first = await scene.register("first")
    async with scene.watched(None) as told:
        assert names(drained(told)) == [first, SnapshotComplete()]

        second = await scene.register("second")
        await scene.store.remove(first, scene.clock.now(), "")
        await scene.clock.wind(1)

        assert set(names(drained(told))) == {second, Removed(first)}


async def test_a_change_by_this_replica_is_told_without_waiting_for_the_next_look(scene: Scene) -> None:
    async with scene.watched(None) as told:
        drained(told)
        key = await scene.register()
        scene.feed.wake()
        await scene.clock.wind(0)

        assert names(drained(told)) == [key]


async def test_a_watcher_is_told_only_of_the_tenants_it_may_see(scene: Scene) -> None:
    await scene.register("theirs", "globex")
    async with scene.watched(("acme", "platform")) as told:
        ours, shared = await scene.register("ours"), await scene.register("shared", "platform")
        await scene.register("theirs2", "globex")
        await scene.clock.wind(1)

        assert set(names(drained(told))) == {SnapshotComplete(), ours, shared}


async def test_a_quiet_watch_shows_that_it_is_alive(scene: Scene) -> None:
    async with scene.watched(None) as told:
        drained(told)
        await scene.clock.wind(2 * QUIET_SECONDS)

        assert drained(told) == [Quiet(), Quiet()]


async def test_a_slow_watcher_is_told_the_latest_state_only(scene: Scene) -> None:
    key = await scene.register()
    updates = scene.feed.watch(None)
    assert names([await anext(updates), await anext(updates)]) == [key, SnapshotComplete()]
    async with asyncio.TaskGroup() as group:
        duty = group.create_task(forever("follow", scene.feed.step, pause=0, clock=scene.clock))
        for count in range(1, 4):
            await scene.hear(key, count)
            await scene.clock.wind(1)
        duty.cancel()

    latest = await anext(updates)
    assert isinstance(latest, Known)
    assert latest.agent.current_task_count == 3
    await updates.aclose()


async def test_after_an_outage_watchers_hear_what_they_missed_within_a_second(scene: Scene) -> None:
    gone = await scene.register("gone")
    async with scene.watched(None) as told:
        drained(told)
        scene.store.is_away = True
        await scene.clock.wind(600)
        scene.store.is_away = False
        await scene.store.remove(gone, scene.clock.now(), "")
        await scene.store.forget_removed(scene.clock.now() + KEPT)
        await scene.clock.wind(1)

        assert Removed(gone) in drained(told)


async def test_an_ended_registration_is_forgotten_after_an_hour(scene: Scene) -> None:
    key = await scene.register()
    await scene.store.remove(key, scene.clock.now(), "r1")
    forgetting = ForgetRemovedAgents(scene.store, scene.clock)

    await scene.clock.wind(KEPT.total_seconds())
    await forgetting.step()
    assert await scene.store.remove(key, scene.clock.now(), "r1")
    await scene.clock.wind(1)
    await forgetting.step()

    assert not await scene.store.remove(key, scene.clock.now(), "r1")


async def test_who_has_been_silent_for_a_day_is_registered_no_longer(scene: Scene) -> None:
    lost, there = await scene.register("lost"), await scene.register("there")
    removing = RemoveLostAgents(scene.store, scene.feed, scene.clock, keep_hours=24)
    await scene.look_for_silence(seconds=60, hearing=there)

    await scene.clock.wind(23 * 3600)
    await removing.step()
    assert await scene.store.get(lost.agent_id, (lost.tenant,)) is not None
    await scene.clock.wind(3600)
    await removing.step()

    assert await scene.store.get(lost.agent_id, (lost.tenant,)) is None
    assert await scene.store.get(there.agent_id, (there.tenant,)) is not None


async def test_readiness_follows_the_store_and_is_told_when_it_changes(scene: Scene) -> None:
    told: list[bool] = []

    async def tell(ready: bool) -> None:
        told.append(ready)

    readiness = TellReadiness(scene.store, tell)
    for is_away in (False, False, True, True, False):
        scene.store.is_away = is_away
        await readiness.step()

    assert told == [True, False, True]
