"""An agent whose tasks take as long as their input says, and which otherwise behaves as Archwright's agents do."""

from __future__ import annotations

import os

from archwright import Agent, Task
from archwright.pacing import rest

agent = Agent(os.environ["BENCHMARK_AGENT_TYPE"], max_concurrent_tasks=int(os.environ["BENCHMARK_SLOTS"]))


@agent.task()
async def work(task: Task) -> dict[str, bool]:
    """Take the time that the input asks for."""
    await rest(float(task.input["seconds"]))
    return {"ok": True}


if __name__ == "__main__":
    agent.run()
