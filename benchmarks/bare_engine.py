"""An engine with nothing in it: the same messages, the same rows in batches, and no rules at all.

What the machine could do at best with this design. Everything that waits is committed together, then
acknowledged and followed by the next assignment; a workflow is a number that is counted up. Nobody is asked who they
are, nothing is checked, encrypted or retried, no timer is set, nothing is published, and the wire is in clear.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import grpc
import uvloop

from archwright import ids
from archwright.engine.v1 import agent_work_pb2, workflows_pb2
from benchmarks import bare_rows
from benchmarks.gathering import Gathering
from benchmarks.mesh import TENANT
from benchmarks.work import STEPS

_BATCH_MAX = 2_000
_MESSAGE_BYTES_MAX = 64 << 20
_INPUT = b'{"n":1000}'


@dataclass(slots=True)
class Going:
    """A workflow under way, and the one task that it has."""

    workflow_id: uuid.UUID
    name: str
    step: int = 0
    task_id: uuid.UUID | None = None
    task: str = ""
    lease: str = ""
    ended: uuid.UUID | None = None
    acknowledged: agent_work_pb2.Delivery | None = None
    stream: Stream | None = None


@dataclass(slots=True, eq=False)
class Stream:
    """An agent's stream: what is to be said on it."""

    outbox: Gathering[Going] = field(default_factory=Gathering)


@dataclass(slots=True)
class BareEngine:
    """Serves agents and callers as the engine does, and thinks nothing of it."""

    connection: asyncpg.Connection
    _waiting: Gathering[Going] = field(default_factory=Gathering)
    _tasks: dict[str, Going] = field(default_factory=dict)
    _streams: list[Stream] = field(default_factory=list)
    _turn: itertools.count[int] = field(default_factory=itertools.count)
    _answers: dict[uuid.UUID, asyncio.Future[None]] = field(default_factory=dict)

    async def start_workflow(self, request: workflows_pb2.StartWorkflowRequest, context: Any) -> workflows_pb2.Workflow:
        """Start one workflow."""
        [name] = await self._begin(1)
        return workflows_pb2.Workflow(workflow_id=name)

    async def start_workflows(
        self, request: workflows_pb2.StartWorkflowsRequest, context: Any
    ) -> workflows_pb2.StartWorkflowsResponse:
        """Start workflows together."""
        names = await self._begin(len(request.starts))
        outcomes = [workflows_pb2.StartOutcome(workflow_id=name) for name in names]
        return workflows_pb2.StartWorkflowsResponse(outcomes=outcomes)

    async def connect(
        self, requests: AsyncIterator[agent_work_pb2.ConnectRequest], context: Any
    ) -> AsyncIterator[agent_work_pb2.ConnectResponse]:
        """Serve one agent."""
        stream = Stream()
        self._streams.append(stream)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear(requests))
            while True:
                yield _message(await stream.outbox.take(_BATCH_MAX))

    async def commit_for_ever(self) -> None:
        """Commit whatever has gathered, then say so and go on."""
        bodies: bare_rows.Bodies | None = None
        while True:
            batch = await self._waiting.take(_BATCH_MAX)
            if bodies is None:
                bodies = await bare_rows.bodies_like_the_engines(self.connection)
            for going in batch:
                going.task_id = ids.new_uuid() if going.step < STEPS else None
            await bare_rows.write(self.connection, [_row(going) for going in batch], bodies)
            for going in batch:
                self._go_on(going)

    async def _begin(self, count: int) -> Sequence[str]:
        new = [ids.new_uuid() for _ in range(count)]
        started = [Going(each, ids.show("wf", each)) for each in new]
        answers = [asyncio.get_running_loop().create_future() for _ in new]
        self._answers.update(zip(new, answers, strict=True))
        self._waiting.add(started)
        await asyncio.gather(*answers)
        return [going.name for going in started]

    async def _hear(self, requests: AsyncIterator[agent_work_pb2.ConnectRequest]) -> None:
        async for request in requests:
            moved = []
            for frame in request.frames:
                if frame.HasField("result"):
                    going = self._tasks.pop(frame.result.delivery.task_id)
                    going.acknowledged, going.ended = frame.result.delivery, going.task_id
                    going.step += 1
                    moved.append(going)
            self._waiting.add(moved)

    def _go_on(self, going: Going) -> None:
        answer = self._answers.pop(going.workflow_id, None)
        if answer is not None:
            answer.set_result(None)
        if going.task_id is not None:
            going.task = ids.show("task", going.task_id)
            going.lease = ids.show("lease", going.task_id)
            self._tasks[going.task] = going
        if going.stream is None:
            going.stream = self._streams[next(self._turn) % len(self._streams)]
        going.stream.outbox.add([going])


