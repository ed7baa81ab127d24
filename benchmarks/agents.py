"""What agents cost an engine, how they come back, and what becomes of tasks when one side freezes.

Everything is told by the database and by the public API, never by the log of the process that is measured.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import asyncpg

from archwright import Client
from archwright.pacing import rest
from benchmarks import idle
from benchmarks.children import child
from benchmarks.measure import Costs, memory_bytes, processes
from benchmarks.mesh import Mesh

CROWD = "crowd"
PROCESSES = 4
"""Over so many processes a crowd is spread, so that none of them is what is slow."""
AGENTS_OF_TWO = 100
"""How many agents two engines share when one of them freezes."""
ZOMBIES = 10
SHORT_LEASE_SECONDS = 2.0
LONG_SECONDS = 3_600.0
_LOOK_SECONDS = 0.02
_SETTLE_SECONDS = 5.0
_IDLE_SECONDS = 20.0
_PATIENCE_SECONDS = 180.0

Say = Callable[[str], None]


async def streams(mesh: Mesh, *, count: int) -> dict[str, Any]:
    """Measure what streams cost: those that share connections, as gateways bring them, and then each with its own.

    The latter are agents of the SDK, which then lose their engine: it is killed, and comes back where it was.
    """
    connection = await mesh.connect()
    try:
        await _warm_up(mesh)
        shared = await _cost(count, lambda: idle.streams(mesh, count, "idle"))
        async with AsyncExitStack() as stack:
            own = await _cost(count, lambda: _crowd(mesh, connection, count, mesh.engines[:1]), stack)
            reconnected = await _reconnect(connection, count)
    finally:
        await connection.close()
    return {
        "streams": count,
        "bytes_per_stream": shared["bytes"],
        "idle_cpu_percent": shared["cpu_percent"],
        "bytes_per_stream_own_tls": own["bytes"],
        "idle_cpu_percent_own_tls": own["cpu_percent"],
        "reconnect_all_seconds": reconnected,
    }


async def freezes(mesh: Mesh, *, tasks: int, agents: int) -> dict[str, Any]:
    """Measure how soon the tasks of a frozen agent are others', and how soon agents leave a frozen engine."""
    connection = await mesh.connect()
    try:
        async with mesh.client() as client:
            moved = await _freeze_an_agent(mesh, client, connection, tasks)
        left = await _freeze_an_engine(mesh, connection, agents)
    finally:
        await connection.close()
    return {"freeze_move_seconds": moved, "engine_freeze_leave_seconds": left}


async def stale_results(mesh: Mesh, *, count: int, say: Say) -> dict[str, Any]:
    """Freeze agents `count` times beyond their lease; each says its results when it wakes. Count who was believed.

    A result was stale where the history has the same attempt fail before; it was accepted where it is there too.
    """
    said: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(mesh.client())
        await client.definitions.publish(f"name: undead\nsteps: [{{name: a, agent: zombie, {_PATIENT}}}]\n")
        group = await stack.enter_async_context(asyncio.TaskGroup())
        engines, seconds = mesh.engines[0], str(SHORT_LEASE_SECONDS / 4)
        undead = [
            await stack.enter_async_context(
                child(mesh, "zombie", engines, {"NAME": f"zombie-{number}", "SECONDS": seconds})
            )
            for number in range(ZOMBIES)
        ]
        counting = [group.create_task(_count_words(each, said)) for each in undead]
        frozen, started = 0, list[str]()
        while frozen < count:
            outcomes = await client.start_many("undead", [{}] * (2 * ZOMBIES))
            started += [outcome.workflow_id for outcome in outcomes]
            await rest(SHORT_LEASE_SECONDS / 8)
            at_once = undead[: min(ZOMBIES - 1, count - frozen)]  # one stays, to whom tasks can go
            for each in at_once:
                each.send_signal(signal.SIGSTOP)
            await rest(2 * SHORT_LEASE_SECONDS)
            for each in at_once:
                each.send_signal(signal.SIGCONT)
            frozen += len(at_once)
            if frozen % 50 < len(at_once):
                say(f"{frozen} of {count} freezes")
        async with asyncio.timeout(_PATIENCE_SECONDS):
            ended = [await client.wait(each) for each in started]
        accepted = sum([await _believed_too_late(client, workflow_id) for workflow_id in started])
        for task in counting:
            task.cancel()
    return {
        "freezes": frozen,
        "tasks_under_freezes": len(ended),
        "stale_results_sent": said["STALE"],
        "stale_results_accepted": accepted,
    }


_PATIENT = "retry_policy: {max_attempts: 100, base_delay_seconds: 0.1, max_delay_seconds: 0.5}"


async def _cost(count: int, hold: Callable[[], Any], stack: AsyncExitStack | None = None) -> dict[str, Any]:
    """Return what so many streams cost the engine: bytes for each, and the CPU for all while they are idle."""
    async with AsyncExitStack() as own:
        before = memory_bytes("engine")
        await (stack or own).enter_async_context(hold())
        await rest(_SETTLE_SECONDS)
        bytes_each = round((memory_bytes("engine") - before) / count)
        costs, began = Costs(), time.monotonic()
        await rest(_IDLE_SECONDS)
        used = costs.cpu_seconds()["engine 1"] / (time.monotonic() - began)
    return {"bytes": bytes_each, "cpu_percent": round(100 * used, 1)}


