"""Lets callers follow workflows: as messages, and as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from google.api import httpbody_pb2

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import RequestInvalid
from archwright.serving.calls import Call
from services.engine.api.requests import key_of
from services.engine.api.sse import event_text
from services.engine.api.views import event_view, status_number
from services.engine.api.watch import Ended, Happened, Seen, StillThere, Watching
from services.engine.live import ChunkTold, ProgressTold, TaskHanded
from services.engine.ports.history import Summary

_STREAM = "text/event-stream"


class Following:
    """Answers callers who follow."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    async def watch_workflow(
        self, request: pb.WatchWorkflowRequest, call: Call
    ) -> AsyncIterator[pb.WatchWorkflowResponse]:
        """Follow a workflow."""
        key = key_of(request.workflow_id, call)
        if request.only_end:
            async for sign in self._watching.end_of(key):
                yield _sign(sign)
            return
        summary = await self._watching.require(key, request.after_seq)
        async for seen in self._watching.follow(key, request.after_seq):
            yield _response(summary, seen)

    async def watch_workflow_sse(
        self, request: pb.WatchWorkflowSseRequest, call: Call
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Follow a workflow as server-sent events."""
        key = key_of(request.workflow_id, call)
        after_seq = _last_event_id(call) or request.after_seq
        summary = await self._watching.require(key, after_seq)
        # The first bytes tell the browser at once that it is connected.
        yield httpbody_pb2.HttpBody(content_type=_STREAM, data=b": connected\n\n")
        async for seen in self._watching.follow(key, after_seq):
            yield httpbody_pb2.HttpBody(content_type=_STREAM, data=event_text(_response(summary, seen)))


def _last_event_id(call: Call) -> int | None:
    text = call.metadata.get("last-event-id", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise RequestInvalid(f"The header Last-Event-ID is {text[:40]!r}; it must be the number of an event.")
    return int(text)


def _response(summary: Summary, seen: Seen) -> pb.WatchWorkflowResponse:
    match seen:
        case Happened(numbered):
            event = event_view(summary.key, summary.plan, summary.created.request_id, numbered)
            return pb.WatchWorkflowResponse(event=event)
        case ProgressTold():
            return pb.WatchWorkflowResponse(
                progress=pb.TaskProgress(
                    task_id=seen.task_id,
                    step=seen.step,
                    agent_type=seen.agent_type,
                    agent_id=seen.agent_id,
                    attempt=seen.attempt,
                    percent=seen.percent,
                    message=seen.message,
                )
            )
        case ChunkTold():
            return pb.WatchWorkflowResponse(
                chunk=pb.TaskChunk(
                    task_id=seen.task_id,
                    step=seen.step,
                    agent_type=seen.agent_type,
                    agent_id=seen.agent_id,
                    attempt=seen.attempt,
                    number=seen.number,
                    part=seen.part,
                )
            )
        case TaskHanded(attempt=attempt) if attempt > 1:
            return pb.WatchWorkflowResponse(
                reset=pb.TaskReset(
                    task_id=seen.task_id,
                    step=seen.step,
                    agent_type=seen.agent_type,
                    agent_id=seen.agent_id,
                    attempt=attempt,
                )
            )
        case TaskHanded():
            return pb.WatchWorkflowResponse(
                progress=pb.TaskProgress(
                    task_id=seen.task_id,
                    step=seen.step,
                    agent_type=seen.agent_type,
                    agent_id=seen.agent_id,
                    attempt=seen.attempt,
                )
            )
        case StillThere() | Ended():
            return _sign(seen)


def _sign(sign: StillThere | Ended) -> pb.WatchWorkflowResponse:
    match sign:
        case StillThere(last_seq):
            return pb.WatchWorkflowResponse(heartbeat=pb.Heartbeat(last_seq=last_seq))
        case Ended(status, last_seq):
            return pb.WatchWorkflowResponse(ended=pb.WatchEnded(status=status_number(status), last_seq=last_seq))
