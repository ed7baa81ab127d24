"""An agent that does what its tasks' inputs say, and writes down every effect it has."""

import asyncio
import json
import os
from pathlib import Path

from archwright import Agent, Task
from archwright.sdk.errors import Business, Transient

agent = Agent(os.environ["AGENT_TYPE"], max_concurrent_tasks=int(os.environ.get("SLOTS", "20")))
ledger = Path(os.environ["LEDGER"])


@agent.task()
async def work(task: Task) -> dict[str, object]:
    script = task.input if isinstance(task.input, dict) else {}
    await task.progress(10, "begun")
    await asyncio.sleep(float(script.get("seconds", 0.02)))  # noqa: TID251  this is its work
    if task.failures < int(script.get("transient_failures", 0)):
        raise Transient("not yet")
    if script.get("crash"):
        os._exit(1)  # as whatever kills a process does
    if script.get("refuse"):
        raise Business("the domain says no")
    effect = {"task_id": task.task_id, "attempt": task.attempt, "step": task.step, "workflow_id": task.workflow_id}
    with ledger.open("a") as file:
        file.write(json.dumps(effect) + "\n")
    echo = {"echo": script["echo"]} if "echo" in script else {}
    return {"step": task.step, "attempt": task.attempt, "seconds": script.get("seconds", 0.02), **echo}


if __name__ == "__main__":
    agent.run()
