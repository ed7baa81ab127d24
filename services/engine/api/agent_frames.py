"""Frames of the agents' stream, between their wire form and ours."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import assert_never

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import StreamProtocol
from services.engine.ports.keys import Fence
from services.engine.sessions import Acknowledged, Assignment, Cancelling, GoingAway, Lost, Outgoing, Pinging

_OUTCOMES = {
    "applied": pb.ResultAck.APPLIED,
    "duplicate": pb.ResultAck.DUPLICATE,
    "stale": pb.ResultAck.STALE,
    "refused": pb.ResultAck.REFUSED,
}


def shown(frame: Outgoing, cancel_grace_seconds: float) -> pb.EngineFrame:
    """Return a frame as the wire has it."""
    match frame:
        case Assignment():
            return pb.EngineFrame(assign=_assign(frame))
        case Cancelling(task_id, attempt, lease_id, reason):
            grace = duration(cancel_grace_seconds)
            return pb.EngineFrame(
                cancel=pb.Cancel(delivery=named(task_id, attempt, lease_id), grace=grace, reason=reason)
            )
        case Lost(task_id, attempt, lease_id):
            return pb.EngineFrame(lease_lost=pb.LeaseLost(delivery=named(task_id, attempt, lease_id)))
        case Acknowledged(task_id, attempt, lease_id, outcome, message):
            ack = pb.ResultAck(delivery=named(task_id, attempt, lease_id), outcome=_OUTCOMES[outcome], message=message)
            return pb.EngineFrame(result_ack=ack)
        case Pinging(nonce, renewed_nonce):
            return pb.EngineFrame(ping=pb.Ping(nonce=nonce, renewed_nonce=renewed_nonce))
        case GoingAway(reconnect_after_seconds):
            return pb.EngineFrame(drain=pb.Drain(reconnect_after=duration(reconnect_after_seconds)))
    assert_never(frame)


def named(task_id: str, attempt: int, lease_id: uuid.UUID | None) -> pb.Delivery:
    """Return what a delivery is called on the wire."""
    lease = "" if lease_id is None else ids.show("lease", lease_id)
    return pb.Delivery(task_id=task_id, attempt=attempt, lease_id=lease)


def fence_of(delivery: pb.Delivery) -> Fence:
    """Return the fence that a frame speaks for; raises StreamProtocol when its ids are none of ours."""
    try:
        ids.read("task", delivery.task_id)
        return Fence(delivery.task_id, delivery.attempt, ids.read("lease", delivery.lease_id))
    except ids.MalformedId as error:
        raise StreamProtocol(f"A frame names a delivery that never was: {error}.") from None


def duration(seconds: float) -> Duration:
    """Return a span of time as protobuf has it."""
    found = Duration()
    found.FromTimedelta(timedelta(seconds=seconds))
    return found


def _assign(frame: Assignment) -> pb.Assign:
    deadline = Timestamp()
    deadline.FromDatetime(frame.deadline)
    return pb.Assign(
        delivery=named(frame.task_id, frame.attempt, frame.lease_id),
        deadline=deadline,
        idempotency_key=frame.idempotency_key,
        workflow_id=frame.key.workflow_id,
        step=frame.step,
        task_type=frame.task_type,
        input=frame.input,
        context=frame.context,
        tenant=frame.key.tenant,
        failures=frame.failures,
        repair_errors=frame.repair_errors,
    )
