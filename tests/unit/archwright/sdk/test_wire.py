"""Frames on the wire, and how they are gathered into messages."""

from __future__ import annotations

import pytest

from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.language.model import ErrorCategory
from archwright.problem.v1 import reason_pb2
from archwright.sdk import frames as f
from archwright.sdk import wire

DELIVERY = f.Delivery("task_1", 2, "lease_1")
ON_WIRE = pb.Delivery(task_id="task_1", attempt=2, lease_id="lease_1")


def test_small_frames_travel_together_in_their_order() -> None:
    frames = [f.Accept(DELIVERY), f.Pong(1), f.Credit(3)]
    (message,) = wire.messages(frames)
    assert [frame.WhichOneof("frame") for frame in message.frames] == ["accept", "pong", "credit"]


def test_a_message_holds_at_most_a_mebibyte_and_a_bigger_frame_travels_alone() -> None:
    small, large = f.Result(DELIVERY, b"x" * 400_000), f.Result(DELIVERY, b"x" * (1 << 20))
    sent = list(wire.messages([small, small, small, large, small]))
    assert [len(message.frames) for message in sent] == [2, 1, 1, 1]
    assert all(message.ByteSize() <= wire.MESSAGE_BYTES_MAX for message in sent if len(message.frames) > 1)


def test_nothing_makes_no_message() -> None:
    assert list(wire.messages([])) == []


@pytest.mark.parametrize("category", list(ErrorCategory))
def test_every_category_has_its_place_in_the_contract(category: ErrorCategory) -> None:
    failure = wire.encode(f.Failure(DELIVERY, category, "CODE", "message", 1.5, b"{}")).failure
    assert reason_pb2.ErrorCategory.Name(failure.category) == category.name
    assert failure.retry_after.ToMilliseconds() == 1500


def test_a_failure_without_a_pause_says_none() -> None:
    assert not wire.encode(f.Failure(DELIVERY, ErrorCategory.BUSINESS, "", "no")).failure.HasField("retry_after")


@pytest.mark.parametrize("outcome", list(f.Outcome))
def test_every_outcome_is_understood(outcome: f.Outcome) -> None:
    ack = pb.ResultAck(delivery=ON_WIRE, outcome=pb.ResultAck.Outcome.Value(outcome.name), message="why")
    message = pb.ConnectResponse(frames=[pb.EngineFrame(result_ack=ack)])
    assert wire.decode(message) == (f.ResultAck(DELIVERY, outcome, "why"),)


def test_an_assignment_without_a_deadline_has_none() -> None:
    (frame,) = wire.decode(pb.ConnectResponse(frames=[pb.EngineFrame(assign=pb.Assign(delivery=ON_WIRE))]))
    assert isinstance(frame, f.Assign)
    assert frame.deadline is None


def test_a_frame_of_a_newer_engine_is_left_out() -> None:
    message = pb.ConnectResponse(frames=[pb.EngineFrame(), pb.EngineFrame(ping=pb.Ping(nonce=1))])
    assert wire.decode(message) == (f.Ping(1, 0),)
