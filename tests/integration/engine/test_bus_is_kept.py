"""The engine looks after the bus: on a real database and a real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from storages import PostgresStorage, prepare

from archwright.events.redis_subscription import RedisSubscription
from archwright.events.streams import partition_of, stream_of
from archwright.events.subscription import Entry, GivenUp
from services.bus.redis import RedisPublisher, writer
from services.bus.redis_upkeep import RedisUpkeep
from services.engine.loops.keep_bus import KeepBus
from services.engine.loops.relay import LeftBehind
from services.engine.ports.dead_letters import Ending, LetterRow, LetterState, WantedLetters
from services.engine.storage.dead_letters import PostgresDeadLetters


@dataclass(frozen=True)
class Kept:
    """A bus, the engine's storage, and who looks after both."""

    storage: PostgresStorage
    redis: Redis
    keeping: KeepBus
    publishing: LeftBehind
    letters: PostgresDeadLetters

    def join(self, group: str = "mine") -> RedisSubscription:
        return RedisSubscription(self.redis, group, wait_seconds=0.05)

    async def publish(self) -> None:
        """Publish all that is not published."""
        await self.storage.age(3)
        await self.publishing.step()

    async def redrive(self, letter: LetterRow) -> str:
        """Redrive a dead letter of an event, and return its id."""
        ending = Ending(LetterState.REDRIVEN, "ann", self.storage.clock.now())
        [ended] = await self.letters.end(letter.tenant, {letter.letter_id: self.storage.audit_row()}, ending)
        return ended

    async def settle(self, member: RedisSubscription) -> list[str]:
        """Settle all that there is for a member, and return which events that were."""
        entries: list[Entry] = list(await member.take(100))
        for entry in entries:
            await member.settle(entry.entry_id)
        return [received.event_id for entry in entries for received in entry.events]


@pytest.fixture
async def kept(database: Any, valkey: str) -> AsyncIterator[Kept]:
    storage = PostgresStorage(await prepare(database), database.owner_dsn)
    client = writer(valkey)
    upkeep, letters = RedisUpkeep(client), PostgresDeadLetters(storage.database)
    keeping = KeepBus(storage.bus_record, upkeep, letters, storage.clock)
    yield Kept(storage, client, keeping, LeftBehind(storage.store, storage.store, RedisPublisher(client)), letters)
    await client.aclose()
    await storage.close()


async def test_what_a_group_has_not_settled_is_published_again_when_redis_was_emptied(kept: Kept) -> None:
    member = kept.join()
    await kept.settle(member)
    await kept.keeping.step()
    await kept.storage.start()
    await kept.publish()
    settled = await kept.settle(member)
    await kept.keeping.step()
    await kept.storage.age(30)
    await kept.keeping.step()
    missed = await kept.storage.start()
    await kept.publish()

    await kept.redis.flushall()
    await kept.keeping.step()
    await kept.publish()

    again = await kept.settle(kept.join())
    assert [each for each in again if each.startswith(missed.key.workflow_id)]
    assert not set(settled) & set(again)


async def test_a_group_that_was_away_while_redis_was_emptied_finds_what_it_missed(kept: Kept) -> None:
    await kept.settle(kept.join())
    await kept.keeping.step()
    stored = await kept.storage.start()
    await kept.publish()
    await kept.keeping.step()

    await kept.redis.flushall()
    await kept.keeping.step()
    await kept.publish()
    await kept.keeping.step()

    assert [each for each in await kept.settle(kept.join()) if each.startswith(stored.key.workflow_id)]


async def test_a_stream_that_somebody_deleted_is_filled_again(kept: Kept) -> None:
    await kept.settle(kept.join())
    await kept.keeping.step()
    stored = await kept.storage.start()
    await kept.publish()

    await kept.redis.delete(stream_of(partition_of(stored.key.workflow_id)))
    await kept.settle(kept.join())  # which makes its group anew, as if nothing had been there
    await kept.keeping.step()
    await kept.publish()

    assert [each for each in await kept.settle(kept.join()) if each.startswith(stored.key.workflow_id)]


async def test_what_a_group_gave_up_is_a_dead_letter_and_can_be_given_to_it_again(kept: Kept) -> None:
    member = kept.join()
    stored = await kept.storage.start()
    await kept.publish()
    [entry] = await member.take(10)
    received = entry.events[0]
    await member.settle(entry.entry_id, [GivenUp(received.event_id, received.envelope, "no such \0 address", 12)])

    await kept.keeping.step()
    await kept.keeping.step()

    [letter] = await kept.letters.wanted("acme", WantedLetters(), limit=10)
    assert (letter.group, letter.event_id, letter.attempts) == ("mine", received.event_id, 12)
    assert (letter.error, letter.state) == ("no such \N{REPLACEMENT CHARACTER} address", LetterState.WAITING)
    assert (letter.workflow_id, letter.definition_name) == (stored.key.workflow_id, "chain")
    assert not [name async for name in kept.redis.scan_iter("*dead*") if await kept.redis.xlen(name)]
    assert await kept.redrive(letter) == letter.letter_id
    await kept.keeping.step()
    assert await kept.settle(member) == [received.event_id]

    await kept.keeping.step()
    assert await kept.settle(member) == []


async def test_a_redriven_event_that_redis_loses_is_given_to_its_group_again(kept: Kept) -> None:
    member = kept.join()
    await kept.storage.start()
    await kept.publish()
    [entry] = await member.take(10)
    received = entry.events[0]
    await member.settle(entry.entry_id, [GivenUp(received.event_id, received.envelope, "no", 12)])
    await kept.keeping.step()
    [letter] = await kept.letters.wanted("acme", WantedLetters(), limit=10)
    await kept.redrive(letter)
    await kept.keeping.step()

    await kept.redis.flushall()
    await kept.keeping.step()
    await kept.keeping.step()

    assert received.event_id in await kept.settle(kept.join())


@pytest.mark.parametrize("garbage", [b"hello \xff", b"{}", b'{"data": {"workflow_id": "x", "tenant": "acme"}}'])
async def test_what_nobody_can_read_is_a_dead_letter_of_the_platform(kept: Kept, garbage: bytes) -> None:
    member = kept.join()
    await kept.storage.start()
    await kept.publish()
    [entry] = await member.take(10)
    await member.settle(entry.entry_id, [GivenUp("", garbage, "It is no event.", 0)])

    await kept.keeping.step()

    [letter] = await kept.letters.wanted("platform", WantedLetters(), limit=10)
    assert (letter.code, letter.group) == ("EVENT_UNREADABLE", "mine")
    assert isinstance(orjson.loads(letter.envelope), dict)


async def test_what_every_group_has_settled_is_trimmed_and_what_one_has_not_is_kept(kept: Kept) -> None:
    quick, slow = kept.join("quick"), kept.join("slow")
    await kept.settle(slow)
    for _ in range(3):
        await kept.storage.start()
    await kept.publish()
    await kept.settle(quick)

    await kept.keeping.step()

    assert len(await kept.settle(slow)) > 3
