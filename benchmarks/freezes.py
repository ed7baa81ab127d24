"""Agents that are frozen beyond their lease and then write all the same: whether any such result counts.

Several stubborn agents hold tasks; some are stopped, and each wakes once the database says that all it held has got
as far as was drawn for it: the lease is lost, or another agent works on the task, or the task has ended. Then its old
results arrive. Whether a lease was lost is read from the rows before the agent can write again, so it cannot depend
on what the engine answers.
"""

from __future__ import annotations

import random
import signal
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import asyncpg
import psutil

from archwright import Client, ids
from archwright.pacing import rest
from benchmarks.ledger import Delivery, Happened, Ledger, Way
from benchmarks.stale import Applied, Verdict, judge
from benchmarks.standstill import patience, stopped
from services.engine.domain.events import TaskCompleted
from services.engine.storage.codec import load_events

DEFINITION = "frozen"
AGENT_TYPE = "worker"
LEASE_SECONDS = 1.0
SETTINGS: Mapping[str, str] = {
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "RENEW_SECONDS": "0.1",
    # Agents are lost on purpose here, and a breaker would stop the work.
    "BREAKER_FAILURE_THRESHOLD": "1000000",
}
"""Of the engine: leases so short that a freeze beyond one takes a second."""

_WORK_SECONDS = 1.0
"""Long enough to be frozen at, and no longer than a lease, so that most who wake have their results ready."""
_TASKS_EACH = 2
_FROZEN_SHARE = 0.6
_LOOK_SECONDS = 0.03

_SOURCE = f"""
name: {DEFINITION}
steps:
  - name: work
    agent: {AGENT_TYPE}
    retry_policy: {{max_attempts: 100, base_delay_seconds: 0.1, max_delay_seconds: 0.2}}
    input: {{seconds: "${{input.seconds}}"}}
"""

_HELD = """
SELECT t.task_id, t.attempt, t.lease_id, s.agent_id
  FROM engine.open_tasks AS t JOIN engine.sessions AS s USING (session_id)
 WHERE t.accepted_at IS NOT NULL AND NOT s.closed AND s.agent_id = ANY($1)
"""
_LEASES = "SELECT task_id, lease_id, accepted_at FROM engine.open_tasks WHERE task_id = ANY($1::uuid[])"
_OPEN = "SELECT count(*) FROM engine.workflows WHERE workflow_id = ANY($1::uuid[]) AND ended_at IS NULL"
_HISTORY = "SELECT body FROM engine.history WHERE workflow_id = ANY($1::uuid[]) ORDER BY workflow_id, first_seq"


class Progress(IntEnum):
    """How far a task has moved on from a delivery; it never goes back."""

    HELD = 0
    LOST = 1
    MOVED = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class Frozen:
    """What the freezes came to. `woken_when` is how often an agent woke when its tasks had moved on so far."""

    freezes: int
    woken_when: Mapping[str, int]
    superseded: Collection[Delivery]
    workflow_ids: Sequence[str]
    verdict: Verdict