def _row(going: Going) -> bare_rows.Row:
    return bare_rows.Row(going.workflow_id, going.step, going.ended, going.task_id)


def _message(said: Sequence[Going]) -> agent_work_pb2.ConnectResponse:
    """Return what the engine says to an agent of these workflows: your result is in, here is the next task."""
    message = agent_work_pb2.ConnectResponse()
    for going in said:
        if going.acknowledged is not None:
            ack = message.frames.add().result_ack
            ack.delivery.task_id = going.acknowledged.task_id
            ack.delivery.attempt = 1
            ack.delivery.lease_id = going.acknowledged.lease_id
            ack.outcome = agent_work_pb2.ResultAck.APPLIED
            going.acknowledged = None
        if going.task_id is not None:
            assign = message.frames.add().assign
            assign.delivery.task_id = assign.idempotency_key = going.task
            assign.delivery.attempt = 1
            assign.delivery.lease_id = going.lease
            assign.deadline.seconds = 2_000_000_000
            assign.workflow_id = going.name
            assign.step = assign.task_type = "s0"
            assign.input = _INPUT
            assign.tenant = TENANT
    return message


def _handlers(engine: BareEngine) -> Sequence[grpc.GenericRpcHandler]:
    """Return what serves the few methods that there are, by their true names and with their true messages."""
    start = grpc.unary_unary_rpc_method_handler(
        engine.start_workflow,
        workflows_pb2.StartWorkflowRequest.FromString,
        workflows_pb2.Workflow.SerializeToString,
    )
    start_many = grpc.unary_unary_rpc_method_handler(
        engine.start_workflows,
        workflows_pb2.StartWorkflowsRequest.FromString,
        workflows_pb2.StartWorkflowsResponse.SerializeToString,
    )
    connect = grpc.stream_stream_rpc_method_handler(
        engine.connect,
        agent_work_pb2.ConnectRequest.FromString,
        agent_work_pb2.ConnectResponse.SerializeToString,
    )
    served: Mapping[str, dict[str, Any]] = {
        "archwright.engine.v1.WorkflowService": {"StartWorkflow": start, "StartWorkflows": start_many},
        "archwright.engine.v1.AgentWorkService": {"Connect": connect},
    }
    return [grpc.method_handlers_generic_handler(service, methods) for service, methods in served.items()]


async def main() -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connection = await asyncpg.connect(
        os.environ["BENCHMARK_POSTGRES_DSN"], server_settings=dict(bare_rows.PLANNER_SETTINGS)
    )
    await bare_rows.make_tables(connection)
    engine = BareEngine(connection)
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX)])
    server.add_generic_rpc_handlers(_handlers(engine))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    print(json.dumps({"event": "ready", "address": f"127.0.0.1:{port}"}), flush=True)
    async with asyncio.TaskGroup() as group:
        committing = group.create_task(engine.commit_for_ever())
        await stop.wait()
        await server.stop(grace=0)
        committing.cancel()
    await connection.close()


if __name__ == "__main__":
    uvloop.run(main())
