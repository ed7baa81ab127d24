"""What WebSockets carry: JSON objects, each with a `type`. Names of fields are those of the contract."""

from __future__ import annotations

from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from archwright.client.watch import Update
from archwright.engine.v1.workflows_pb2 import TaskChunk, TaskProgress, TaskReset, WatchEnded, Workflow
from archwright.errors import ArchwrightError
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent


def hello(workflow: Workflow, after_seq: int, ping_seconds: float) -> bytes:
    """Return the first message: how the workflow stands, and where events begin."""
    return _text("hello", workflow=_fields(workflow), after_seq=after_seq, ping_seconds=ping_seconds)


def update(told: Update) -> bytes:
    """Return the message of a fact, of what a task's agent says, or of the end."""
    match told:
        case WorkflowEvent():
            return _text("event", seq=told.seq, event=_fields(told))
        case TaskProgress():
            return _text("progress", progress=_fields(told))
        case TaskChunk():
            return _text("chunk", chunk=_fields(told))
        case TaskReset():
            return _text("reset", reset=_fields(told))
        case WatchEnded():
            return _text("ended", status=Workflow.Status.Name(told.status), last_seq=told.last_seq)


def status(workflow: Workflow) -> bytes:
    """Return the message that a workflow stands differently; what never changes is left out."""
    slim = Workflow()
    slim.CopyFrom(workflow)
    for name in ("input", "context"):
        slim.ClearField(name)
    return _text("status", workflow=_fields(slim))


def ping(last_seq: int) -> bytes:
    """Return the message that nothing happened."""
    return _text("ping", last_seq=last_seq)


def problem(error: ArchwrightError) -> bytes:
    """Return the message that precedes a close for a reason."""
    return _text("error", reason=error.reason, message=error.message, facts=dict(error.facts))


def _fields(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _text(kind: str, **more: Any) -> bytes:
    return orjson.dumps({"type": kind, **more})