@dataclass(slots=True)
class Freezing:
    """Freezes agents of one mesh. `agents` are the processes by agent id: stubborn ones, and nobody else's."""

    client: Client
    connection: asyncpg.Connection
    agents: Mapping[str, psutil.Process]
    ledger: Ledger
    chance: random.Random
    _superseded: set[Delivery] = field(default_factory=set)
    _workflow_ids: list[str] = field(default_factory=list)
    _woken_when: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def freeze(self, times: int, say: Callable[[str], None] = lambda _: None) -> Frozen:
        """Freeze agents so many times in all, several at once, and judge what became of their late results."""
        await self.client.definitions.publish(_SOURCE)
        done = 0
        while done < times:
            done += await self._round(times - done)
            say(f"{done} of {times} freezes")
        verdict = judge(self.ledger.lines(), self._superseded, await self._applied())
        return Frozen(done, dict(self._woken_when), self._superseded, self._workflow_ids, verdict)

    async def _round(self, most: int) -> int:
        """Freeze some of the agents while they hold tasks, wake each in its time, and wait until all is over."""
        inputs = [{"seconds": _WORK_SECONDS}] * (_TASKS_EACH * len(self.agents))
        outcomes = await self.client.start_many(DEFINITION, inputs)
        begun = [outcome.workflow_id for outcome in outcomes]
        self._workflow_ids += begun
        count = min(most, max(1, int(len(self.agents) * _FROZEN_SHARE)))
        frozen = await self._holders(count)
        async with stopped([self.agents[agent_id] for agent_id in frozen]):
            held = await self._surely_held(frozen)
            await self._wake_each_in_time(held)
        await self._until_answered({delivery for deliveries in held.values() for delivery in deliveries})
        await self._until_ended(begun)
        return len(held)

    async def _holders(self, count: int) -> Sequence[str]:
        """Return so many agents that hold tasks, once there are enough."""
        async with patience(f"{count} agents hold tasks"):
            while True:
                holders = sorted({agent_id for agent_id, _ in await self._held(self.agents)})
                if len(holders) >= count:
                    return self.chance.sample(holders, count)
                await rest(_LOOK_SECONDS)

    async def _surely_held(self, agent_ids: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
        """Return what each of these agents, which are stopped, holds and has sent no result of."""
        sent = {line.delivery for line in self.ledger.lines() if line.happened is Happened.SENT}
        found: defaultdict[str, list[Delivery]] = defaultdict(list)
        for agent_id, delivery in await self._held(agent_ids):
            if delivery not in sent:
                found[agent_id].append(delivery)
        return found

    async def _wake_each_in_time(self, held: Mapping[str, Sequence[Delivery]]) -> None:
        """Wake each agent once all that it holds has moved on as far as is drawn for it here."""
        asleep = {agent_id: self.chance.choice([Progress.LOST, Progress.MOVED, Progress.ENDED]) for agent_id in held}
        async with patience("all that the frozen agents held has moved on"):
            while asleep:
                progress = await self._progress([delivery for deliveries in held.values() for delivery in deliveries])
                for agent_id, wanted in list(asleep.items()):
                    if min(progress[delivery] for delivery in held[agent_id]) >= wanted:
                        del asleep[agent_id]
                        self._superseded.update(held[agent_id])
                        self._woken_when[wanted.name.lower()] += 1
                        self.agents[agent_id].send_signal(signal.SIGCONT)
                await rest(_LOOK_SECONDS)

    async def _held(self, agent_ids: Iterable[str]) -> Sequence[tuple[str, Delivery]]:
        rows = await self.connection.fetch(_HELD, list(agent_ids))
        return [
            (agent_id, Delivery(ids.show("task", task_id), attempt, ids.show("lease", lease_id)))
            for task_id, attempt, lease_id, agent_id in rows
        ]

    async def _progress(self, deliveries: Sequence[Delivery]) -> Mapping[Delivery, Progress]:
        names = [ids.read("task", delivery.task_id) for delivery in deliveries]
        rows = {ids.show("task", row["task_id"]): row for row in await self.connection.fetch(_LEASES, names)}
        return {delivery: _progress_of(delivery, rows.get(delivery.task_id)) for delivery in deliveries}

    async def _until_answered(self, deliveries: Collection[Delivery]) -> None:
        """Wait until the engine has answered the late result of each of these, both ways."""
        wanted = {(delivery, way) for delivery in deliveries for way in Way}
        async with patience("every late result is answered"):
            while not wanted <= {
                (line.delivery, line.way) for line in self.ledger.lines() if line.happened is Happened.ANSWERED
            }:
                await rest(_LOOK_SECONDS)

    async def _until_ended(self, workflow_ids: Sequence[str]) -> None:
        names = [ids.read("wf", workflow_id) for workflow_id in workflow_ids]
        async with patience("all workflows have ended"):
            while await self.connection.fetchval(_OPEN, names):
                await rest(_LOOK_SECONDS)

    async def _applied(self) -> Sequence[Applied]:
        """Return every result that history holds."""
        names = [ids.read("wf", workflow_id) for workflow_id in self._workflow_ids]
        return [
            Applied(event.task_id, event.attempt, Delivery(**event.output))
            for (body,) in await self.connection.fetch(_HISTORY, names)
            for event in load_events(body)
            if isinstance(event, TaskCompleted)
        ]


def _progress_of(delivery: Delivery, row: asyncpg.Record | None) -> Progress:
    if row is None:
        return Progress.ENDED
    if row["lease_id"] is not None and ids.show("lease", row["lease_id"]) == delivery.lease_id:
        return Progress.HELD
    return Progress.LOST if row["accepted_at"] is None else Progress.MOVED
