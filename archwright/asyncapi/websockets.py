"""The WebSockets in the document: two addresses for each workflow, and the messages of each."""

from __future__ import annotations

from collections.abc import Mapping

from archwright.openapi.schemas import Json, reference

_STATUS = {"type": "string", "enum": ["COMPLETED", "FAILED", "CANCELLED"]}
_SEQ = {"type": "integer", "minimum": 0}

_MESSAGES: Mapping[str, tuple[str, Mapping[str, Json]]] = {
    "hello": (
        "The first: how the workflow stands, after which event the others begin, and how often silence is broken.",
        {
            "workflow": reference("archwright.engine.v1.Workflow"),
            "after_seq": _SEQ,
            "ping_seconds": {"type": "number"},
        },
    ),
    "event": (
        "Something happened. `seq` is the cursor to come back with.",
        {"seq": _SEQ, "event": reference("archwright.events.v1.WorkflowEvent")},
    ),
    "progress": ("How a task is getting on.", {"progress": reference("archwright.engine.v1.TaskProgress")}),
    "chunk": ("A piece of a task's output.", {"chunk": reference("archwright.engine.v1.TaskChunk")}),
    "reset": ("Another attempt of a task begins.", {"reset": reference("archwright.engine.v1.TaskReset")}),
    "status": ("The workflow stands differently.", {"workflow": reference("archwright.engine.v1.Workflow")}),
    "ping": ("Nothing happened.", {"last_seq": _SEQ}),
    "ended": ("The workflow has ended, and nothing follows.", {"status": _STATUS, "last_seq": _SEQ}),
    "error": (
        "Why this is about to be closed.",
        {"reason": {"type": "string"}, "message": {"type": "string"}, "facts": {"type": "object"}},
    ),
}
_TOLD: Mapping[str, tuple[str, ...]] = {
    "events": ("hello", "event", "progress", "chunk", "reset", "ping", "ended", "error"),
    "status": ("hello", "status", "ping", "ended", "error"),
}


def channels() -> Json:
    """Return the two addresses."""
    return {f"workflow_{kind}": _channel(kind, told) for kind, told in _TOLD.items()}


def operations() -> Json:
    """Return what may be done with them: listen."""
    return {
        f"watchWorkflow{kind.capitalize()}": {
            "action": "receive",
            "summary": f"Watch the {kind} of a workflow.",
            "channel": {"$ref": f"#/channels/workflow_{kind}"},
            "messages": [{"$ref": f"#/channels/workflow_{kind}/messages/{name}"} for name in told],
        }
        for kind, told in _TOLD.items()
    }


def messages() -> Json:
    """Return the messages."""
    return {
        f"socket_{name}": {
            "name": name,
            "summary": summary,
            "contentType": "application/json",
            "payload": {
                "type": "object",
                "required": ["type", *fields],
                "properties": {"type": {"const": name}, **fields},
            },
        }
        for name, (summary, fields) in _MESSAGES.items()
    }


def _channel(kind: str, told: tuple[str, ...]) -> Json:
    channel: Json = {
        "address": f"/ws/workflow/{{workflow_id}}/{kind}",
        "servers": [{"$ref": "#/servers/gateway"}],
        "parameters": {"workflow_id": {"description": "The workflow, `wf_…`."}},
        "messages": {name: {"$ref": f"#/components/messages/socket_{name}"} for name in told},
    }
    if kind == "events":
        query = {"type": "object", "properties": {"after_seq": {**_SEQ, "description": "Only what came after it."}}}
        channel["bindings"] = {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}}
    return channel
