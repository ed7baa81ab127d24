"""An agent without a stream: it pulls, and says every result twice."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from archwright import stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from tests.chaos.raw_agent import PAUSE_SECONDS, RawAgent, pause, say_ready

CALL_SECONDS_MAX = 3.0
WAIT_SECONDS = 1
TIMES_MAX = 20


async def work(agent: RawAgent, token: str) -> None:
    """Pull for ever."""
    while True:
        try:
            async with open_channel(agent.engine) as channel:
                while True:
                    await _pull(agent, stubs.agent_work(channel), bearer(token))
        except grpc.aio.AioRpcError:
            await pause(PAUSE_SECONDS)


async def _pull(agent: RawAgent, engine: Any, metadata: Any) -> None:
    request = pb.PullTasksRequest(agent_id=agent.agent_id, slots=4)
    request.wait.FromSeconds(WAIT_SECONDS)
    pulled = await engine.PullTasks(request, metadata=metadata, timeout=CALL_SECONDS_MAX + WAIT_SECONDS)
    for task in pulled.tasks:
        told = task.delivery
        fence = {"task_id": told.task_id, "attempt": told.attempt, "lease_id": told.lease_id}
        accept = pb.AcceptTaskRequest(agent_id=agent.agent_id, **fence)
        await engine.AcceptTask(accept, metadata=metadata, timeout=CALL_SECONDS_MAX)
        result = pb.SubmitResultRequest(
            agent_id=agent.agent_id, workflow_id=task.workflow_id, tenant=task.tenant, **fence
        )
        result.output.update(agent.has_effect(told, task.workflow_id, task.step))
        await _until_answered(engine, result, metadata)
        await _until_answered(engine, result, metadata)
        agent.has_lied("pulled twice")


async def _until_answered(engine: Any, result: pb.SubmitResultRequest, metadata: Any) -> None:
    """Say a result until the engine has an answer, whatever it is; after many times it is somebody else's turn."""
    for _ in range(TIMES_MAX):
        try:
            await engine.SubmitResult(result, metadata=metadata, timeout=CALL_SECONDS_MAX)
        except grpc.aio.AioRpcError as failed:
            if failed.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                return
            await pause(PAUSE_SECONDS)
        else:
            return


async def main() -> None:
    agent = RawAgent.from_environment()
    token = await agent.registered()
    say_ready()
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.keep_registered(token))
        await work(agent, token)


if __name__ == "__main__":
    asyncio.run(main())
