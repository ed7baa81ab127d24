"""Frames to protobuf and back, and how many go into one message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from google.protobuf.duration_pb2 import Duration

from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.problem.v1 import reason_pb2
from archwright.sdk import frames as f

PROTOCOL_VERSION = 1
MESSAGE_BYTES_MAX = 1 << 20
_FRAME_OVERHEAD_BYTES = 8


def messages(frames: Iterable[f.AgentFrame]) -> Iterator[pb.ConnectRequest]:
    """Yield the messages that carry `frames` in order: each of at most 1 MiB, or of a single bigger frame."""
    gathered: list[pb.AgentFrame] = []
    size = 0
    for frame in frames:
        encoded = encode(frame)
        frame_size = encoded.ByteSize() + _FRAME_OVERHEAD_BYTES
        if gathered and size + frame_size > MESSAGE_BYTES_MAX:
            yield pb.ConnectRequest(frames=gathered)
            gathered, size = [], 0
        gathered.append(encoded)
        size += frame_size
    if gathered:
        yield pb.ConnectRequest(frames=gathered)


def encode(frame: f.AgentFrame) -> pb.AgentFrame:
    """Return an agent's frame as protobuf."""
    match frame:
        case f.Hello(agent_id, capabilities, in_flight):
            hello = pb.Hello(agent_id=agent_id, protocol_version=PROTOCOL_VERSION, capabilities=capabilities)
            hello.in_flight.extend(map(_delivery, in_flight))
            return pb.AgentFrame(hello=hello)
        case f.Credit(slots):
            return pb.AgentFrame(credit=pb.Credit(slots=slots))
        case f.Accept(delivery):
            return pb.AgentFrame(accept=pb.Accept(delivery=_delivery(delivery)))
        case f.Reject(delivery, category, retry_after_seconds):
            return pb.AgentFrame(
                reject=pb.Reject(
                    delivery=_delivery(delivery),
                    category=reason_pb2.ErrorCategory.Value(category.name),
                    retry_after=_duration(retry_after_seconds),
                )
            )
        case f.Progress(delivery, percent, message):
            return pb.AgentFrame(progress=pb.Progress(delivery=_delivery(delivery), percent=percent, message=message))
        case f.Result(delivery, output, artifacts):
            named = [pb.ArtifactReference(name=artifact.name, sha256=artifact.sha256) for artifact in artifacts]
            return pb.AgentFrame(result=pb.Result(delivery=_delivery(delivery), output=output, artifacts=named))
        case f.Failure():
            return pb.AgentFrame(failure=_failure(frame))
        case f.Pong(nonce):
            return pb.AgentFrame(pong=pb.Pong(nonce=nonce))
        case f.Draining(reason):
            return pb.AgentFrame(draining=pb.Draining(reason=reason))
    assert_never(frame)


def decode(message: pb.ConnectResponse) -> tuple[f.EngineFrame, ...]:
    """Return the engine's frames; those of a kind that is newer than this SDK are left out."""
    return tuple(frame for encoded in message.frames if (frame := _engine_frame(encoded)) is not None)


def _engine_frame(encoded: pb.EngineFrame) -> f.EngineFrame | None:
    match encoded.WhichOneof("frame"):
        case "assign":
            return _assign(encoded.assign)
        case "result_ack":
            ack = encoded.result_ack
            return f.ResultAck(_delivered(ack.delivery), _OUTCOMES.get(ack.outcome, f.Outcome.STALE), ack.message)
        case "ping":
            return f.Ping(encoded.ping.nonce, encoded.ping.renewed_nonce)
        case "cancel":
            cancel = encoded.cancel
            return f.Cancel(_delivered(cancel.delivery), _seconds(cancel.grace), cancel.reason)
        case "lease_lost":
            return f.LeaseLost(_delivered(encoded.lease_lost.delivery))
        case "welcome":
            welcome = encoded.welcome
            return f.Welcome(
                welcome.session_id,
                _seconds(welcome.ping_interval),
                _seconds(welcome.lease_ttl),
                tuple(map(_delivered, welcome.keep)),
                tuple(map(_delivered, welcome.abandon)),
            )
        case "drain":
            return f.Drain(_seconds(encoded.drain.reconnect_after))
        case _:
            return None


_OUTCOMES = {
    pb.ResultAck.APPLIED: f.Outcome.APPLIED,
    pb.ResultAck.DUPLICATE: f.Outcome.DUPLICATE,
    pb.ResultAck.STALE: f.Outcome.STALE,
    pb.ResultAck.REFUSED: f.Outcome.REFUSED,
}


def _assign(assign: pb.Assign) -> f.Assign:
    return f.Assign(
        delivery=_delivered(assign.delivery),
        workflow_id=assign.workflow_id,
        step=assign.step,
        task_type=assign.task_type,
        tenant=assign.tenant,
        input=assign.input,
        context=assign.context,
        deadline=assign.deadline.ToNanoseconds() / 1e9 if assign.HasField("deadline") else None,
        idempotency_key=assign.idempotency_key,
        failures=assign.failures,
        traceparent=assign.traceparent,
        repair_errors=tuple(assign.repair_errors),
    )


def _failure(failure: f.Failure) -> pb.Failure:
    encoded = pb.Failure(
        delivery=_delivery(failure.delivery),
        category=reason_pb2.ErrorCategory.Value(failure.category.name),
        code=failure.code,
        message=failure.message,
        details=failure.details,
    )
    if failure.retry_after_seconds is not None:
        encoded.retry_after.CopyFrom(_duration(failure.retry_after_seconds))
    return encoded


def _delivery(delivery: f.Delivery) -> pb.Delivery:
    return pb.Delivery(task_id=delivery.task_id, attempt=delivery.attempt, lease_id=delivery.lease_id)


def _delivered(delivery: pb.Delivery) -> f.Delivery:
    return f.Delivery(delivery.task_id, delivery.attempt, delivery.lease_id)


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(int(seconds * 1e9))
    return duration


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9
