"""The bus within one process, for tests: the twin of the Redis adapters, held to them by one contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from archwright import ids
from archwright.events.entries import read_entry
from archwright.events.streams import PARTITIONS, partition_of, require_group
from archwright.events.subscription import Entry, EntryId, GivenUp
from services.bus.batches import entries
from services.bus.event import BusEvent
from services.bus.port import PutAway, Standing, Survey
from services.chassis.clock import Clock, SystemClock


@dataclass(slots=True)
class _Pending:
    receiver: str
    since: float
    deliveries: int = 1


@dataclass(slots=True)
class _Group:
    """How far a group has come in one partition."""

    taken: int = 0
    """How many entries were taken, those included that were trimmed."""
    pending: dict[int, _Pending] = field(default_factory=dict)
    notes: dict[int, tuple[Mapping[int, int], frozenset[int]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Partition:
    stream: dict[int, tuple[float, bytes, str]] = field(default_factory=dict)
    """By number: when it came, its events, and the group that it is for."""
    groups: dict[str, _Group] = field(default_factory=dict)
    dead: dict[int, tuple[str, GivenUp]] = field(default_factory=dict)
    is_marked: bool = False


class MemoryBus:
    """All streams."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.partitions = [_Partition() for _ in range(PARTITIONS)]
        self.arrived = asyncio.Event()
        self._number = 0
        self._life = ids.new_uuid()

    @property
    def streams(self) -> Mapping[int, Sequence[bytes]]:
        """What is in each partition that has something, oldest first."""
        return {
            place: [events for _, events, _ in partition.stream.values()]
            for place, partition in enumerate(self.partitions)
            if partition.stream
        }

    def add(self, partition: int, events: bytes, group: str = "") -> None:
        """Add an entry as it is."""
        self._number += 1
        self.partitions[partition].stream[self._number] = (self.clock.monotonic(), events, group)
        self.arrived.set()

    def lose_everything(self) -> None:
        """Forget all, as a Redis does that is flushed."""
        self.partitions = [_Partition() for _ in range(PARTITIONS)]
        self._life = ids.new_uuid()

    def next_number(self) -> int:
        """Count."""
        self._number += 1
        return self._number

    async def publish(self, events: Sequence[BusEvent]) -> None:
        """Keep `events`."""
        for partition, batch in entries(events):
            self.add(partition, batch)

    async def aclose(self) -> None:
        """Keep everything: there is nothing to let go of."""

    async def life(self) -> str:
        """Return what is the same for as long as nothing was lost."""
        return str(self._life)

    async def survey(self, *, keep_seconds: float) -> Survey:
        """Return how far the groups have come."""
        names = sorted({name for partition in self.partitions for name in partition.groups})
        now = self.clock.monotonic()
        trimmable = []
        for partition in self.partitions:
            needed = [number for name in partition.groups for number in self._unsettled(partition, name)]
            young = [number for number, (at, _, _) in partition.stream.items() if at > now - keep_seconds]
            is_whole = len(partition.groups) == len(names)
            trimmable.append(str(min([*needed, *young, self._number + 1])) if is_whole else "")
        is_intact = all(partition.is_marked for partition in self.partitions)
        return Survey([self._standing(name, now) for name in names], is_intact, trimmable)

    def _standing(self, name: str, now: float) -> Standing:
        mine = [partition for partition in self.partitions if name in partition.groups]
        ages = [now - partition.stream[number][0] for partition in mine for number in self._unsettled(partition, name)]
        pending = sum(len(partition.groups[name].pending) for partition in mine)
        return Standing(name, max(ages, default=0.0), pending, len(ages) - pending, len(mine) == PARTITIONS)

    @staticmethod
    def _unsettled(partition: _Partition, name: str) -> list[int]:
        group = partition.groups[name]
        return [number for number in partition.stream if number > group.taken or number in group.pending]

    async def trim(self, survey: Survey) -> None:
        """Drop what nobody needed at the time of the survey."""
        for partition, least in zip(self.partitions, survey.trimmable, strict=True):
            for number in [number for number in partition.stream if least and number < int(least)]:
                del partition.stream[number]

    async def mark(self) -> None:
        """Mark every stream."""
        for partition in self.partitions:
            partition.is_marked = True

    async def restore(self, group: str) -> None:
        """Make a group where it is missing."""
        for partition in self.partitions:
            partition.groups.setdefault(require_group(group), _Group())

    async def forget(self, group: str) -> None:
        """Remove a group."""
        for partition in self.partitions:
            partition.groups.pop(group, None)

    async def put_away(self, limit: int) -> Sequence[PutAway]:
        """Return what groups have given up."""
        return [
            PutAway(place, str(number), group, given_up)
            for place, partition in enumerate(self.partitions)
            for number, (group, given_up) in list(partition.dead.items())[:limit]
        ]

    async def taken(self, letters: Collection[PutAway]) -> None:
        """Drop what somebody has taken."""
        for letter in letters:
            self.partitions[letter.partition].dead.pop(int(letter.number), None)

    async def redeliver(self, group: str, workflow_id: str, envelope: bytes) -> None:
        """Publish one event again, for one group alone."""
        self.add(partition_of(workflow_id), b"[" + envelope + b"]", require_group(group))


