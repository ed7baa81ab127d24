"""Streams through the gateway: server-sent events, watches, agents' sessions, files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http.client import HTTPResponse
from typing import Any

import pytest

from archwright.engine.v1 import (
    agent_work_pb2,
    agent_work_pb2_grpc,
    artifacts_pb2,
    artifacts_pb2_grpc,
    workflows_pb2,
    workflows_pb2_grpc,
)

EVENTS = "/api/v1/workflows/wf_00000000000000000000000001/events"


def _event(seq: int) -> bytes:
    return f"id: {seq}\ndata: {{}}\n\n".encode()


async def test_events_come_with_their_ids(gateway: Any) -> None:
    answer = await gateway.call("GET", EVENTS)

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body == b"".join(_event(seq) for seq in range(1, 6))


@pytest.mark.parametrize(
    ("query", "headers"), [("", {"Last-Event-ID": "3"}), ("?after_seq=3", {}), ("?after_seq=1", {"Last-Event-ID": "3"})]
)
async def test_events_resume_after_the_last_one_seen(gateway: Any, query: str, headers: dict[str, str]) -> None:
    answer = await gateway.call("GET", EVENTS + query, headers=headers)

    assert answer.body == _event(4) + _event(5)


async def test_an_event_is_sent_on_before_the_next_one_exists(gateway: Any) -> None:
    with gateway.workflows.paused_after(2) as go_on:
        headers = {"authorization": f"Bearer {gateway.token('viewer')}"}
        connection = await asyncio.to_thread(gateway.open, "GET", EVENTS, headers=headers)
        try:
            answer: HTTPResponse = await asyncio.to_thread(connection.getresponse)
            first = await asyncio.to_thread(answer.read, len(_event(1) + _event(2)))
            go_on.set()
            rest = await asyncio.to_thread(answer.read)
        finally:
            connection.close()

    assert first == _event(1) + _event(2)
    assert rest == _event(3) + _event(4) + _event(5)


async def test_a_reader_of_events_that_goes_away_ends_the_watch(gateway: Any) -> None:
    with gateway.workflows.paused_after(2):
        headers = {"authorization": f"Bearer {gateway.token('viewer')}"}
        connection = await asyncio.to_thread(gateway.open, "GET", EVENTS, headers=headers)
        answer: HTTPResponse = await asyncio.to_thread(connection.getresponse)
        await asyncio.to_thread(answer.read, len(_event(1)))
        assert not gateway.workflows.nobody_watches.is_set()

        answer.close()
        connection.close()

        async with asyncio.timeout(10):
            await gateway.workflows.nobody_watches.wait()


async def test_a_watch_streams_over_grpc(gateway: Any) -> None:
    request = workflows_pb2.WatchWorkflowRequest(after_seq=2)
    async with gateway.channel() as channel:
        stub = workflows_pb2_grpc.WorkflowServiceStub(channel)
        watch = stub.WatchWorkflow(request, metadata=gateway.metadata("viewer"), timeout=20)
        seqs = [update.heartbeat.last_seq async for update in watch]

    assert seqs == [3, 4, 5]


async def test_an_agents_session_goes_both_ways_at_once(gateway: Any) -> None:
    answered: asyncio.Queue[str] = asyncio.Queue()

    async def hellos() -> AsyncIterator[Any]:
        for name in ("one", "two", "three"):
            frame = agent_work_pb2.AgentFrame(hello=agent_work_pb2.Hello(agent_id=name))
            yield agent_work_pb2.ConnectRequest(frames=[frame])
            # Nothing more is said before the engine has answered.
            assert await answered.get() == name

    async with gateway.channel() as channel:
        stub = agent_work_pb2_grpc.AgentWorkServiceStub(channel)
        session = stub.Connect(hellos(), metadata=gateway.metadata("agent"), timeout=20)
        names = []
        async for response in session:
            names.append(response.frames[0].welcome.session_id)
            answered.put_nowait(names[-1])

    assert names == ["one", "two", "three"]


async def test_a_file_larger_than_any_body_is_put_in_pieces(gateway: Any) -> None:
    async def pieces() -> AsyncIterator[Any]:
        for _ in range(96):
            yield artifacts_pb2.PutArtifactRequest(content=bytes(64 * 1024))

    async with gateway.channel() as channel:
        stub = artifacts_pb2_grpc.ArtifactServiceStub(channel)
        kept = await stub.PutArtifact(pieces(), metadata=gateway.metadata("agent"), timeout=20)

    assert kept.size_bytes == 6 * 1024 * 1024
