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


def on_wire(frame: f.AgentFrame) -> pb.AgentFrame:
    (message,) = wire.messages([frame])
    (encoded,) = message.frames
    return encoded


def test_small_frames_travel_together_in_their_order() -> None:
    frames: list[f.AgentFrame] = [f.Accept(DELIVERY), f.Pong(1), f.Credit(3)]
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
    failure = on_wire(f.Failure(DELIVERY, category, "CODE", "message", 1.5, b"{}")).failure
    assert reason_pb2.ErrorCategory.Name(failure.category) == category.name
    assert failure.retry_after.ToMilliseconds() == 1500


def test_a_failure_without_a_pause_says_none() -> None:
    assert not on_wire(f.Failure(DELIVERY, ErrorCategory.BUSINESS, "", "no")).failure.HasField("retry_after")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (f.Hello("", (), ()), "hello"),
        (f.Credit(0), "credit"),
        (f.Accept(f.Delivery("", 0, "")), "accept"),
        (f.Reject(DELIVERY, ErrorCategory.CAPACITY, 0.0), "reject"),
        (f.Progress(DELIVERY, 0.0, ""), "progress"),
        (f.Result(f.Delivery("", 0, ""), b""), "result"),
        (f.Failure(DELIVERY, ErrorCategory.BUSINESS, "", ""), "failure"),
        (f.Pong(0), "pong"),
        (f.Draining(""), "draining"),
    ],
)
def test_a_frame_says_its_kind_even_when_it_says_nothing_else(frame: f.AgentFrame, kind: str) -> None:
    assert on_wire(frame).WhichOneof("frame") == kind


def test_every_message_keeps_its_bounds_with_frames_of_every_kind() -> None:
    wide = "ü" * 4000
    frames: list[f.AgentFrame] = [
        f.Hello("a" * 90, ("c" * 90,) * 50, (DELIVERY,) * 900),
        *[f.Failure(DELIVERY, ErrorCategory.PERMANENT, wide, wide, 1.0, b"x" * 60_000) for _ in range(40)],
        *[f.Result(DELIVERY, b"x" * 90_000, (f.ArtifactReference(wide, "0" * 64),) * 9) for _ in range(40)],
        *[f.Progress(DELIVERY, 1.0, wide) for _ in range(400)],
        *[f.Accept(f.Delivery("task_" + "0" * 26, 1 << 30, "lease_" + "0" * 26)) for _ in range(9000)],
    ]
    sent = list(wire.messages(frames))
    assert sum(len(message.frames) for message in sent) == len(frames)
    assert all(message.ByteSize() <= wire.MESSAGE_BYTES_MAX for message in sent)


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


def test_what_models_took_goes_with_the_result() -> None:
    told = on_wire(f.Result(DELIVERY, b"{}", (), f.Usage("small", 10, 2, 30))).result.usage

    assert (told.model, told.input_tokens, told.output_tokens, told.cost_micros) == ("small", 10, 2, 30)
    assert not on_wire(f.Result(DELIVERY, b"{}")).result.HasField("usage")


@pytest.mark.parametrize(
    ("budget", "read"),
    [
        (None, None),
        (pb.ModelBudget(), f.Budget()),
        (pb.ModelBudget(tokens=0), f.Budget(tokens=0)),
        (pb.ModelBudget(tokens=7, cost_micros=9), f.Budget(7, 9)),
    ],
)
def test_nothing_left_is_not_no_limit(budget: pb.ModelBudget | None, read: f.Budget | None) -> None:
    assign = pb.EngineFrame(assign=pb.Assign(delivery=ON_WIRE, budget=budget))
    (frame,) = wire.decode(pb.ConnectResponse(frames=[assign]))

    assert isinstance(frame, f.Assign)
    assert frame.budget == read
