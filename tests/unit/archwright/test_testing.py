"""The aid for testing agents, by testing agents with it."""

from __future__ import annotations

import asyncio

import pytest

from archwright import Agent, Capacity, Task
from archwright.errors import DependencyUnavailable, LimitReached, TokenInvalid
from archwright.language.model import ErrorCategory
from archwright.testing import File, performed

agent = Agent("tester", max_concurrent_tasks=2)


@agent.task("greet")
async def greet(task: Task) -> dict[str, str]:
    await task.progress(150, "thinking")
    return {"greeting": f"Hello, {task.input['name']}!", "from": task.context.get("from", "nobody")}


@agent.task("draw")
def draw(task: Task) -> None:
    task.wait(task.put_artifact("a.txt", b"first", "text/plain"))
    task.wait(task.put_artifact("a.txt", b"second", "text/plain"))


@agent.task("sleep")
async def sleep(task: Task) -> None:
    await asyncio.Event().wait()


@agent.task("cancel_inside")
async def cancel_inside(task: Task) -> None:
    raise asyncio.CancelledError


@agent.task("raise")
async def raise_(task: Task) -> None:
    match task.input["what"]:
        case "unavailable":
            raise DependencyUnavailable("the store is away")
        case "limit":
            raise LimitReached("too many", retry_after_seconds=4.0)
        case "token":
            raise TokenInvalid("refused")
        case _:
            raise Capacity(9.0)


async def test_a_function_gets_its_task_and_returns_its_output() -> None:
    done = await performed(agent, {"name": "Ada"}, task_type="greet", context={"from": "us"})
    assert done.output == {"greeting": "Hello, Ada!", "from": "us"}
    assert done.failure is None
    assert done.progress == [(100.0, "thinking")]


async def test_a_later_file_of_the_same_name_replaces_the_earlier() -> None:
    done = await performed(agent, {}, task_type="draw")
    assert done.files == {"a.txt": File(b"second", "text/plain")}


async def test_a_task_that_is_called_off_is_cancelled() -> None:
    with pytest.raises(asyncio.CancelledError):
        await performed(agent, {}, task_type="sleep", cancel_after_seconds=0.01)


async def test_a_cancellation_that_nobody_asked_for_is_a_fault_of_the_function() -> None:
    done = await performed(agent, {}, task_type="cancel_inside")
    assert done.failure is not None
    assert (done.failure.category, done.failure.code) == (ErrorCategory.PERMANENT, "AGENT_FAULT")


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("unavailable", (ErrorCategory.TRANSIENT, "DEPENDENCY_UNAVAILABLE", None)),
        ("limit", (ErrorCategory.CAPACITY, "LIMIT_REACHED", 4.0)),
        ("token", (ErrorCategory.PERMANENT, "AGENT_FAULT", None)),
        ("capacity", (ErrorCategory.CAPACITY, "CAPACITY", 9.0)),
    ],
)
async def test_who_must_act_decides_what_an_error_means(what: str, expected: tuple[object, ...]) -> None:
    failure = (await performed(agent, {"what": what}, task_type="raise")).failure
    assert failure is not None
    assert (failure.category, failure.code, failure.retry_after_seconds) == expected


def test_two_functions_for_one_type_are_refused() -> None:
    with pytest.raises(ValueError, match="has a function for 'greet' already"):
        agent.task("greet")(greet)


def test_a_decorator_without_parentheses_is_refused() -> None:
    with pytest.raises(TypeError, match="parentheses"):
        agent.task(greet)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agent_type", "more"),
    [("Greeter", {}), ("greeter", {"max_concurrent_tasks": 0}), ("greeter", {"capabilities": "greeting"})],
)
def test_an_agent_that_cannot_be_is_refused_at_once(agent_type: str, more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Greeter|max_concurrent_tasks|capabilities"):
        Agent(agent_type, **more)  # type: ignore[arg-type]