async def _warm_up(mesh: Mesh) -> None:
    """Let the engine import and allocate what the first stream takes."""
    async with idle.streams(mesh, 20, "warm"):
        await rest(_SETTLE_SECONDS)


def _crowd(mesh: Mesh, connection: asyncpg.Connection, count: int, engines: Sequence[str]) -> Any:
    return _Crowd(mesh, connection, count, engines)


class _Crowd:
    """So many agents of the SDK, all connected once the block begins."""

    def __init__(self, mesh: Mesh, connection: asyncpg.Connection, count: int, engines: Sequence[str]) -> None:
        self._mesh = mesh
        self._connection = connection
        self._count = count
        self._engines = engines
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> None:
        spread = [len(range(number, self._count, PROCESSES)) for number in range(PROCESSES)]
        for number, share in enumerate(spread):
            told = {"NAME": f"crowd-{number}", "AGENTS": str(share), "AGENT_TYPE": CROWD, "SLOTS": "1"}
            await self._stack.enter_async_context(child(self._mesh, "crowd", ",".join(self._engines), told))
        await _until(lambda: _sessions(self._connection), lambda found: sum(found.values()) >= self._count)

    async def __aexit__(self, *failed: object) -> None:
        await self._stack.aclose()


async def _reconnect(connection: asyncpg.Connection, count: int) -> float:
    """Kill the engine, which is started again, and return how long it takes until all agents are back."""
    before = await _sessions(connection)
    began = time.monotonic()
    [engine] = processes()["engine 1"]
    engine.kill()
    await _until(
        lambda: _sessions(connection),
        lambda found: sum(n for replica, n in found.items() if replica not in before) >= count,
    )
    return round(time.monotonic() - began, 2)


async def _freeze_an_agent(mesh: Mesh, client: Client, connection: asyncpg.Connection, tasks: int) -> float:
    """Return how long it takes from when an agent freezes until all of its tasks are another's."""
    await client.definitions.publish(
        f"name: long\nsteps: [{{name: a, agent: mover, input: {{seconds: {LONG_SECONDS}}}, {_PATIENT}}}]\n"
    )
    told = {"AGENTS": "1", "AGENT_TYPE": "mover", "SLOTS": str(tasks)}
    async with child(mesh, "crowd", mesh.engines[0], {**told, "NAME": "first"}) as frozen:
        await client.start_many("long", [{}] * tasks)
        await _until(lambda: _held(connection), lambda found: found["first-0"] >= tasks)
        async with child(mesh, "crowd", mesh.engines[0], {**told, "NAME": "second"}):
            await _until(lambda: _sessions(connection, "mover"), lambda found: sum(found.values()) >= 2)
            frozen.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            await _until(lambda: _held(connection), lambda found: found["second-0"] >= tasks)
            took = time.monotonic() - began
    async for workflow in client.list(definition="long"):
        await client.cancel(workflow.workflow_id)
    return round(took, 2)


async def _freeze_an_engine(mesh: Mesh, connection: asyncpg.Connection, agents: int) -> float:
    """Return how long it takes from when an engine freezes until all of its agents are at the other one."""
    async with _Crowd(mesh, connection, agents, mesh.engines):
        replicas = await _sessions(connection)
        [frozen] = processes()["engine 1"]
        frozen.suspend()
        began = time.monotonic()
        try:
            # Whose engine it was nobody can ask it; all agents are at one engine when the other's have left it.
            await _until(
                lambda: _sessions(connection),
                lambda found: max(found.values(), default=0) >= agents and len(replicas) > 1,
            )
        finally:
            frozen.resume()
    return round(time.monotonic() - began, 2)


async def _sessions(connection: asyncpg.Connection, agent_type: str = CROWD) -> Mapping[str, int]:
    """Return how many agents are connected to which engine."""
    rows = await connection.fetch(
        "SELECT replica_id, count(DISTINCT agent_id) AS agents FROM engine.sessions"
        " WHERE agent_type = $1 AND NOT closed GROUP BY replica_id",
        agent_type,
    )
    return {str(row["replica_id"]): row["agents"] for row in rows}


async def _held(connection: asyncpg.Connection) -> Counter[str]:
    """Return how many tasks each agent has accepted, or was given."""
    rows = await connection.fetch(
        "SELECT s.agent_id, count(*) AS tasks FROM engine.open_tasks AS t JOIN engine.sessions AS s USING (session_id)"
        " WHERE NOT s.closed GROUP BY s.agent_id"
    )
    return Counter({row["agent_id"]: row["tasks"] for row in rows})


async def _until(ask: Callable[[], Awaitable[Any]], is_so: Callable[[Any], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not is_so(await ask()):
            await rest(_LOOK_SECONDS)


async def _count_words(process: asyncio.subprocess.Process, said: Counter[str]) -> None:
    assert process.stdout is not None
    while word := await process.stdout.readline():
        said[word.decode().strip()] += 1


async def _believed_too_late(client: Client, workflow_id: str) -> int:
    """Return how many results of a workflow count though their attempt had ended before."""
    over: dict[str, int] = {}
    believed = 0
    async for event in client.history(workflow_id):
        if event.event_type in ("task_failed", "task_completed"):
            attempt = int(cast("float", event.payload["attempt"]))
            if event.event_type == "task_failed":
                over[event.task_id] = attempt
            else:
                believed += attempt <= over.get(event.task_id, 0)
    return believed
