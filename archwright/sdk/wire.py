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
_SMALL_BYTES = 256
"""What a frame takes at most besides the parts that are counted."""


def messages(frames: Iterable[f.AgentFrame]) -> Iterator[pb.ConnectRequest]:
    """Yield the messages that carry `frames` in order: each of at most 1 MiB, or of a single bigger frame."""
    message, size = pb.ConnectRequest(), 0
    for frame in frames:
        frame_size = _size_max(frame)
        if size and size + frame_size > MESSAGE_BYTES_MAX:
            yield message
            message, size = pb.ConnectRequest(), 0
        write(frame, message.frames.add())
        size += frame_size
    if size:
        yield message


def write(frame: f.AgentFrame, encoded: pb.AgentFrame) -> None:
    """Make an empty protobuf say what the agent's frame says.

    In place: a frame that is filled where it stands costs a third of one that is made apart and copied in.
    """
    match frame:
        case f.Result():
            result = encoded.result
            result.output = frame.output
            _deliver(frame.delivery, result.delivery)
            for artifact in frame.artifacts:
                result.artifacts.add(name=artifact.name, sha256=artifact.sha256)
            if (usage := frame.usage) is not None:
                result.usage.model = usage.model
                result.usage.input_tokens, result.usage.output_tokens = usage.input_tokens, usage.output_tokens
                result.usage.cost_micros = usage.cost_micros
        case f.Accept(delivery):
            _deliver(delivery, encoded.accept.delivery)
        case f.Credit(slots):
            encoded.credit.slots = slots
        case f.Progress(delivery, percent, message):
            encoded.progress.percent = percent
            encoded.progress.message = message
            _deliver(delivery, encoded.progress.delivery)
        case f.Chunk(delivery, seq, part):
            encoded.chunk.seq, encoded.chunk.part = seq, part
            _deliver(delivery, encoded.chunk.delivery)
        case f.Failure():
            _write_failure(frame, encoded.failure)
        case f.Reject(delivery, category, retry_after_seconds):
            encoded.reject.category = reason_pb2.ErrorCategory.Value(category.name)
            _pause(retry_after_seconds, encoded.reject.retry_after)
            _deliver(delivery, encoded.reject.delivery)
        case f.Pong(nonce):
            encoded.pong.nonce = nonce
        case f.Draining(reason):
            encoded.draining.reason = reason
        case f.Hello(agent_id, capabilities, in_flight):
            hello = encoded.hello
            hello.agent_id, hello.protocol_version = agent_id, PROTOCOL_VERSION
            hello.capabilities.extend(capabilities)
            for delivery in in_flight:
                _deliver(delivery, hello.in_flight.add())
        case _:
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
    deadline = assign.deadline if assign.HasField("deadline") else None
    return f.Assign(
        _delivered(assign.delivery),
        assign.workflow_id,
        assign.step,
        assign.task_type,
        assign.tenant,
        assign.input,
        assign.context,
        None if deadline is None else deadline.seconds + deadline.nanos / 1e9,
        assign.idempotency_key,
        assign.failures,
        assign.traceparent,
        tuple(assign.repair_errors) if assign.repair_errors else (),
        assign.capability,
        _budget(assign.budget) if assign.HasField("budget") else None,
    )


def _budget(budget: pb.ModelBudget) -> f.Budget:
    return f.Budget(
        budget.tokens if budget.HasField("tokens") else None,
        budget.cost_micros if budget.HasField("cost_micros") else None,
    )


def _write_failure(failure: f.Failure, encoded: pb.Failure) -> None:
    encoded.category = reason_pb2.ErrorCategory.Value(failure.category.name)
    encoded.code = failure.code
    encoded.message = failure.message
    encoded.details = failure.details
    if failure.retry_after_seconds is not None:
        _pause(failure.retry_after_seconds, encoded.retry_after)
    _deliver(failure.delivery, encoded.delivery)


def _size_max(frame: f.AgentFrame) -> int:
    """Return how many bytes a frame takes at most. To encode it for its true size would cost more than the sending."""
    match frame:
        case f.Result():
            names = sum(_text_max(artifact.name) + _text_max(artifact.sha256) for artifact in frame.artifacts)
            model = _text_max(frame.usage.model) if frame.usage is not None else 0
            return _SMALL_BYTES + len(frame.output) + names + 16 * len(frame.artifacts) + model
        case f.Failure():
            return _SMALL_BYTES + len(frame.details) + _text_max(frame.message) + _text_max(frame.code)
        case f.Progress():
            return _SMALL_BYTES + _text_max(frame.message)
        case f.Chunk():
            return _SMALL_BYTES + len(frame.part)
        case f.Hello():
            words = _text_max(frame.agent_id) + sum(_SMALL_BYTES + _text_max(word) for word in frame.capabilities)
            return _SMALL_BYTES * (1 + len(frame.in_flight)) + words
        case _:
            return _SMALL_BYTES


def _text_max(text: str) -> int:
    return 4 * len(text)


def _deliver(delivery: f.Delivery, encoded: pb.Delivery) -> None:
    encoded.task_id, encoded.attempt, encoded.lease_id = delivery


def _delivered(delivery: pb.Delivery) -> f.Delivery:
    return f.Delivery(delivery.task_id, delivery.attempt, delivery.lease_id)


def _pause(seconds: float, encoded: Duration) -> None:
    encoded.FromNanoseconds(int(seconds * 1e9))


def _seconds(duration: Duration) -> float:
    return duration.ToNanoseconds() / 1e9
