"""A function says what language models took, and is told what they may still take."""

from __future__ import annotations

from archwright import Agent, Task
from archwright.sdk.frames import Budget, Usage
from archwright.testing import performed

agent = Agent("writer")


@agent.task("write")
async def write(task: Task) -> dict[str, object]:
    task.add_usage("small", input_tokens=10, output_tokens=2)
    task.add_usage("large", input_tokens=100, output_tokens=20, cost_micros=5)
    return {"left": task.budget.tokens if task.budget else None}


@agent.task("count")
def count(task: Task) -> dict[str, object]:
    return {}


async def test_what_several_models_took_is_added_up() -> None:
    done = await performed(agent, {}, task_type="write")

    assert done.usage == Usage("small, large", 110, 22, 5)


async def test_whoever_asked_no_model_says_nothing() -> None:
    assert (await performed(agent, {}, task_type="count")).usage is None


async def test_the_budget_is_there_to_be_read() -> None:
    told = await performed(agent, {}, task_type="write", budget=Budget(tokens=500))
    free = await performed(agent, {}, task_type="write")

    assert (told.output, free.output) == ({"left": 500}, {"left": None})
