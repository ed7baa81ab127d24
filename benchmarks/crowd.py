"""Many agents of the SDK in one process, each with a registration and a stream of its own; their work takes a while.

It stands for many machines: what is measured is the engine, and how these agents leave it and come back.
"""

from __future__ import annotations

import asyncio
import os

from archwright import Agent, Task
from archwright.pacing import rest
from archwright.sdk import settings as agent_settings
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Replicas
from archwright.sdk.transport import GrpcEngine
from archwright.sdk.worker import Worker
from archwright.serving import logs

_AT_ONCE = 50
"""So many register at a time."""

agent = Agent(os.environ["BENCHMARK_AGENT_TYPE"], max_concurrent_tasks=int(os.environ["BENCHMARK_SLOTS"]))


@agent.task()
async def work(task: Task) -> dict[str, bool]:
    """Take as long as the input says."""
    told = task.input if isinstance(task.input, dict) else {}
    await rest(float(told.get("seconds", 0)))
    return {"ok": True}


async def main() -> None:
    """Let all of them work for as long as the process lives."""
    name, count = os.environ["BENCHMARK_NAME"], int(os.environ["BENCHMARK_AGENTS"])
    settings = agent_settings.load()
    logs.configure(service="crowd", level="warning", form="json")
    never, registering = asyncio.Event(), asyncio.Semaphore(_AT_ONCE)

    async def live(agent_id: str) -> None:
        registry = Replicas(settings.registry, token=settings.read_enrolment_token, ca_file=settings.ca_file)
        registration = Registration(agent, agent_id, registry)
        engine = Replicas(settings.engine, token=lambda: registration.token, ca_file=settings.ca_file)
        async with registering:
            await registration.obtain(never)
        worker = Worker(agent, agent_id, engine=GrpcEngine(engine), registration=registration, on_ready=_nobody_asks)
        await worker.work(never, 0)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(live(f"{name}-{number}"))


def _nobody_asks() -> None:
    """Say nothing: who is there is read from the database."""


if __name__ == "__main__":
    asyncio.run(main())
