"""The engine's half of the agents' stream: what an agent says, what that comes to, and what the agent is told."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import DeadlinePassed, RoleDenied, StreamProtocol
from archwright.problem.v1 import reason_pb2
from services.engine.api import agent_stream
from services.engine.api.agent_stream import AgentStream, Heard, hello_of
from services.engine.ports.keys import Fence, Key
from services.engine.ports.task_board import Held
from services.engine.sessions import (
    AGE_SHARE_MIN,
    Acknowledged,
    Assignment,
    Cancelling,
    GoingAway,
    HeldTask,
    Lost,
    Outgoing,
    Pinging,
    Session,
    Sessions,
    SessionTimes,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ME = "agent_1"
KEY = Key("acme", "wf_01k0000000e008000000000000")
FIRST, SECOND = (f"task_01k0000000e00800000000000{n}" for n in (1, 2))
LEASE, OTHER_LEASE = ids.new_uuid(), ids.new_uuid()
TIMES = SessionTimes(lease=15, renewal=1, age_max=1800)


def delivery(task_id: str = FIRST, lease: uuid.UUID = LEASE, attempt: int = 1) -> pb.Delivery:
    return pb.Delivery(task_id=task_id, attempt=attempt, lease_id=ids.show("lease", lease))


def result(told: pb.Delivery) -> pb.AgentFrame:
    return pb.AgentFrame(result=pb.Result(delivery=told, output=b"{}"))


def failure(told: pb.Delivery) -> pb.AgentFrame:
    return pb.AgentFrame(failure=pb.Failure(delivery=told, message="it broke"))


def accept(told: pb.Delivery) -> pb.AgentFrame:
    return pb.AgentFrame(accept=pb.Accept(delivery=told))


def reject(told: pb.Delivery) -> pb.AgentFrame:
    frame = pb.AgentFrame(reject=pb.Reject(delivery=told, category=reason_pb2.CAPACITY))
    frame.reject.retry_after.FromMilliseconds(1500)
    return frame


def credit(slots: int) -> pb.AgentFrame:
    return pb.AgentFrame(credit=pb.Credit(slots=slots))


def pong(nonce: int) -> pb.AgentFrame:
    return pb.AgentFrame(pong=pb.Pong(nonce=nonce))


def progress(told: pb.Delivery, percent: float = 50) -> pb.AgentFrame:
    return pb.AgentFrame(progress=pb.Progress(delivery=told, percent=percent))


def chunk(told: pb.Delivery, part: bytes = b"Once upon") -> pb.AgentFrame:
    return pb.AgentFrame(chunk=pb.Chunk(delivery=told, seq=1, part=part))


def hello(**said: object) -> pb.AgentFrame:
    return pb.AgentFrame(hello=pb.Hello(**{"agent_id": ME, "protocol_version": 1} | said))  # type: ignore[arg-type]


DRAINING = pb.AgentFrame(draining=pb.Draining(reason="told to stop"))


@dataclass
class Talk:
    """A stream that was opened at 100 s of the engine's clock, and the engine's end of it."""

    now: float = 100.0
    session: Session = field(default_factory=lambda: Session(ids.new_uuid(), ME, "writer", "platform"))
    stream: AgentStream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = AgentStream(self.session, [], self.now, TIMES)

    def says(self, *frames: pb.AgentFrame) -> Heard:
        return self.stream.received(frames, self.now)

    async def hears(self) -> list[Outgoing]:
        return await self.session.take()

    def is_given(self, task_id: str = FIRST, lease: uuid.UUID = LEASE, attempt: int = 1) -> HeldTask:
        self.session.assign(
            Assignment(
                KEY, task_id, attempt, lease, "a", "write", b"{}", b"{}", NOON, failures=attempt - 1, handed_at=self.now
            )
        )
        return self.session.held[task_id]

    def waits(self, seconds: float) -> None:
        self.now += seconds
        self.session.look(self.now)

    async def answers_a_ping(self) -> None:
        self.session.ping(self.now)
        *_, ping = await self.hears()
        assert isinstance(ping, Pinging)
        self.says(pong(ping.nonce))


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
async def at_work(talk: Talk) -> Talk:
    """The agent was given FIRST, and has read that."""
    talk.is_given()
    await talk.hears()
    return talk


# Hello


def test_a_stream_begins_with_hello() -> None:
    with pytest.raises(StreamProtocol, match="The first frame of a stream must be Hello"):
        hello_of([credit(1), hello()], ME)
    with pytest.raises(StreamProtocol, match="The first frame of a stream must be Hello"):
        hello_of([], ME)


def test_hello_speaks_for_the_agent_of_the_token_and_nobody_else() -> None:
    assert hello_of([hello()], ME).agent_id == ME
    with pytest.raises(RoleDenied, match="The token belongs to agent 'agent_1', and Hello names 'agent_2'"):
        hello_of([hello(agent_id="agent_2")], ME)


def test_another_version_of_the_protocol_is_named() -> None:
    with pytest.raises(StreamProtocol, match="speaks version 1 of the agents' protocol, not 2"):
        hello_of([hello(protocol_version=2)], ME)


def test_a_hello_without_end_is_refused() -> None:
    with pytest.raises(StreamProtocol, match="this one names 65 and 0"):
        hello_of([hello(capabilities=["greeting"] * 65)], ME)
    with pytest.raises(StreamProtocol, match="this one names 0 and 10,001"):
        hello_of([hello(in_flight=[delivery()] * 10_001)], ME)


def test_hello_is_said_once(talk: Talk) -> None:
    with pytest.raises(StreamProtocol, match="Hello may be said once"):
        talk.says(hello())


def test_what_the_agent_still_holds_it_keeps_and_what_another_has_it_abandons() -> None:
    session = Session(ids.new_uuid(), ME, "writer", "platform")
    stream = AgentStream(session, [Held(KEY, "a", ME, Fence(FIRST, 1, LEASE))], 100.0, TIMES)
    said = pb.Hello(agent_id=ME, in_flight=[delivery(), delivery(SECOND, OTHER_LEASE)])

    welcome = stream.welcome(said)

    assert list(welcome.keep) == [delivery()]
    assert list(welcome.abandon) == [delivery(SECOND, OTHER_LEASE)]
    assert (welcome.ping_interval.ToTimedelta().total_seconds(), welcome.lease_ttl.seconds) == (6, 15)


def test_the_result_of_what_was_kept_counts() -> None:
    session = Session(ids.new_uuid(), ME, "writer", "platform")
    stream = AgentStream(session, [Held(KEY, "a", ME, Fence(FIRST, 1, LEASE))], 100.0, TIMES)

    [(task, _)] = stream.received([result(delivery())], 100.0).ended

    assert task.fence == Fence(FIRST, 1, LEASE)


async def test_a_new_stream_ends_the_older_ones_of_its_agent_and_no_others(talk: Talk) -> None:
    newer, stranger = (Session(ids.new_uuid(), agent_id, "writer", "platform") for agent_id in (ME, "agent_2"))
    sessions = Sessions()
    for session in (talk.session, newer, stranger):
        sessions.add(session)

    sessions.supersede(newer)

    assert (talk.session.lost, newer.lost, stranger.lost) == (True, False, False)
    with pytest.raises(DeadlinePassed, match="its lease ended, or it connected anew elsewhere"):
        await talk.hears()


# Credit


def test_credit_adds_up(talk: Talk) -> None:
    assert talk.says(credit(2), credit(1)).has_room
    assert talk.session.credit == 3


@pytest.mark.parametrize("slots", [-1, 10_001])
def test_credit_beyond_reason_is_refused(talk: Talk, slots: int) -> None:
    with pytest.raises(StreamProtocol, match="Credit must be from 0 to 10000"):
        talk.says(credit(slots))


def test_credit_is_bounded_in_all_and_not_only_each_time(talk: Talk) -> None:
    talk.says(credit(10_000))
    with pytest.raises(StreamProtocol, match="1 more is not"):
        talk.says(credit(1))


# Accept and reject


async def test_an_accepted_task_is_noted_once(at_work: Talk) -> None:
    assert at_work.says(accept(delivery()), accept(delivery())).accepted == [Fence(FIRST, 1, LEASE)]


async def test_a_rejected_task_goes_back_and_waits_as_long_as_the_agent_says(at_work: Talk) -> None:
    assert at_work.says(reject(delivery())).given_back == [(Fence(FIRST, 1, LEASE), 1.5)]
    assert not at_work.session.held


@pytest.mark.parametrize(("asked_seconds", "waits_seconds"), [(-5, 0), (10**11, 60)])
async def test_a_rejection_keeps_a_task_from_others_for_a_minute_at_most(
    at_work: Talk, asked_seconds: int, waits_seconds: float
) -> None:
    frame = reject(delivery())
    frame.reject.retry_after.FromSeconds(asked_seconds)

    assert at_work.says(frame).given_back == [(Fence(FIRST, 1, LEASE), waits_seconds)]


async def test_a_task_cannot_be_rejected_after_its_result(at_work: Talk) -> None:
    heard = at_work.says(result(delivery()), reject(delivery()))

    assert (len(heard.ended), heard.given_back) == (1, [])


async def test_the_late_word_of_a_delivery_that_was_revoked_breaks_no_rule(at_work: Talk) -> None:
    late = delivery(lease=OTHER_LEASE)

    heard = at_work.says(accept(late), reject(late), progress(late), chunk(late))

    assert heard == Heard()
    assert FIRST in at_work.session.held


@pytest.mark.parametrize("say", [accept, reject, progress, chunk, result, failure])
@pytest.mark.parametrize("task_id", ["task_1", "wf_01k0000000e008000000000000", "", "task_" + "z" * 500])
def test_a_delivery_that_never_was_is_refused(talk: Talk, say: object, task_id: str) -> None:
    told = pb.Delivery(task_id=task_id, attempt=1, lease_id=ids.show("lease", LEASE))
    with pytest.raises(StreamProtocol, match="A frame names a delivery that never was"):
        talk.says(say(told))  # type: ignore[operator]


# Results


@pytest.mark.parametrize("end", [result, failure])
async def test_how_a_task_ended_implies_that_it_was_accepted(at_work: Talk, end: object) -> None:
    [(task, _)] = at_work.says(end(delivery())).ended  # type: ignore[operator]

    assert task.fence == Fence(FIRST, 1, LEASE)
    assert task.reported


async def test_what_is_said_twice_is_committed_once(at_work: Talk) -> None:
    assert len(at_work.says(result(delivery()), result(delivery())).ended) == 1
    assert at_work.says(result(delivery())).ended == []


@pytest.mark.parametrize(
    ("task_id", "lease", "attempt"),
    [(FIRST, OTHER_LEASE, 1), (FIRST, LEASE, 2), (FIRST, LEASE, 0), (SECOND, LEASE, 1)],
    ids=["another lease", "a later attempt", "an earlier attempt", "a task of somebody else"],
)
async def test_a_result_under_any_other_fence_is_stale(
    at_work: Talk, task_id: str, lease: uuid.UUID, attempt: int
) -> None:
    heard = at_work.says(result(delivery(task_id, lease, attempt)))

    assert heard.ended == []
    [ack] = await at_work.hears()
    assert isinstance(ack, Acknowledged)
    assert (ack.task_id, ack.attempt, ack.lease_id, ack.outcome) == (task_id, attempt, lease, "stale")


async def test_nothing_counts_that_a_closed_session_says(at_work: Talk) -> None:
    at_work.session.lose()

    assert at_work.says(result(delivery())).ended == []


async def test_all_that_one_message_says_of_ends_is_handed_on_together(talk: Talk) -> None:
    talk.is_given(FIRST)
    talk.is_given(SECOND, OTHER_LEASE)

    heard = talk.says(result(delivery(FIRST)), credit(2), failure(delivery(SECOND, OTHER_LEASE)))

    assert [task.task_id for task, _ in heard.ended] == [FIRST, SECOND]


# Progress and pieces


async def test_progress_and_pieces_are_passed_on(at_work: Talk) -> None:
    heard = at_work.says(progress(delivery(), 20), chunk(delivery()))

    assert [(task.task_id, told.percent) for task, told in heard.progressed] == [(FIRST, 20)]
    assert [(task.task_id, told.part) for task, told in heard.pieces] == [(FIRST, b"Once upon")]


@pytest.mark.parametrize("percent", [float("nan"), float("inf"), float("-inf")])
async def test_progress_is_a_number(at_work: Talk, percent: float) -> None:
    with pytest.raises(StreamProtocol, match="Progress must be a number"):
        at_work.says(progress(delivery(), percent))


async def test_a_piece_is_bounded(at_work: Talk) -> None:
    with pytest.raises(StreamProtocol, match="this one holds 65,537"):
        at_work.says(chunk(delivery(), b"x" * (agent_stream.CHUNK_BYTES_MAX + 1)))


# Signs of life


async def test_a_ping_names_the_pong_that_the_lease_was_renewed_on(talk: Talk) -> None:
    await talk.answers_a_ping()
    assert talk.session.has_answered
    talk.session.renewed_nonce = talk.session.last_pong

    talk.session.ping(talk.now)

    assert await talk.hears() == [Pinging(2, renewed_nonce=1)]
    assert not talk.session.has_answered


def test_a_pong_to_no_ping_is_refused(talk: Talk) -> None:
    with pytest.raises(StreamProtocol, match="Pong 7 answers a Ping that was never sent"):
        talk.says(pong(7))


async def test_an_old_pong_is_no_sign_of_life(talk: Talk) -> None:
    await talk.answers_a_ping()
    talk.waits(14)

    talk.says(pong(1))

    assert talk.session.is_suspect


async def test_an_agent_at_work_is_asked_three_times_as_often(talk: Talk) -> None:
    assert not talk.session.is_to_be_pinged(talk.now + 5.9)
    assert talk.session.is_to_be_pinged(talk.now + 6)
    talk.is_given()
    assert talk.session.is_to_be_pinged(talk.now + 2)


async def test_an_idle_agent_is_asked_before_it_is_given_a_task_so_that_it_knows_its_lease(talk: Talk) -> None:
    await talk.answers_a_ping()
    talk.session.renewed_nonce = 1
    talk.waits(5)

    talk.is_given()
    talk.is_given(SECOND, OTHER_LEASE)

    assert [type(frame) for frame in await talk.hears()] == [Pinging, Assignment, Assignment]
    assert talk.session.renewed_nonce == 1


async def test_one_that_was_asked_just_now_is_not_asked_again_for_a_task(talk: Talk) -> None:
    await talk.answers_a_ping()
    talk.waits(1.9)

    talk.is_given()

    assert [type(frame) for frame in await talk.hears()] == [Assignment]


async def test_whoever_does_not_read_is_not_sent_one_ping_after_the_other(talk: Talk) -> None:
    for _ in range(3):
        talk.session.ping(talk.now)

    assert await talk.hears() == [Pinging(1, renewed_nonce=0)]


async def test_a_silent_agent_is_given_nothing_new_and_left_after_a_whole_lease(talk: Talk) -> None:
    talk.waits(9.9)
    assert not talk.session.is_suspect
    talk.waits(0.1)
    assert talk.session.is_suspect
    talk.waits(5)
    with pytest.raises(DeadlinePassed, match="'agent_1' has answered no Ping for 15 s"):
        await talk.hears()


async def test_one_that_talks_and_answers_no_ping_is_silent_too(at_work: Talk) -> None:
    for _ in range(5):
        at_work.waits(3)
        at_work.says(progress(delivery()))

    with pytest.raises(DeadlinePassed):
        await at_work.hears()


async def test_an_answer_clears_an_agent_of_suspicion(talk: Talk) -> None:
    talk.waits(12)
    await talk.answers_a_ping()
    assert not talk.session.is_suspect


# What ends a task from outside


async def test_a_task_that_was_called_off_is_cancelled_and_its_result_stale(at_work: Talk) -> None:
    at_work.session.end(FIRST, cancelled=True)
    at_work.says(result(delivery()))

    cancel, ack = await at_work.hears()
    assert isinstance(cancel, Cancelling)
    assert isinstance(ack, Acknowledged)
    assert ack.outcome == "stale"


async def test_a_lease_that_another_replica_took_is_told_as_lost(at_work: Talk) -> None:
    at_work.session.reconcile(leases=(), among={LEASE})

    assert await at_work.hears() == [Lost(FIRST, 1, LEASE)]


async def test_what_came_after_the_database_was_asked_is_not_lost(at_work: Talk) -> None:
    at_work.session.reconcile(leases=(), among={OTHER_LEASE})

    assert FIRST in at_work.session.held


# Going


def test_an_agent_that_drains_gets_nothing_new_and_ends_what_it_holds(talk: Talk) -> None:
    talk.is_given()
    talk.says(DRAINING)
    assert talk.session.draining
    assert len(talk.says(result(delivery())).ended) == 1


def test_credit_after_draining_is_refused(talk: Talk) -> None:
    talk.says(DRAINING)
    with pytest.raises(StreamProtocol, match="Credit came after Draining"):
        talk.says(credit(1))


async def test_an_engine_that_goes_says_so_and_still_takes_results(at_work: Talk) -> None:
    at_work.session.send_away(at_work.now, after_seconds=1)
    at_work.session.send_away(at_work.now, after_seconds=1)

    assert await at_work.hears() == [GoingAway(1)]
    assert at_work.session.draining
    assert len(at_work.says(result(delivery()), credit(1)).ended) == 1


async def test_an_old_stream_is_sent_away_and_ended_a_lease_later(talk: Talk) -> None:
    for _ in range(199):
        talk.waits(9)
        await talk.answers_a_ping()
    talk.waits(9)
    assert await talk.hears() == [GoingAway(1)]

    for _ in range(2):
        await talk.answers_a_ping()
        talk.waits(8)

    assert await talk.hears() == [], "the end"


def test_streams_that_came_together_do_not_grow_old_together() -> None:
    times = SessionTimes(lease=15_000, renewal=1, age_max=1800)
    early, late = Talk(), Talk()
    early.session.times = late.session.times = times
    early.session.age_share = AGE_SHARE_MIN

    for agent in (early, late):
        agent.session.look(agent.now + AGE_SHARE_MIN * times.age_max)

    assert (early.session.draining, late.session.draining) == (True, False)
    late.session.look(late.now + times.age_max)
    assert late.session.draining


@pytest.mark.parametrize(("count", "spread_seconds"), [(1, 0), (50, 0.1), (1_000, 2), (10_000, 2)])
async def test_agents_of_an_engine_that_stops_go_one_after_the_other_and_all_soon(
    count: int, spread_seconds: float
) -> None:
    sessions = Sessions()
    for number in range(count):
        sessions.add(Session(ids.new_uuid(), f"agent_{number}", "writer", "platform"))

    sessions.send_away(100.0)

    told = [away.reconnect_after_seconds for each in sessions for away in await going_away(each)]
    assert len(set(told)) == count
    assert min(told) > 0
    assert max(told) - min(told) == pytest.approx(spread_seconds, abs=0.003)


async def going_away(session: Session) -> list[GoingAway]:
    return [frame for frame in await session.take() if isinstance(frame, GoingAway)]


async def test_what_an_agent_has_in_hand_is_what_it_has_not_reported(talk: Talk) -> None:
    first, second = talk.is_given(), talk.is_given(SECOND, OTHER_LEASE)
    talk.session.reserve()
    assert talk.session.in_hand == 3

    talk.says(result(delivery()), reject(delivery(SECOND, OTHER_LEASE)))
    assert talk.session.in_hand == 1

    talk.session.forget_report(first)
    assert talk.session.in_hand == 2, "the database did not take it: the agent will say so again"
    talk.session.forget_report(second)
    talk.says(result(delivery()))
    talk.session.settle(first)
    talk.session.give_up()
    assert (talk.session.in_hand, talk.session.credit) == (0, 0)


async def test_a_result_makes_room_for_one_that_gave_more_credit_than_it_registered_for(at_work: Talk) -> None:
    assert at_work.says(credit(1000)).has_room
    assert at_work.says(result(delivery())).has_room


async def test_a_later_delivery_of_what_was_reported_is_in_hand(at_work: Talk) -> None:
    at_work.says(result(delivery()))

    at_work.is_given(lease=OTHER_LEASE, attempt=2)

    assert at_work.session.in_hand == 1


@pytest.mark.parametrize("frame", [pb.AgentFrame(), hello()], ids=["an empty frame", "a second Hello"])
def test_what_came_before_a_frame_that_breaks_the_rules_is_lost_with_its_message(
    talk: Talk, frame: pb.AgentFrame
) -> None:
    talk.is_given()
    with pytest.raises(StreamProtocol):
        talk.says(result(delivery()), frame)
