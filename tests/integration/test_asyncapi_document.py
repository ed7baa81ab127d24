"""The AsyncAPI document is one, and what is really published and told is as it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from archwright.asyncapi import document
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.events.catalogue import CATALOGUE, Lane
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.bus.event import BusEvent, to_cloud_event
from services.realtime import messages

ROOT = Path(__file__).parents[2]
SPECS = ROOT / ".venv-mermaid/node_modules/@asyncapi/specs/schemas"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PUBLISHED = [known for known in CATALOGUE.values() if known.lane is Lane.HISTORY]


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document())
    return found


def of_schema(asyncapi: dict[str, Any], schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Return what checks values against a schema of the document."""
    whole = {**schema, "components": asyncapi["components"]}
    return jsonschema_rs.Draft202012Validator(whole, offline=True)


def test_it_is_a_document_of_asyncapi_3(asyncapi: dict[str, Any]) -> None:
    if not SPECS.exists():
        pytest.skip("The schema of AsyncAPI is not here; `make .venv-mermaid/ready` fetches it")
    schema = json.loads((SPECS / "3.0.0-without-$id.json").read_text())
    errors = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}"
        for error in jsonschema_rs.Draft7Validator(schema, offline=True).iter_errors(asyncapi)
    ]
    assert errors == []


@pytest.mark.parametrize("known", PUBLISHED, ids=lambda known: known.name)
def test_every_event_is_published_as_it_says(asyncapi: dict[str, Any], known: Any) -> None:
    attributes = dict.fromkeys(known.routing, "x")
    event = BusEvent("acme", "wf_1", 7, known.name, NOON, attributes, task_id="task_1", definition_name="order")
    batch = asyncapi["components"]["messages"]["batch"]["payload"]
    own = asyncapi["components"]["messages"][known.name]["payload"]

    of_schema(asyncapi, batch).validate([to_cloud_event(event)])
    of_schema(asyncapi, own).validate(to_cloud_event(event))


def test_what_routes_nothing_is_no_part_of_it(asyncapi: dict[str, Any]) -> None:
    envelope = to_cloud_event(BusEvent("acme", "wf_1", 7, "task_completed", NOON))
    facts = {**envelope["data"], "payload": {"output": "secret"}}
    own = of_schema(asyncapi, asyncapi["components"]["messages"]["task_completed"]["payload"])

    assert not own.is_valid({**envelope, "data": facts})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hello", messages.hello(pb.Workflow(workflow_id="wf_1", last_seq=3), 2, 15.0)),
        ("event", messages.update(WorkflowEvent(seq=3, event_type="task_completed"))),
        ("progress", messages.update(pb.TaskProgress(percent=4.5, message="x"))),
        ("chunk", messages.update(pb.TaskChunk(number=1, part=b"\x00"))),
        ("reset", messages.update(pb.TaskReset(attempt=2))),
        ("status", messages.status(pb.Workflow(status=pb.Workflow.RUNNING))),
        ("ping", messages.ping(3)),
        ("ended", messages.update(pb.WatchEnded(status=pb.Workflow.FAILED, last_seq=9))),
    ],
)
def test_every_message_of_a_websocket_is_as_it_says(asyncapi: dict[str, Any], name: str, text: bytes) -> None:
    payload = asyncapi["components"]["messages"][f"socket_{name}"]["payload"]

    of_schema(asyncapi, payload).validate(json.loads(text))
