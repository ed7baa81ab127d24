"""Functions that say by their types what they take and return."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pydantic import BaseModel, Field

from archwright import Agent, Task
from archwright.engine.v1.agent_work_pb2 import Progress as Message
from archwright.language.model import ErrorCategory
from archwright.sdk.registration import details_of
from archwright.testing import performed


@dataclass
class Line:
    article: str
    pieces: int


@dataclass
class Order:
    customer: str
    due: dt.date
    lines: list[Line]


class Invoice(BaseModel):
    total: int = Field(ge=0)
    due: dt.date


@dataclass
class Node:
    name: str
    child: Node | None = None


agent = Agent("seller")


@agent.task("sell", capability="selling@1.2.0")
async def sell(task: Task, order: Order) -> Invoice:
    return Invoice(total=sum(line.pieces for line in order.lines), due=order.due)


@agent.task("sell_blocking")
def sell_blocking(task: Task, order: Order) -> Order:
    return order


@agent.task("report")
async def report(task: Task, progress: Message) -> Message:
    return Message(percent=progress.percent * 2, message=progress.message)


@agent.task("cheat")
async def cheat(task: Task, order: Order) -> Invoice:
    wrong: Any = {"total": -1, "due": order.due}
    return wrong


@agent.task("lend")
async def lend(task: Task) -> Invoice:
    right: Any = {"total": 3, "due": "2026-11-24"}
    return right


ORDER = {"customer": "Ada", "due": "2026-11-23", "lines": [{"article": "pen", "pieces": 3}]}


async def test_the_input_comes_as_the_functions_own_type() -> None:
    done = await performed(agent, ORDER, task_type="sell")
    assert done.failure is None
    assert done.output == {"total": 3, "due": "2026-11-23"}


async def test_a_blocking_function_gets_it_too_and_a_dataclass_goes_out_with_its_dates() -> None:
    assert (await performed(agent, ORDER, task_type="sell_blocking")).output == ORDER


async def test_a_protobuf_message_is_read_and_written_as_its_json() -> None:
    done = await performed(agent, {"percent": 20.5, "message": "half", "unknown": 1}, task_type="report")
    assert done.output == {"percent": 41, "message": "half"}


@pytest.mark.parametrize(
    ("task_type", "wrong", "named"),
    [
        ("sell", {"lines": [{"article": "pen", "pieces": "many"}]}, "lines[0].pieces: "),
        ("sell", {"due": None}, "due: "),
        ("report", {"percent": "much"}, "percent"),
    ],
)
async def test_input_that_does_not_fit_fails_for_good_and_names_the_field(
    task_type: str, wrong: dict[str, Any], named: str
) -> None:
    failure = (await performed(agent, ORDER | wrong, task_type=task_type)).failure
    assert failure is not None
    assert (failure.category, failure.code) == (ErrorCategory.PERMANENT, "INPUT_MISMATCH")
    assert named in failure.message


async def test_output_that_does_not_fit_fails_for_good_and_names_the_field() -> None:
    failure = (await performed(agent, ORDER, task_type="cheat")).failure
    assert failure is not None
    assert (failure.category, failure.code) == (ErrorCategory.PERMANENT, "OUTPUT_MISMATCH")
    assert failure.message.startswith("The output does not fit Invoice: total: ")


async def test_output_that_can_be_read_as_its_type_is_taken_as_that() -> None:
    assert (await performed(agent, {}, task_type="lend")).output == {"total": 3, "due": "2026-11-24"}


def test_the_types_of_a_function_are_told_as_schemas_of_its_capability() -> None:
    [detail] = details_of(agent)
    assert detail.capability == "selling@1.2.0"
    assert set(detail.input_schema["properties"]) == {"customer", "due", "lines"}
    assert detail.output_schema["properties"]["due"]["format"] == "date"


def test_a_message_is_told_with_all_that_it_holds() -> None:
    keeper = Agent("keeper")

    @keeper.task(capability="keeping")
    async def keep(task: Task, message: struct_pb2.ListValue) -> Message:
        return Message()

    [detail] = details_of(keeper)
    assert detail.input_schema["type"] == "array"
    assert detail.output_schema["properties"]["delivery"] == {"$ref": "#/$defs/archwright.engine.v1.Delivery"}
    assert "task_id" in detail.output_schema["$defs"]["archwright.engine.v1.Delivery"]["properties"]


async def test_a_type_may_hold_itself() -> None:
    climber = Agent("climber")

    @climber.task(capability="climbing")
    async def climb(task: Task, node: Node) -> Node:
        return node

    tree = {"name": "a", "child": {"name": "b", "child": None}}
    assert (await performed(climber, tree, capability="climbing")).output == tree
    assert details_of(climber)[0].input_schema["$defs"]


async def test_a_partial_keeps_the_types_of_what_it_calls() -> None:
    bound = Agent("bound")

    async def twice(order: Order, *, task: Task | None = None) -> Order:
        return order

    async def sell_for(shop: str, task: Task, order: Order) -> Order:
        return Order(shop, order.due, order.lines)

    bound.task("sell")(partial(sell_for, "shop"))
    assert (await performed(bound, ORDER, task_type="sell")).output["customer"] == "shop"


def test_a_function_that_takes_too_much_is_refused_when_it_is_registered() -> None:
    async def greedy(task: Task, order: Order, more: Order) -> None: ...

    with pytest.raises(ValueError, match="takes 3 parameters"):
        agent.task("greedy")(greedy)


def test_an_input_without_a_type_is_refused_when_it_is_registered() -> None:
    async def vague(task, order): ...  # type: ignore[no-untyped-def]

    with pytest.raises(ValueError, match="'order' without a type hint"):
        agent.task("vague")(vague)


def test_a_type_that_cannot_be_found_is_refused_when_it_is_registered() -> None:
    async def lost(task: Task, order: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ValueError, match="'Nowhere' is not defined"):
        agent.task("lost")(lost)