class MemorySubscription:
    """One member of a group."""

    def __init__(self, bus: MemoryBus, group: str, *, silent_seconds: float = 30.0) -> None:
        self.group = require_group(group)
        self._bus = bus
        self._name = str(ids.new_uuid())
        self._silent_seconds = silent_seconds

    async def take(self, limit: int) -> Sequence[Entry]:
        """Return entries that nobody has been given yet."""
        await self._bus.restore(self.group)
        found = self._found(limit)
        if not found:
            self._bus.arrived.clear()
            try:
                async with asyncio.timeout(0.05):
                    await self._bus.arrived.wait()
            except TimeoutError:
                return []
        return found

    def _found(self, limit: int) -> Sequence[Entry]:
        found = []
        for place, partition in enumerate(self._bus.partitions):
            group = partition.groups[self.group]
            for number in [number for number in partition.stream if number > group.taken][:limit]:
                group.taken = number
                _, events, only_for = partition.stream[number]
                if only_for in {"", self.group}:
                    group.pending[number] = _Pending(self._name, self._bus.clock.monotonic())
                    found.append(Entry(EntryId(place, str(number)), read_entry({b"events": events})))
        return found

    async def reclaim(self, limit: int) -> Sequence[Entry]:
        """Return entries whose receivers have been silent for too long."""
        await self._bus.restore(self.group)
        now = self._bus.clock.monotonic()
        found = []
        for place, partition in enumerate(self._bus.partitions):
            group = partition.groups[self.group]
            silent = [number for number, held in group.pending.items() if now - held.since >= self._silent_seconds]
            for number in silent[:limit]:
                held = group.pending[number]
                group.pending[number] = _Pending(self._name, now, held.deliveries + 1)
                failures, settled = group.notes.get(number, ({}, frozenset()))
                events = read_entry({b"events": partition.stream[number][1]})
                found.append(Entry(EntryId(place, str(number)), events, held.deliveries + 1, failures, settled))
        return found

    async def keep(self, entries: Collection[EntryId]) -> None:
        """Say that these are still being dealt with."""
        for entry_id in entries:
            group = self._bus.partitions[entry_id.partition].groups.get(self.group)
            if group and (held := group.pending.get(int(entry_id.number))):
                held.receiver, held.since = self._name, self._bus.clock.monotonic()

    async def note(self, entry_id: EntryId, failures: Mapping[int, int], settled: Collection[int]) -> None:
        """Note how far an entry has been dealt with."""
        if group := self._bus.partitions[entry_id.partition].groups.get(self.group):
            group.notes[int(entry_id.number)] = (dict(failures), frozenset(settled))

    async def settle(self, entry_id: EntryId, given_up: Sequence[GivenUp] = ()) -> None:
        """Acknowledge an entry, and put away what was given up of it."""
        partition = self._bus.partitions[entry_id.partition]
        for each in given_up:
            partition.dead[self._bus.next_number()] = (self.group, each)
        if group := partition.groups.get(self.group):
            group.pending.pop(int(entry_id.number), None)
            group.notes.pop(int(entry_id.number), None)

    async def leave(self) -> None:
        """Leave the group: there is nothing that remembers its members."""
