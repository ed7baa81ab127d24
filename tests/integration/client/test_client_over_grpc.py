"""The client against a scripted engine: cursors, retries, deadlines and errors."""

from __future__ import annotations

import time
from types import SimpleNamespace

import grpc
import pytest

from archwright import Client
from archwright.engine.v1.workflows_pb2 import WatchEnded
from archwright.errors import DependencyUnavailable, NotFound, PayloadInvalid, RequestInvalid
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent


@pytest.fixture
async def client(engine):
    async with Client(engine.address, lambda: "let-me-in") as opened:
        yield opened


@pytest.fixture
def act(script) -> SimpleNamespace:
    return SimpleNamespace(**script)


async def seen(client: Client, after_seq: int = 0, patience_seconds: float = 5.0) -> list[int | str]:
    """Return what a watch passes on: seqs, and the names of whatever else."""
    return [
        update.seq if isinstance(update, WorkflowEvent) else type(update).__name__
        async for update in client.watch("wf_1", after_seq, patience_seconds=patience_seconds)
    ]


async def test_a_watch_ends_with_the_workflow(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.heartbeat(1), act.progress(50), act.event(2), act.ended(2)]]
    assert await seen(client) == [1, "TaskProgress", 2, "WatchEnded"]


async def test_a_broken_watch_goes_on_at_its_cursor(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.event(2), act.Breaks()], [act.event(3), act.ended(3)]]
    assert await seen(client) == [1, 2, 3, "WatchEnded"]
    assert engine.cursors == [0, 2]


async def test_a_watch_reset_by_a_proxy_goes_on_too(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.Breaks(grpc.StatusCode.INTERNAL)], [act.event(2), act.ended(2)]]
    assert await seen(client) == [1, 2, "WatchEnded"]


async def test_a_watch_that_ends_without_a_word_goes_on(engine, client, act) -> None:
    engine.acts = [[act.event(1)], [act.event(2), act.ended(2)]]
    assert await seen(client) == [1, 2, "WatchEnded"]


async def test_an_event_that_is_repeated_is_passed_on_once(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.event(1), act.event(2), act.event(1), act.ended(2)]]
    assert await seen(client) == [1, 2, "WatchEnded"]


async def test_events_that_were_skipped_are_fetched_before_the_watch_goes_on(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.event(3), act.ended(3)], [act.event(2), act.event(3), act.ended(3)]]
    assert await seen(client) == [1, 2, 3, "WatchEnded"]
    assert engine.cursors == [0, 1]


async def test_an_end_that_comes_before_the_last_event_is_not_believed(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.ended(2)], [act.event(2), act.ended(2)]]
    assert await seen(client) == [1, 2, "WatchEnded"]


async def test_a_watch_may_begin_anywhere(engine, client, act) -> None:
    engine.acts = [[act.event(8), act.ended(8)]]
    assert await seen(client, after_seq=7) == [8, "WatchEnded"]
    assert engine.cursors == [7]


async def test_a_watch_that_nobody_answers_raises_in_the_end(engine, client, act) -> None:
    engine.acts = [[act.Breaks()]]
    with pytest.raises(DependencyUnavailable, match=r"cannot be reached"):
        await seen(client, patience_seconds=0.3)


async def test_a_watch_of_an_unknown_workflow_raises_at_once(engine, client, act) -> None:
    engine.acts = [[act.Breaks(grpc.StatusCode.NOT_FOUND)]]
    with pytest.raises(NotFound):
        await seen(client)
    assert engine.cursors == [0]


async def test_the_end_tells_how_it_ended(engine, client, act) -> None:
    engine.acts = [[act.event(1), act.ended(1)]]
    *_, last = [update async for update in client.watch("wf_1")]
    assert isinstance(last, WatchEnded)
    assert last.last_seq == 1


async def test_a_start_that_found_nobody_is_sent_again_as_the_same_start(engine, client) -> None:
    engine.failures = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE]
    workflow = await client.start("greeting", {"name": "Ada"})
    assert workflow.workflow_id == "wf_1"
    assert len(engine.requests) == 3
    assert len({request.request_id for request in engine.requests}) == 1
    assert engine.requests[0].request_id
    assert engine.metadata["authorization"] == "Bearer let-me-in"


async def test_two_starts_are_two_requests(engine, client) -> None:
    await client.start("greeting", {})
    await client.start("greeting", {})
    assert engine.requests[0].request_id != engine.requests[1].request_id


async def test_what_time_does_not_mend_is_not_tried_again(engine, client) -> None:
    engine.failures = [grpc.StatusCode.INVALID_ARGUMENT]
    with pytest.raises(RequestInvalid):
        await client.start("greeting", {})
    assert len(engine.requests) == 1


async def test_input_that_json_cannot_carry_never_leaves(engine, client) -> None:
    with pytest.raises(PayloadInvalid, match=r"input\.age"):
        await client.start("greeting", {"age": 2**60})
    assert engine.requests == []


async def test_lists_go_through_all_pages(client) -> None:
    assert [workflow.workflow_id async for workflow in client.list()] == ["wf_1", "wf_2"]
    assert [event.seq async for event in client.history("wf_1")] == [1, 2, 3]


async def test_a_download_that_broke_begins_anew(engine, client) -> None:
    engine.failures = [grpc.StatusCode.UNAVAILABLE]
    assert await client.download("wf_1", "report.html") == b"<html></html>"


async def test_an_address_where_nobody_listens_is_named(unused_tcp_port: int) -> None:
    async with Client(f"127.0.0.1:{unused_tcp_port}", "token") as client:
        began = time.monotonic()
        with pytest.raises(DependencyUnavailable, match=f"127.0.0.1:{unused_tcp_port} cannot be reached"):
            await client.get("wf_1")
        assert time.monotonic() - began < 10
