"""A group's reading of the bus on Redis Streams.

What fails stays among the group's pending entries until all of it is dealt with or given up, so that the oldest
pending entry tells how far a group has come. Commands are those of Redis 7.0 and Valkey 8 alike.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from archwright import ids
from archwright.errors import DependencyUnavailable
from archwright.events.entries import group_of, read_entry
from archwright.events.streams import PARTITIONS, dead_stream_of, notes_of, require_group, stream_of
from archwright.events.subscription import Entry, EntryId, GivenUp

WAIT_SECONDS = 2.0
SILENT_SECONDS = 30.0
"""After so long without a sign of its receiver, an entry is reclaimed."""
_ANSWER_SECONDS_MAX = 5.0

Fields = Mapping[bytes, bytes]


def reader(url: str) -> Redis:
    """Return a client for reading: it may wait for an answer, and repeats nothing by itself.

    `url` is `redis://host:port/0`, `rediss://…` or `unix:///path/to/socket`.
    """
    return Redis.from_url(
        url,
        protocol=3,
        legacy_responses=False,
        socket_connect_timeout=1.0,
        socket_timeout=_ANSWER_SECONDS_MAX,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


class RedisSubscription:
    """One member of a group, under a name that nobody else has."""

    def __init__(
        self,
        client: Redis,
        group: str,
        *,
        wait_seconds: float = WAIT_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.group = require_group(group)
        self._client = client
        self._name = ids.show("receiver", ids.new_uuid())
        self._wait_ms = int(wait_seconds * 1000)
        self._silent_ms = int(silent_seconds * 1000)
        self._is_made = False

    async def take(self, limit: int) -> Sequence[Entry]:
        """Return entries that nobody has been given yet; see the port."""
        await self._make_group()
        streams: dict[Any, Any] = {stream_of(partition): ">" for partition in range(PARTITIONS)}
        try:
            found = await self._answer(
                self._client.xreadgroup(self.group, self._name, streams, limit, block=self._wait_ms)
            )
        except _GroupLost:
            # Emptied under us: what it held is published anew, and read from the start.
            self._is_made = False
            return []
        taken = [
            (EntryId(_partition_of(stream), number.decode()), fields)
            for stream, batch in (found or {}).items()
            for number, fields in batch
        ]
        return [Entry(entry_id, read_entry(fields)) for entry_id, fields in await self._for_us(taken)]

    async def reclaim(self, limit: int) -> Sequence[Entry]:
        """Return entries whose receivers have been silent for too long."""
        await self._make_group()
        claiming = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            claiming.xautoclaim(stream_of(partition), self.group, self._name, self._silent_ms, "0-0", limit)
        try:
            answers = await self._answer(claiming.execute())
            claimed = [
                (EntryId(partition, number.decode()), fields)
                for partition, (_, found, *_) in enumerate(answers)
                for number, fields in found
            ]
            return [await self._taken_over(entry_id, fields) for entry_id, fields in await self._for_us(claimed)]
        except _GroupLost:
            # Emptied while we looked: nothing of what we found is there any more.
            self._is_made = False
            return []

    async def keep(self, entries: Collection[EntryId]) -> None:
        """Say that these are still being dealt with."""
        by_partition: defaultdict[int, list[Any]] = defaultdict(list)
        for entry_id in entries:
            by_partition[entry_id.partition].append(entry_id.number)
        if not by_partition:
            return
        keeping = self._client.pipeline(transaction=False)
        for partition, numbers in by_partition.items():
            keeping.xclaim(stream_of(partition), self.group, self._name, 0, numbers, justid=True)
        try:
            await self._answer(keeping.execute())
        except _GroupLost:
            self._is_made = False

    async def note(self, entry_id: EntryId, failures: Mapping[int, int], settled: Collection[int]) -> None:
        """Note how far an entry has been dealt with."""
        told = orjson.dumps({"failures": list(failures.items()), "settled": sorted(settled)})
        await self._answer(self._client.hset(notes_of(entry_id.partition, self.group), entry_id.number, told))

    async def settle(self, entry_id: EntryId, given_up: Sequence[GivenUp] = ()) -> None:
        """Acknowledge an entry, and put away what was given up of it: both or neither."""
        settling = self._client.pipeline(transaction=bool(given_up))
        for each in given_up:
            settling.xadd(
                dead_stream_of(entry_id.partition),
                {
                    "group": self.group,
                    "event_id": each.event_id,
                    "envelope": each.envelope,
                    "error": each.error,
                    "retry_count": each.retry_count,
                },
            )
        settling.xack(stream_of(entry_id.partition), self.group, entry_id.number)
        settling.hdel(notes_of(entry_id.partition, self.group), entry_id.number)
        await self._answer(settling.execute())

    async def leave(self) -> None:
        """Leave the group, unless something is still pending in this name."""
        if not self._is_made:
            return
        asking = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            asking.xpending_range(stream_of(partition), self.group, "-", "+", 1, self._name)
        try:
            pending = await self._answer(asking.execute())
            leaving = self._client.pipeline(transaction=False)
            for partition, found in enumerate(pending):
                if not found:
                    leaving.xgroup_delconsumer(stream_of(partition), self.group, self._name)
            await self._answer(leaving.execute())
        except _GroupLost:
            return

    async def _for_us(self, entries: Sequence[tuple[EntryId, Fields]]) -> Sequence[tuple[EntryId, Fields]]:
        """Return those that are for this group; the others are settled for it by that."""
        ours = [(entry_id, fields) for entry_id, fields in entries if group_of(fields) in {"", self.group}]
        for entry_id in {entry_id for entry_id, _ in entries} - {entry_id for entry_id, _ in ours}:
            await self.settle(entry_id)
        return ours

    async def _taken_over(self, entry_id: EntryId, fields: Fields) -> Entry:
        """Return an entry with what the receivers before us noted of it."""
        looking = self._client.pipeline(transaction=False)
        looking.xpending_range(stream_of(entry_id.partition), self.group, entry_id.number, entry_id.number, 1)
        looking.hget(notes_of(entry_id.partition, self.group), entry_id.number)
        pending, noted = await self._answer(looking.execute())
        told = orjson.loads(noted) if noted else {"failures": [], "settled": []}
        return Entry(
            entry_id,
            read_entry(fields),
            deliveries=pending[0]["times_delivered"] if pending else 1,
            failures=dict(map(tuple, told["failures"])),
            settled=frozenset(told["settled"]),
        )

    async def _make_group(self) -> None:
        if self._is_made:
            return
        making = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            making.xgroup_create(stream_of(partition), self.group, "0", mkstream=True)
        async with _told():
            for answer in await making.execute(raise_on_error=False):
                if isinstance(answer, Exception) and not str(answer).startswith("BUSYGROUP"):
                    raise answer
        self._is_made = True

    async def _answer(self, asking: Awaitable[Any]) -> Any:
        async with _told():
            return await asking


class _GroupLost(Exception):
    """The group is no longer there."""


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Tell an outage as such, and a lost group apart from it."""
    try:
        async with asyncio.timeout(WAIT_SECONDS + _ANSWER_SECONDS_MAX):
            yield
    except ResponseError as error:
        if "NOGROUP" in str(error):
            raise _GroupLost from error
        raise _away(error) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise _away(error) from error


def _away(error: Exception) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"The event bus does not answer: {error or type(error).__name__}. It is tried again; check the Redis URL if it "
        "never does.",
        facts={"dependency": "redis"},
    )


def _partition_of(stream: bytes) -> int:
    return int(stream[stream.index(b"{") + 1 : stream.index(b"}")])
