"""Updates as server-sent events. Only facts have an `id:`, so that `Last-Event-ID` always resumes after a fact."""

from __future__ import annotations

import json

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from archwright.engine.v1 import workflows_pb2 as pb


def event_text(update: pb.WatchWorkflowResponse) -> bytes:
    """Return the text of one update."""
    match update.WhichOneof("update"):
        case "event":
            event = update.event
            return f"id: {event.seq}\nevent: {event.event_type}\ndata: {_json(event)}\n\n".encode()
        case "progress":
            return f"event: task_progress\ndata: {_json(update.progress)}\n\n".encode()
        case "chunk":
            return f"event: task_chunk\ndata: {_json(update.chunk)}\n\n".encode()
        case "reset":
            return f"event: task_reset\ndata: {_json(update.reset)}\n\n".encode()
        case "ended":
            return f"event: ended\ndata: {_json(update.ended)}\n\n".encode()
        case _:
            return b": still there\n\n"


def _json(message: Message) -> str:
    told = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
