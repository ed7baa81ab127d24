"""Frames of the agents' stream, between their wire form and ours."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import assert_never

from google.protobuf.duration_pb2 import Duration

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import StreamProtocol
from services.engine.ports.keys import Fence
from services.engine.sessions import Acknowledged, Assignment, Budget, Cancelling, GoingAway, Lost, Outgoing, Pinging

OUTCOMES = {
    "applied": pb.ResultAck.APPLIED,
    "duplicate": pb.ResultAck.DUPLICATE,
    "stale": pb.ResultAck.STALE,
    "refused": pb.ResultAck.REFUSED,
}


def fill(encoded: pb.EngineFrame, frame: Outgoing, cancel_grace_seconds: float) -> None:
    """Write a frame into its place in a message: building it beside and copying it would cost twice as much."""
    match frame:
        case Assignment():
            _fill_assign(encoded.assign, frame)
        case Acknowledged(task_id, attempt, lease_id, outcome, message):
            ack = encoded.result_ack
            _fill_delivery(ack.delivery, task_id, attempt, lease_id)
            ack.outcome = OUTCOMES[outcome]
            if message:
                ack.message = message
        case Cancelling(task_id, attempt, lease_id, reason):
            _fill_delivery(encoded.cancel.delivery, task_id, attempt, lease_id)
            encoded.cancel.grace.FromTimedelta(timedelta(seconds=cancel_grace_seconds))
            encoded.cancel.reason = reason
        case Lost(task_id, attempt, lease_id):
            _fill_delivery(encoded.lease_lost.delivery, task_id, attempt, lease_id)
        case Pinging(nonce, renewed_nonce):
            encoded.ping.nonce, encoded.ping.renewed_nonce = nonce, renewed_nonce
        case GoingAway(reconnect_after_seconds):
            encoded.drain.reconnect_after.FromTimedelta(timedelta(seconds=reconnect_after_seconds))
        case _:
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


def _fill_delivery(delivery: pb.Delivery, task_id: str, attempt: int, lease_id: uuid.UUID | None) -> None:
    delivery.task_id, delivery.attempt = task_id, attempt
    if lease_id is not None:
        delivery.lease_id = ids.show("lease", lease_id)


def _fill_assign(assign: pb.Assign, frame: Assignment) -> None:
    _fill_delivery(assign.delivery, frame.task_id, frame.attempt, frame.lease_id)
    since_1970 = frame.deadline.timestamp()
    assign.deadline.seconds = int(since_1970)
    assign.deadline.nanos = int(since_1970 % 1 * 1_000_000_000)
    assign.idempotency_key = frame.idempotency_key
    assign.workflow_id = frame.key.workflow_id
    assign.step = frame.step
    assign.task_type = frame.task_type
    assign.input = frame.input
    assign.context = frame.context
    assign.tenant = frame.key.tenant
    assign.failures = frame.failures
    assign.repair_errors.extend(frame.repair_errors)
    assign.capability = frame.capability
    if frame.budget is not None:
        fill_budget(assign.budget, frame.budget)


def fill_budget(message: pb.ModelBudget, budget: Budget) -> None:
    """Say what language models may still take."""
    if budget.tokens is not None:
        message.tokens = budget.tokens
    if budget.cost_micros is not None:
        message.cost_micros = budget.cost_micros
    message.SetInParent()
