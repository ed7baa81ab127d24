"""How a receiver deals with events, on the in-memory bus and on a real Valkey."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from archwright.events.dealing import Handle, Outcome, Terms
from archwright.events.receiving import Receiving
from archwright.events.redis_subscription import RedisSubscription
from archwright.events.subscription import Subscription, TryLater
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.bus.event import BusEvent
from services.bus.memory import MemoryBus, MemorySubscription
from services.bus.port import Publisher, Upkeep
from services.bus.redis import RedisPublisher, writer
from services.bus.redis_upkeep import RedisUpkeep
from services.chassis.clock import SystemClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOON = Terms(
    attempts_max=4,
    pause_seconds=0.01,
    pause_seconds_max=0.05,
    attempt_seconds_max=5,
    keep_seconds=0.1,
    reclaim_seconds=0.1,
)


@dataclass(frozen=True)
class Bus:
    publisher: Publisher
    upkeep: Upkeep
    join: Callable[[], Subscription]

    @asynccontextmanager
    async def receiving(self, handle: Handle, terms: Terms = SOON) -> AsyncIterator[Counter[Outcome]]:
        stop, came = asyncio.Event(), Counter[Outcome]()

        def tell(outcome: Outcome) -> None:
            came[outcome] += 1

        receiver = Receiving(self.join(), handle, stop, terms=terms, tell=tell)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(receiver.run())
            try:
                yield came
            finally:
                stop.set()

    async def is_settled(self) -> None:
        async with asyncio.timeout(20):
            while True:
                standings = (await self.upkeep.survey(keep_seconds=0)).standings
                if standings and not any(standing.pending or standing.waiting for standing in standings):
                    return
                await SystemClock().sleep(0.01)


@pytest.fixture(params=["memory", "valkey"])
async def bus(request: pytest.FixtureRequest, valkey: str) -> AsyncIterator[Bus]:
    if request.param == "memory":
        twin = MemoryBus()
        yield Bus(twin, twin, lambda: MemorySubscription(twin, "mine", silent_seconds=0.5))
        return
    client: Redis = writer(valkey)

    def join() -> Subscription:
        return RedisSubscription(client, "mine", wait_seconds=0.05, silent_seconds=0.5)

    yield Bus(RedisPublisher(client), RedisUpkeep(client), join)
    await client.aclose()


@dataclass
class Seen:
    """Counts what it is handed."""

    times: Counter[str] = field(default_factory=Counter)

    async def handle(self, event: WorkflowEvent) -> None:
        self.times[event.event_id] += 1


def events(count: int, workflow_id: str = "wf_1") -> list[BusEvent]:
    return [BusEvent("acme", workflow_id, seq, "task_completed", NOON) for seq in range(1, count + 1)]


async def test_every_event_is_dealt_with_once_where_nothing_fails(bus: Bus) -> None:
    seen = Seen()
    await bus.publisher.publish([event for number in range(20) for event in events(10, f"wf_{number}")])

    async with bus.receiving(seen.handle):
        await bus.is_settled()

    assert len(seen.times) == 200
    assert set(seen.times.values()) == {1}


async def test_an_event_that_fails_is_tried_again_and_the_others_do_not_wait_for_it(bus: Bus) -> None:
    seen, others_done = Seen(), asyncio.Event()

    async def handle(event: WorkflowEvent) -> None:
        await seen.handle(event)
        if event.seq == 2 and not others_done.is_set():
            raise ConnectionError("nobody there")
        if len(seen.times) == 5:
            others_done.set()

    await bus.publisher.publish(events(5))
    async with bus.receiving(handle, replace(SOON, attempts_max=1_000)) as came:
        await bus.is_settled()

    assert (came[Outcome.DONE], came[Outcome.GIVEN_UP]) == (5, 0)
    assert seen.times["wf_1:1"] == 1
    assert seen.times["wf_1:2"] > 1


async def test_an_event_that_fails_for_good_is_given_up_with_its_error(bus: Bus) -> None:
    async def handle(event: WorkflowEvent) -> None:
        if event.seq == 2:
            raise ValueError("no such address")

    await bus.publisher.publish(events(3))
    async with bus.receiving(handle) as came:
        await bus.is_settled()

    [letter] = await bus.upkeep.put_away(10)
    assert (letter.given_up.event_id, letter.given_up.retry_count) == ("wf_1:2", SOON.attempts_max)
    assert letter.given_up.error == "ValueError: no such address"
    assert came == {Outcome.DONE: 2, Outcome.FAILED: 4, Outcome.GIVEN_UP: 1}


async def test_who_says_try_later_is_left_in_peace_for_so_long(bus: Bus) -> None:
    clock, tried = SystemClock(), list[float]()

    async def handle(_: WorkflowEvent) -> None:
        tried.append(clock.monotonic())
        if len(tried) == 1:
            raise TryLater("too many requests", after_seconds=0.4)

    await bus.publisher.publish(events(1))
    async with bus.receiving(handle, replace(SOON, pause_seconds_max=10)):
        await bus.is_settled()

    assert len(tried) == 2
    assert tried[1] - tried[0] >= 0.4


async def test_what_takes_too_long_has_failed(bus: Bus) -> None:
    async def handle(_: WorkflowEvent) -> None:
        await asyncio.Event().wait()

    await bus.publisher.publish(events(1))
    async with bus.receiving(handle, replace(SOON, attempts_max=2, attempt_seconds_max=0.05)):
        await bus.is_settled()

    [letter] = await bus.upkeep.put_away(10)
    assert "not dealt with within 0.05 s" in letter.given_up.error


async def test_what_a_receiver_that_vanished_had_is_dealt_with_by_another(bus: Bus) -> None:
    await bus.publisher.publish(events(3))
    await bus.join().take(10)  # and nothing more is ever heard of it
    seen = Seen()

    async with bus.receiving(seen.handle):
        await bus.is_settled()

    assert sorted(seen.times) == ["wf_1:1", "wf_1:2", "wf_1:3"]


async def test_an_event_that_ends_its_receivers_is_found_out_and_given_up_and_its_companions_are_not(bus: Bus) -> None:
    await bus.publisher.publish(events(3))
    seen = Seen()
    deaths = 0

    async def handle(event: WorkflowEvent) -> None:
        nonlocal deaths
        if event.seq == 2:
            deaths += 1
            raise asyncio.CancelledError  # as a process ends: nothing is noted, nothing settled
        await seen.handle(event)

    async with asyncio.timeout(60):
        while not await bus.upkeep.put_away(10):
            doomed = Receiving(bus.join(), handle, asyncio.Event(), terms=SOON)
            try:
                async with asyncio.timeout(2):
                    await doomed.run()
            except (TimeoutError, asyncio.CancelledError):
                pass

    [letter] = await bus.upkeep.put_away(10)
    assert letter.given_up.event_id == "wf_1:2"
    assert "ended while" in letter.given_up.error
    assert {"wf_1:1", "wf_1:3"} <= set(seen.times)


async def test_who_stops_leaves_what_waits_to_be_tried_again_to_others(bus: Bus) -> None:
    failed = asyncio.Event()

    async def handle(_: WorkflowEvent) -> None:
        failed.set()
        raise ConnectionError("nobody there")

    await bus.publisher.publish(events(1))
    async with bus.receiving(handle, replace(SOON, pause_seconds=60, pause_seconds_max=60)):
        await failed.wait()
    seen = Seen()

    async with bus.receiving(seen.handle):
        await bus.is_settled()

    assert seen.times == {"wf_1:1": 1}


async def test_two_members_share_the_work_and_neither_gets_what_the_other_has(bus: Bus) -> None:
    one, other = Seen(), Seen()
    async with bus.receiving(one.handle), bus.receiving(other.handle):
        for number in range(40):
            await bus.publisher.publish(events(2, f"wf_{number}"))
        await bus.is_settled()

    assert one.times.keys().isdisjoint(other.times)
    assert len(one.times) + len(other.times) == 80
