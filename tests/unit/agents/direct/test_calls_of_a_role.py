"""A role called directly: what its function says is the answer, and nothing that goes wrong is swallowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from archwright import Agent, Task
from archwright.agents.v1.business_analyst_service_pb2 import AnalyzeRequirementsRequest
from archwright.agents.v1.role_pb2 import ArchitectureRequest, RoleUpdate
from archwright.errors import DependencyUnavailable, InternalFault, LimitReached, PayloadInvalid
from archwright.problem.v1 import reason_pb2
from archwright.sdk.errors import Permanent, Transient
from archwright.serving.calls import Call
from archwright.serving.tokens import ANONYMOUS
from services.agents.direct.calls import WAITING_MAX, Calls
from services.agents.direct.desk import PIECE_BYTES_MAX

REQUEST = AnalyzeRequirementsRequest(request=ArchitectureRequest(request="A shop sells tea."))
CALL = Call(ANONYMOUS, {}, "/role/method", "unix:", None)


@pytest.fixture
async def group() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


def role(function: Any) -> Agent:
    agent = Agent("tea_taster")
    agent.task("taste")(function)
    return agent


async def said(calls: Calls) -> list[RoleUpdate]:
    return [update async for update in calls.answer("taste", REQUEST, CALL)]


async def test_the_function_gets_the_request_as_a_task_would_and_its_output_is_the_last_word(
    group: asyncio.TaskGroup,
) -> None:
    async def taste(task: Task) -> dict[str, Any]:
        await task.progress(50, "Sipped")
        return {"agent_type": "tea_taster", "request_id": task.input["request"]["request"]}

    progress, last = await said(Calls(role(taste), group))

    assert (progress.progress.percent, progress.progress.message) == (50, "Sipped")
    assert last.output.request_id == "A shop sells tea."


async def test_files_come_in_pieces_before_the_output(group: asyncio.TaskGroup) -> None:
    content = b"leaf" * (PIECE_BYTES_MAX // 3)

    async def taste(task: Task) -> dict[str, Any]:
        await task.put_artifact("leaves.txt", content, "text/plain")
        await task.put_artifact("empty.txt", b"", "text/plain")
        return {}

    *files, last = await said(Calls(role(taste), group))

    assert b"".join(one.file.content for one in files if one.file.name == "leaves.txt") == content
    assert [one.file.offset for one in files] == [0, PIECE_BYTES_MAX, 0]
    assert [one.file.size_bytes for one in files] == [len(content), len(content), 0]
    assert last.WhichOneof("update") == "output"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (Permanent("Coffee is no tea."), PayloadInvalid),
        (Transient("The kettle is cold."), DependencyUnavailable),
        (ZeroDivisionError("secret"), InternalFault),
    ],
)
async def test_what_fails_before_a_word_was_said_fails_the_call(
    group: asyncio.TaskGroup, raised: Exception, told: type[Exception]
) -> None:
    async def taste(task: Task) -> dict[str, Any]:
        await task.progress(10, "Looked")
        raise raised

    with pytest.raises(told) as failed:
        await said(Calls(role(taste), group))

    assert "secret" not in str(failed.value)


async def test_what_fails_later_is_the_last_word(group: asyncio.TaskGroup) -> None:
    heard = asyncio.Event()

    async def taste(task: Task) -> dict[str, Any]:
        await task.progress(10, "Looked")
        await heard.wait()
        raise Transient("The kettle is cold.")

    answer = Calls(role(taste), group).answer("taste", REQUEST, CALL)
    first = await anext(answer)
    heard.set()
    last = await anext(answer)

    assert first.progress.message == "Looked"
    assert last.failure.message == "The kettle is cold."
    assert last.failure.category == reason_pb2.TRANSIENT


async def test_a_caller_who_leaves_ends_the_task(group: asyncio.TaskGroup) -> None:
    ended = asyncio.Event()

    async def taste(task: Task) -> dict[str, Any]:
        await task.progress(10, "Looked")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    answer = Calls(role(taste), group).answer("taste", REQUEST, CALL)
    await anext(answer)
    await answer.aclose()

    async with asyncio.timeout(5):
        await ended.wait()


async def test_whoever_comes_when_many_wait_is_told_to_come_back(group: asyncio.TaskGroup) -> None:
    go_on = asyncio.Event()

    async def taste(task: Task) -> dict[str, Any]:
        await go_on.wait()
        return {}

    calls = Calls(role(taste), group)
    async with asyncio.TaskGroup() as callers:
        served = [callers.create_task(said(calls)) for _ in range(WAITING_MAX + 1)]
        # Tasks start in the order in which they were made, so this one comes last.
        late = callers.create_task(_refused(calls))
        assert "wait for tea_taster already" in await late
        go_on.set()

    assert all(len(each.result()) == 1 for each in served)


async def _refused(calls: Calls) -> str:
    with pytest.raises(LimitReached) as refused:
        await said(calls)
    return str(refused.value)
