"""Agents that are only entries at the registry: as many as are asked for, each with a token of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from archwright import stubs
from archwright.registry.v1 import agent_registry_pb2 as pb
from benchmarks.mesh import Mesh

IDLE_TYPE = "idle"
_AT_ONCE = 8


async def enrol(mesh: Mesh, count: int) -> Mapping[str, str]:
    """Register so many agents of a type that no task asks for, and return their tokens by their ids."""
    registry = mesh.registry_connection()
    waiting = iter([f"{IDLE_TYPE}-{number}" for number in range(1, count + 1)])
    tokens: dict[str, str] = {}

    async def register() -> None:
        for agent_id in waiting:
            request = pb.RegisterAgentRequest(agent_id=agent_id, agent_type=IDLE_TYPE, max_concurrent_tasks=1)
            registered = await registry.unary(stubs.agent_registry(registry.channel).RegisterAgent, request)
            tokens[agent_id] = registered.token

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(register())
    finally:
        await registry.aclose()
    return tokens
