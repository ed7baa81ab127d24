"""The work that is measured: workflows of no-op steps, started through the public API and kept going, so many at once.

That workflows have ended is read from the database, of those that are under way: some lookups by key a few times a
second, which cost the engine nothing and cannot lie. So the clock stops when the last end is durable and seen.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from archwright import Client, ids
from archwright.errors import InternalFault, LimitReached
from archwright.pacing import rest
from benchmarks.mesh import AGENT_TYPE, TENANT

STEPS = 8
_BATCH = 100
"""How many workflows one call starts; never more than a tenth of those at once."""
_LOOK_SECONDS = 0.05
_LAST_LOOKS_SECONDS = 0.005
_COMMITS_SECONDS = 10.0
_PROBE_SECONDS = 0.02
_PROBED_SHARE = 20
_PATIENCE_SECONDS = 600.0


def chain(name: str, steps: int = STEPS) -> str:
    """Return a definition of so many no-op steps in a row."""
    lines = [f"  - {{name: s{number}, agent: {AGENT_TYPE}, input: {{n: '${{input.n}}'}}}}" for number in range(steps)]
    return "\n".join([f"name: {name}", "timeout_seconds: 7200", "steps:", *lines, "output: {}"]) + "\n"


class Refused(InternalFault):
    """The engine would not start what it should: there is nothing to measure."""


@dataclass(slots=True)
class Ran:
    """How a load went."""

    workflows: int
    seconds: float = 0.0
    calls_seconds: list[float] = field(default_factory=list)
    """Of each call that started a batch."""
    starts_seconds: list[float] = field(default_factory=list)
    """Of each start that was a call of its own, made while the others were under way."""
    refused: int = 0
    """Starts that the engine refused because too much waited; each was tried again."""
    batches: dict[UUID, int] = field(default_factory=dict)
    """Every commit, and how many workflows it moved on."""

    @property
    def tasks_per_second(self) -> int:
        """Steps that ended, by seconds."""
        return round(self.workflows * STEPS / self.seconds)

    @property
    def commits_per_second(self) -> float:
        """Transactions that moved workflows on, by seconds."""
        return round(len(self.batches) / self.seconds, 1)

    @property
    def mean_batch(self) -> float:
        """How many workflows a commit moved on."""
        return round(sum(self.batches.values()) / max(1, len(self.batches)), 1)


class Load:
    """Workflows of one definition, kept going by clients in turn; `schema` is where the database has them."""

    def __init__(
        self, clients: Sequence[Client], connection: asyncpg.Connection, definition: str, schema: str = "engine"
    ) -> None:
        self._clients = itertools.cycle(clients)
        self._connection = connection
        self._definition = definition
        self._schema = schema
        self._numbers = itertools.count()
        self._open: set[UUID] = set()
        self._wanted = 0
        self._starting = 0

    async def run(self, total: int, concurrent: int) -> Ran:
        """Run `total` workflows, `concurrent` at once, and return once all have ended."""
        ran = Ran(total)
        self._wanted = total
        since = await self._connection.fetchval("SELECT now()")
        began = counted = time.perf_counter()
        async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(self._probe(ran, concurrent))
            while self._wanted or self._starting or self._open:
                for count in self._batches(concurrent):
                    group.create_task(self._start(count, ran))
                is_near_end = not self._wanted and len(self._open) < concurrent // 10
                await rest(_LAST_LOOKS_SECONDS if is_near_end else _LOOK_SECONDS)
                self._open -= await self._ended()
                if time.perf_counter() - counted > _COMMITS_SECONDS:
                    # Not only at the end: the engine forgets old commits.
                    counted = time.perf_counter()
                    ran.batches |= await self._commits(since)
        ran.seconds = time.perf_counter() - began
        ran.batches |= await self._commits(since)
        return ran

    def _batches(self, concurrent: int) -> Iterator[int]:
        """Yield how many to start in each call now; a little room is left to the starts that are probes."""
        room = concurrent - concurrent // _PROBED_SHARE - len(self._open) - self._starting
        batch = min(_BATCH, max(1, concurrent // 10))
        while self._wanted and room >= min(max(1, batch // 2), self._wanted):
            count = min(batch, room, self._wanted)
            room -= count
            self._wanted -= count
            self._starting += count
            yield count

    async def _start(self, count: int, ran: Ran) -> None:
        inputs = [{"n": number} for number in itertools.islice(self._numbers, count)]
        began = time.perf_counter()
        outcomes = await next(self._clients).start_many(self._definition, inputs)
        ran.calls_seconds.append(time.perf_counter() - began)
        started = [ids.read("wf", outcome.workflow_id) for outcome in outcomes if outcome.workflow_id]
        self._open.update(started)
        self._starting -= count
        self._wanted += count - len(started)
        ran.refused += count - len(started)
        for outcome in outcomes:
            if outcome.reason not in ("", LimitReached.reason):
                raise Refused(f"The engine refused a start: {outcome.reason}: {outcome.message}")

    async def _probe(self, ran: Ran, concurrent: int) -> None:
        """Start some of the workflows one by one, as callers do who know nothing of each other."""
        while self._wanted:
            if len(self._open) + self._starting < concurrent:
                self._wanted -= 1
                self._starting += 1
                began = time.perf_counter()
                try:
                    started = await next(self._clients).start(self._definition, {"n": next(self._numbers)})
                except LimitReached:
                    ran.refused += 1
                    self._wanted += 1
                else:
                    ran.starts_seconds.append(time.perf_counter() - began)
                    self._open.add(ids.read("wf", started.workflow_id))
                self._starting -= 1
            await rest(_PROBE_SECONDS)

    async def _ended(self) -> set[UUID]:
        query = (
            f"SELECT workflow_id FROM {self._schema}.workflows "
            "WHERE tenant_id = $1 AND workflow_id = ANY($2::uuid[]) AND ended_at IS NOT NULL"
        )
        return {row[0] for row in await self._connection.fetch(query, TENANT, list(self._open))}

    async def _commits(self, since: Any) -> dict[UUID, int]:
        query = f"SELECT batch_id, cardinality(workflow_ids) FROM {self._schema}.commits WHERE committed_at >= $1"
        return {batch_id: size for batch_id, size in await self._connection.fetch(query, since) if size}
