"""A direct call of a role: its request is a task's input, and what the task says is the answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NoReturn

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from archwright import ids
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.role_pb2 import RoleFailure, RoleUpdate
from archwright.errors import DependencyUnavailable, InternalFault, LimitReached, PayloadInvalid
from archwright.language.model import ErrorCategory
from archwright.payloads import Json, canonical, check, parse
from archwright.problem.v1 import reason_pb2
from archwright.sdk.agent import Agent
from archwright.sdk.frames import Assign, Delivery, Failure, Result
from archwright.sdk.performance import AGENT_FAULT, perform
from archwright.sdk.task import Cancellation
from archwright.sdk.threads import ThreadPool
from archwright.serving.calls import Call
from services.agents.deliverables import from_json, to_payload
from services.agents.direct.desk import Desk

WAITING_MAX = 16
"""Calls that wait for their turn; a role thinks about one thing at a time."""
RETRY_AFTER_SECONDS = 2.0


class Calls:
    """Takes the direct calls of one role; its functions run in `group`."""

    def __init__(self, agent: Agent, group: asyncio.TaskGroup) -> None:
        self._agent = agent
        self._group = group
        self._threads = ThreadPool(1)
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def answer(self, task_type: str, request: Message, call: Call) -> AsyncGenerator[RoleUpdate, None]:
        """Yield how the task gets on, its files, and last its output or why there is none.

        A failure before anything else was told fails the call: PayloadInvalid, LimitReached, DependencyUnavailable.
        """
        async with self._my_turn():
            desk, cancellation = Desk(), Cancellation()
            doing = self._group.create_task(self._perform(self._assign(task_type, request, call), desk, cancellation))
            try:
                has_told = False
                while True:
                    word = await desk.words.get()
                    if isinstance(desk.outcome, Failure) and not has_told:
                        _refuse(desk.outcome)
                    match word:
                        case Result(_, output, references, _):
                            for update in desk.files(references):
                                yield update
                            yield RoleUpdate(output=from_json(parse(output)))
                            return
                        case Failure():
                            yield RoleUpdate(failure=_failure(word))
                            return
                        case _:
                            has_told = True
                            yield word
            finally:
                cancellation.reason = "the caller has left"
                doing.cancel()

    async def _perform(self, assign: Assign, desk: Desk, cancellation: Cancellation) -> None:
        duty = self._agent.duty(assign.task_type)
        desk.finish(await perform(duty, assign, desk, cancellation, self._threads))

    def close(self) -> None:
        """Let go of the thread."""
        self._threads.close()

    @contextlib.asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise LimitReached(
                f"{WAITING_MAX} calls wait for {self._agent.agent_type} already. Try again in a moment, or start a "
                "workflow: its tasks wait as long as it takes.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()

    def _assign(self, task_type: str, request: Message, call: Call) -> Assign:
        task_id = ids.show("task", ids.new_uuid())
        remaining = call.time_remaining()
        return Assign(
            delivery=Delivery(task_id, 1, ""),
            workflow_id="",
            step=task_type,
            task_type=task_type,
            tenant=call.caller.tenant,
            input=canonical(check(_input(request), root="request")),
            context=b"",
            idempotency_key=task_id,
            deadline=None if remaining is None else time.time() + remaining,
        )


def _input(request: Message) -> dict[str, Json]:
    """Return the request as the input of a step: outputs of earlier roles in their own form, all else as JSON."""
    return {
        field.name: to_payload(value)
        if isinstance(value, AgentOutput)
        else MessageToDict(value, preserving_proto_field_name=True)
        for field, value in request.ListFields()
    }


def _failure(failure: Failure) -> RoleFailure:
    message = "A fault of ours; it was logged." if failure.code == AGENT_FAULT else failure.message
    category = reason_pb2.ErrorCategory.Value(failure.category.name)
    return RoleFailure(category=category, code=failure.code, message=message)


def _refuse(failure: Failure) -> NoReturn:
    if failure.code == AGENT_FAULT:
        raise InternalFault("A fault of ours; it was logged. Trying again will not help, reporting it will.")
    match failure.category:
        case ErrorCategory.CAPACITY:
            raise LimitReached(failure.message, retry_after_seconds=failure.retry_after_seconds or RETRY_AFTER_SECONDS)
        case ErrorCategory.TRANSIENT | ErrorCategory.TIMEOUT:
            raise DependencyUnavailable(failure.message)
        case _:
            raise PayloadInvalid(failure.message)
