"""What every publisher promises, shown on the in-memory bus and on a real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import ParseDict

from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.bus.event import BusEvent
from services.bus.memory import MemoryBus
from services.bus.port import PARTITIONS, Publisher, partition_of, stream_of
from services.bus.redis import RedisPublisher, writer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True)
class Bus:
    """A publisher, and a way to see all entries of a partition as an outsider would."""

    publisher: Publisher
    entries: Callable[[int], Awaitable[list[bytes]]]

    async def envelopes(self, partition: int) -> list[dict[str, Any]]:
        return [envelope for entry in await self.entries(partition) for envelope in orjson.loads(entry)]

    async def of(self, workflow_id: str) -> list[dict[str, Any]]:
        seen = await self.envelopes(partition_of(workflow_id))
        return [envelope for envelope in seen if envelope["data"]["workflow_id"] == workflow_id]


@pytest.fixture(params=["memory", "valkey"])
async def bus(request: pytest.FixtureRequest, valkey: str) -> AsyncIterator[Bus]:
    if request.param == "memory":
        twin = MemoryBus()

        async def kept(partition: int) -> list[bytes]:
            return list(twin.streams.get(partition, ()))

        yield Bus(twin, kept)
        return
    client = writer(valkey)

    async def stored(partition: int) -> list[bytes]:
        return [fields[b"events"] for _, fields in await client.xrange(stream_of(partition))]

    publisher = RedisPublisher(client)
    yield Bus(publisher, stored)
    await publisher.aclose()


def event(workflow_id: str = "wf_1", seq: int = 1, event_type: str = "task_completed", **more: Any) -> BusEvent:
    return BusEvent("acme", workflow_id, seq, event_type, NOON, **more)


async def test_an_event_arrives_in_a_cloud_events_envelope(bus: Bus) -> None:
    await bus.publisher.publish([event(task_id="task_1", step="greet", traceparent=TRACE)])
    (envelope,) = await bus.of("wf_1")
    facts = envelope.pop("data")
    assert envelope == {
        "specversion": "1.0",
        "id": "wf_1:1",
        "source": "/tenants/acme/workflows/wf_1",
        "type": "dev.archwright.task_completed",
        "subject": "task_1",
        "time": "2026-11-22T12:00:00Z",
        "datacontenttype": "application/json",
        "tenant": "acme",
        "seq": "1",
        "traceparent": TRACE,
    }
    assert facts["step"] == "greet"


async def test_the_content_is_a_workflow_event_of_the_contract(bus: Bus) -> None:
    published = event(
        seq=7, agent_type="greeter", correlation_id="req_1", retry_count=2, attributes={"agent_id": "agent_1"}
    )
    await bus.publisher.publish([published])
    (envelope,) = await bus.of("wf_1")
    read = ParseDict(envelope["data"], WorkflowEvent())
    assert (read.event_id, read.seq, read.event_type) == ("wf_1:7", 7, "task_completed")
    assert (read.agent_type, read.correlation_id, read.retry_count) == ("greeter", "req_1", 2)
    assert dict(read.payload) == {"agent_id": "agent_1"}
    assert read.timestamp.ToDatetime(UTC) == NOON


async def test_events_of_one_workflow_keep_their_order_and_share_a_partition(bus: Bus) -> None:
    await bus.publisher.publish([event(seq=seq) for seq in range(1, 451)])
    await bus.publisher.publish([event(seq=seq) for seq in range(451, 461)])
    assert [envelope["seq"] for envelope in await bus.of("wf_1")] == [str(seq) for seq in range(1, 461)]


async def test_many_events_make_few_entries(bus: Bus) -> None:
    await bus.publisher.publish([event(seq=seq) for seq in range(1, 201)])
    assert len(await bus.entries(partition_of("wf_1"))) == 1


async def test_workflows_are_spread_over_the_partitions_and_none_is_lost(bus: Bus) -> None:
    workflows = [f"wf_{number}" for number in range(200)]
    await bus.publisher.publish([event(workflow_id) for workflow_id in workflows])
    seen = {partition: await bus.envelopes(partition) for partition in range(PARTITIONS)}
    assert all(seen.values())
    assert {envelope["data"]["workflow_id"] for found in seen.values() for envelope in found} == set(workflows)


async def test_publishing_again_repeats_the_same_id(bus: Bus) -> None:
    await bus.publisher.publish([event()])
    await bus.publisher.publish([event()])
    assert [envelope["id"] for envelope in await bus.of("wf_1")] == ["wf_1:1", "wf_1:1"]


async def test_publishing_nothing_does_nothing(bus: Bus) -> None:
    await bus.publisher.publish([])
    assert not [entry for partition in range(PARTITIONS) for entry in await bus.entries(partition)]
