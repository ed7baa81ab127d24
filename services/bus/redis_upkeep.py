"""The upkeep of the bus on Redis Streams: surveys, safe trimming, lost groups, and what was given up.

Redis tells nobody that it has lost something. Two facts do: the id of its process, which is new when it comes back,
perhaps without its last seconds; and a mark of ours, which is gone when it was emptied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from archwright import ids
from archwright.errors import DependencyUnavailable
from archwright.events.streams import (
    CONTENT_TYPE,
    PARTITIONS,
    dead_stream_of,
    notes_of,
    partition_of,
    require_group,
    stream_of,
)
from archwright.events.subscription import GivenUp
from services.bus.port import PutAway, Standing, Survey

LIFE = "archwright:bus:life"
MARK = "archwright:kept"
"""A group that nobody reads as: no name of a group may have a colon."""
_ANSWER_SECONDS_MAX = 2.0
_GROUPS_MAX = 100


class RedisUpkeep:
    """The upkeep of the bus in one Redis."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def life(self) -> str:
        """Return what is the same for as long as the bus has lost nothing."""
        mine = ids.show("life", ids.new_uuid())
        kept = await self._answer(self._client.set(LIFE, mine, nx=True, get=True))
        server = await self._answer(self._client.info("server"))
        return f"{server['run_id']}/{kept.decode() if kept else mine}"

    async def survey(self, *, keep_seconds: float) -> Survey:
        """Return how far the groups have come."""
        seconds, micros = await self._answer(self._client.time())
        now_ms = seconds * 1000 + micros // 1000
        groups = await self._groups()
        for found in groups:
            found.pop(MARK, None)
        names = sorted({name for found in groups for name in found})[:_GROUPS_MAX]
        oldest = await self._oldest_unsettled(groups)
        floor = now_ms - int(keep_seconds * 1000)
        standings = []
        for name in names:
            mine = [found[name] for found in groups if name in found]
            unsettled = [_ms(number) for (_, group), number in oldest.items() if group == name]
            standings.append(
                Standing(
                    group=name,
                    behind_seconds=max(0.0, (now_ms - min(unsettled)) / 1000) if unsettled else 0.0,
                    pending=sum(group["pending"] for group in mine),
                    waiting=sum(group["lag"] or 0 for group in mine),
                    is_whole=len(mine) == PARTITIONS,
                )
            )
        trimmable = []
        for partition, found in enumerate(groups):
            needed = [number for (place, _), number in oldest.items() if place == partition]
            is_whole = len(found) == len(names)
            trimmable.append(min([*needed, f"{floor}-0"], key=_order) if is_whole else "")
        # Asked last: what was lost while we looked would look as if all of it was settled.
        is_intact = all(MARK in found for found in await self._groups())
        return Survey(standings, is_intact, trimmable)

    async def trim(self, survey: Survey) -> None:
        """Drop what nobody needed at the time of the survey."""
        trimming = self._client.pipeline(transaction=False)
        for partition, number in enumerate(survey.trimmable):
            if number:
                trimming.xtrim(stream_of(partition), minid=number, approximate=True)
        await self._answer(trimming.execute())

    async def mark(self) -> None:
        """Mark every stream, so that one that is lost is missed even if somebody makes it anew."""
        await self._make(MARK)

    async def restore(self, group: str) -> None:
        """Make a group where it is missing, to begin with the oldest entry there is."""
        await self._make(require_group(group))

    async def _make(self, group: str) -> None:
        making = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            making.xgroup_create(stream_of(partition), group, "0", mkstream=True)
        for answer in await self._answer(making.execute(raise_on_error=False)):
            if isinstance(answer, Exception) and not str(answer).startswith("BUSYGROUP"):
                raise _away(answer)

    async def forget(self, group: str) -> None:
        """Remove a group and what it has noted."""
        removing = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            removing.delete(notes_of(partition, group))
            removing.xgroup_destroy(stream_of(partition), group)
        await self._answer(removing.execute(raise_on_error=False))

    async def put_away(self, limit: int) -> Sequence[PutAway]:
        """Return what groups have given up, the oldest of each partition first."""
        looking = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            looking.xrange(dead_stream_of(partition), count=limit)
        found = await self._answer(looking.execute())
        return [
            PutAway(
                partition,
                number.decode(),
                _text(fields, b"group"),
                GivenUp(
                    event_id=_text(fields, b"event_id"),
                    envelope=fields.get(b"envelope", b""),
                    error=_text(fields, b"error"),
                    retry_count=int(fields.get(b"retry_count", b"0")),
                ),
            )
            for partition, letters in enumerate(found)
            for number, fields in letters
        ]

    async def taken(self, letters: Collection[PutAway]) -> None:
        """Drop what somebody has taken."""
        dropping = self._client.pipeline(transaction=False)
        for letter in letters:
            dropping.xdel(dead_stream_of(letter.partition), letter.number)
        await self._answer(dropping.execute())

    async def redeliver(self, group: str, workflow_id: str, envelope: bytes) -> None:
        """Publish one event again, for one group alone."""
        await self._answer(
            self._client.xadd(
                stream_of(partition_of(workflow_id)),
                {"content_type": CONTENT_TYPE, "events": b"[" + envelope + b"]", "group": require_group(group)},
            )
        )

    async def _groups(self) -> list[dict[str, Any]]:
        """Return for each partition its groups by name."""
        asking = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            asking.xinfo_groups(stream_of(partition))
        answers = await self._answer(asking.execute(raise_on_error=False))
        return [
            # A stream that nobody has written to is not there, and neither are its groups.
            {} if isinstance(answer, ResponseError) else {group["name"].decode(): group for group in answer}
            for answer in answers
        ]

    async def _oldest_unsettled(self, groups: Sequence[dict[str, Any]]) -> dict[tuple[int, str], str]:
        """Return by partition and group the number of the oldest entry that the group has not settled."""
        asked = [(partition, name, group) for partition, found in enumerate(groups) for name, group in found.items()]
        asking = self._client.pipeline(transaction=False)
        for partition, name, group in asked:
            # First what was not taken by then: what is taken in between is found twice, not missed twice.
            asking.xrange(stream_of(partition), min=f"({group['last-delivered-id'].decode()}", count=1)
            asking.xpending(stream_of(partition), name)
        answers = iter(await self._answer(asking.execute()) if asked else [])
        oldest: dict[tuple[int, str], str] = {}
        for partition, name, _ in asked:
            untaken, pending = next(answers), next(answers)
            number = pending["min"] or (untaken[0][0] if untaken else None)
            if number is not None:
                oldest[partition, name] = number.decode()
        return oldest

    async def _answer(self, asking: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                return await asking
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error


def _away(error: Exception) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"The event bus is not looked after: {error or type(error).__name__}. Work goes on; this is tried again.",
        facts={"dependency": "redis"},
    )


def _ms(number: str) -> int:
    return int(number.partition("-")[0])


def _order(number: str) -> tuple[int, int]:
    ms, _, count = number.partition("-")
    return int(ms), int(count or 0)


def _text(fields: Any, name: bytes) -> str:
    return bytes(fields.get(name, b"")).decode(errors="replace")
