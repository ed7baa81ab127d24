"""What the gateway says while a service is away or too slow, and that it notices when it is back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest

from archwright import errors
from archwright.serving.status import from_rpc_error

AGENTS = "/api/v1/agents"
LIST_AGENTS = "/archwright.registry.v1.AgentRegistryService/ListAgents"


async def test_a_service_may_be_away_and_come_back(
    start_gateway: Any, make_config: Any, make_registry: Callable[[int], Any], unused_tcp_port_factory: Any
) -> None:
    engine_port, registry_port = unused_tcp_port_factory(), unused_tcp_port_factory()
    async with start_gateway(make_config(engine_port, registry_port), None) as gateway:
        answer = await gateway.call("GET", AGENTS)
        assert (answer.status, answer.reason) == (503, "DEPENDENCY_UNAVAILABLE")
        assert answer.json()["code"] == 14

        async with gateway.channel() as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary(LIST_AGENTS)(b"", metadata=gateway.metadata("viewer"))
        error = from_rpc_error(refused.value)
        assert isinstance(error, errors.DependencyUnavailable)
        assert error.retry_after_seconds == 1

        registry = make_registry(registry_port)
        await registry.start()
        await registry.set_ready(True)
        try:
            async with asyncio.timeout(20):
                while (await gateway.call("GET", AGENTS)).status == 503:
                    await asyncio.to_thread(time.sleep, 0.1)
            assert (await gateway.call("GET", AGENTS)).status == 200
        finally:
            await registry.stop(0)


async def test_a_call_that_takes_too_long_is_given_up(
    gateway: Any, start_gateway: Any, unused_tcp_port_factory: Callable[[], int]
) -> None:
    impatient = replace(
        gateway.config,
        listen=f"127.0.0.1:{unused_tcp_port_factory()}",
        admin=f"127.0.0.1:{unused_tcp_port_factory()}",
        call_seconds_max=1,
    )
    gateway.workflows.lists_tasks.clear()
    try:
        async with start_gateway(impatient, gateway.workflows) as hasty:
            answer = await hasty.call("GET", "/api/v1/workflows/wf_1/tasks")
    finally:
        gateway.workflows.lists_tasks.set()

    assert (answer.status, answer.reason) == (504, "DEADLINE_PASSED")
    assert answer.json()["code"] == 4
