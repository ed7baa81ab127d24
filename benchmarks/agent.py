"""An agent whose tasks are nothing but a round trip: what is measured is the engine, the wire and the SDK."""

from __future__ import annotations

import os

from archwright import Agent, Task

agent = Agent(os.environ["BENCHMARK_AGENT_TYPE"], max_concurrent_tasks=int(os.environ["BENCHMARK_SLOTS"]))


@agent.task()
async def work(task: Task) -> dict[str, bool]:
    """Answer at once."""
    return {"ok": True}


if __name__ == "__main__":
    agent.run()
