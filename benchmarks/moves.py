"""How soon work and agents leave whoever is frozen: the tasks of a frozen agent, and the agents of a frozen engine.

All with the settings that a user's mesh has. What has moved where is read from the database.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import psutil

from archwright import Client
from archwright.pacing import rest
from benchmarks.measure import agent_processes, processes
from benchmarks.mesh import AGENT_TYPE, Mesh, Shape
from benchmarks.standstill import patience, stopped

AGENTS = 6
SHAPE = Shape(engines=2, agents=AGENTS, slots=20, agent="patient_agent", is_agent_free=True)
_DEFINITION = "patient"
_TASKS = 30
_WORK_SECONDS = 4.0
_LOOK_SECONDS = 0.05

_SOURCE = f"""
name: {_DEFINITION}
steps:
  - {{name: work, agent: {AGENT_TYPE}, input: {{seconds: "${{input.seconds}}"}}}}
"""
_HOLDERS = """
SELECT t.task_id, s.agent_id FROM engine.open_tasks AS t JOIN engine.sessions AS s USING (session_id)
 WHERE t.accepted_at IS NOT NULL AND NOT s.closed
"""
_LEFT = """
SELECT count(*) FROM engine.open_tasks AS t LEFT JOIN engine.sessions AS s USING (session_id)
 WHERE t.task_id = ANY($1::uuid[]) AND (t.accepted_at IS NULL OR s.agent_id = $2)
"""
_HOMES = "SELECT agent_id, replica_id FROM engine.sessions WHERE NOT closed AND expires_at > now()"


async def measure(mesh: Mesh, say: Callable[[str], None]) -> dict[str, Any]:
    """Freeze an agent that holds tasks, then an engine that has agents."""
    connection = await mesh.connect()
    try:
        async with mesh.client() as client:
            await client.definitions.publish(_SOURCE)
            agent = await _frozen_agent(client, connection)
        say(f"the tasks of a frozen agent moved in {agent['freeze_move_seconds']} s")
        engine = await _frozen_engine(mesh, connection)
        say(f"the agents of a frozen engine left it in {engine['engine_freeze_leave_seconds']} s")
    finally:
        await connection.close()
    return {**agent, **engine}


async def _frozen_agent(client: Client, connection: asyncpg.Connection) -> dict[str, Any]:
    """Freeze the agent that holds most, and return the seconds until others have accepted or ended all its tasks."""
    await client.start_many(_DEFINITION, [{"seconds": _WORK_SECONDS}] * _TASKS)
    held: Mapping[UUID, str] = {}
    async with patience("the tasks are accepted"):
        while len(held) < _TASKS:
            held = {row["task_id"]: row["agent_id"] for row in await connection.fetch(_HOLDERS)}
            await rest(_LOOK_SECONDS)
    [(agent_id, _)] = Counter(held.values()).most_common(1)
    async with stopped([agent_processes()[agent_id]]):
        began = time.perf_counter()
        tasks = [task_id for task_id, holder in (await connection.fetch(_HOLDERS)) if holder == agent_id]
        async with patience("other agents have the tasks of the frozen one"):
            while await connection.fetchval(_LEFT, tasks, agent_id):
                await rest(_LOOK_SECONDS)
        took = time.perf_counter() - began
    return {"freeze_move_seconds": round(took, 2), "freeze_move_tasks": len(tasks)}


async def _frozen_engine(mesh: Mesh, connection: asyncpg.Connection) -> dict[str, Any]:
    """Freeze the engine that has most agents, and return the seconds until another has sessions of all of them."""
    engines = {urlsplit(address).port: processes()[f"engine {n}"][0] for n, address in enumerate(mesh.engines, 1)}
    homes: Mapping[str, UUID] = {}
    async with patience("every agent has a session"):
        while len(homes) < AGENTS:
            homes = await _homes(connection)
            await rest(_LOOK_SECONDS)
    guests = {port: _connected_to(port) for port in engines}
    port = max(engines, key=lambda port: len(guests[port]))
    async with stopped([engines[port]]):
        began = time.perf_counter()
        async with patience("the agents have left the frozen engine"):
            while not await _have_moved(connection, guests[port], homes):
                await rest(_LOOK_SECONDS)
        took = time.perf_counter() - began
    return {"engine_freeze_leave_seconds": round(took, 2), "engine_freeze_leave_agents": len(guests[port])}


def _connected_to(port: int | None) -> Collection[str]:
    """Return the agents that have a connection to this port."""
    return [
        agent_id
        for agent_id, process in agent_processes().items()
        if any(
            connection.raddr and connection.raddr.port == port and connection.status == psutil.CONN_ESTABLISHED
            for connection in process.net_connections()
        )
    ]


async def _homes(connection: asyncpg.Connection) -> Mapping[str, UUID]:
    """Return which engine each agent has a session with."""
    return {row["agent_id"]: row["replica_id"] for row in await connection.fetch(_HOMES)}


async def _have_moved(connection: asyncpg.Connection, agents: Collection[str], homes: Mapping[str, UUID]) -> bool:
    now = await _homes(connection)
    return all(agent in now and now[agent] != homes[agent] for agent in agents)
