"""Which of an agent's functions does a task."""

from __future__ import annotations

from typing import Any

import pytest

from archwright import Agent, Task
from archwright.testing import performed

agent = Agent("clerk", capabilities=["filing"])


@agent.task("greet", capability="greeting@1.0.0")
async def greet_plainly(task: Task) -> dict[str, str]:
    return {"by": "greet 1"}


@agent.task("greet", capability="greeting@2.1.0")
async def greet_warmly(task: Task) -> dict[str, str]:
    return {"by": "greet 2"}


@agent.task(capability="pricing@1.4.0")
async def price(task: Task) -> dict[str, str]:
    return {"by": "price"}


@agent.task()
async def anything(task: Task) -> dict[str, str]:
    return {"by": "anything"}


def test_an_agent_offers_what_its_functions_offer() -> None:
    assert agent.capabilities == ("filing", "greeting@1.0.0", "greeting@2.1.0", "pricing@1.4.0")


@pytest.mark.parametrize(
    ("task_type", "capability", "does"),
    [
        ("greet", "", "greet 1"),
        ("greet", "greeting@^2", "greet 2"),
        ("greet", "greeting@^1", "greet 1"),
        ("greet", "filing", "greet 1"),
        ("", "greeting@2.1.0", "greet 2"),
        ("", "pricing", "price"),
        ("sum_up", "pricing@^1.2", "price"),
        ("sum_up", "pricing@^2", "anything"),
        ("sum_up", "greeting", "anything"),
        ("", "", "anything"),
    ],
)
async def test_the_capability_chooses_then_the_type_then_whoever_does_anything(
    task_type: str, capability: str, does: str
) -> None:
    done = await performed(agent, {}, task_type=task_type, capability=capability)
    assert done.output == {"by": does}


async def test_a_task_that_nobody_does_fails_and_says_of_what_it_was() -> None:
    idle = Agent("idle")
    idle.task(capability="pricing")(price)
    failure = (await performed(idle, {}, task_type="greet", capability="greeting")).failure
    assert failure is not None
    assert failure.message == "The agent has no function for tasks of type 'greet' and able of greeting."


@pytest.mark.parametrize("capability", ["Greeting", "greeting@", "greeting@^1"])
def test_a_capability_that_cannot_be_is_refused(capability: str) -> None:
    with pytest.raises(ValueError, match="is not `name` or `name@version`"):
        agent.task(capability=capability)


def test_two_functions_for_one_capability_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has a function for 'pricing@1.4.0' already"):
        agent.task(capability="pricing@1.4.0")(price)


@pytest.mark.parametrize("slots", [0, 1001])
def test_slots_that_cannot_be_are_refused_later_too(slots: Any) -> None:
    with pytest.raises(ValueError, match="max_concurrent_tasks"):
        Agent("clerk").max_concurrent_tasks = slots
