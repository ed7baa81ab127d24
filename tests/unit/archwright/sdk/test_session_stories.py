"""The agents' stream as transcripts: what the engine says, what the agent answers, what it does."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from archwright.language.model import ErrorCategory
from archwright.sdk import session as s
from archwright.sdk.frames import (
    Accept,
    AgentFrame,
    Assign,
    Cancel,
    Chunk,
    Credit,
    Delivery,
    Drain,
    Draining,
    EngineFrame,
    Failure,
    Hello,
    LeaseLost,
    Outcome,
    Ping,
    Pong,
    Progress,
    Reject,
    Result,
    ResultAck,
    Welcome,
)
from archwright.sdk.session import Effect, GiveUp, Ready, Reconnect, Session, Settled, Start, Stop

ME = "agent_1"
FIRST = Delivery("task_1", 1, "lease_1")
SECOND = Delivery("task_2", 1, "lease_2")
WELCOME = Welcome("session_1", ping_interval_seconds=3.0, lease_seconds=15.0)


def assign(delivery: Delivery) -> Assign:
    return Assign(delivery, "wf_1", "greet", "greet", "acme", b'{"name":"Ada"}')


def done(delivery: Delivery) -> Result:
    return Result(delivery, b'{"greeting":"Hello"}')


@dataclass
class Transcript:
    """A session with two slots, and the clock of its agent."""

    session: Session = field(default_factory=lambda: Session(ME, ("greeting",), 2))
    now: float = 100.0

    def hears(self, *frames: EngineFrame) -> tuple[Effect, ...]:
        return tuple(effect for frame in frames for effect in self.session.received(frame, self.now))

    def says(self) -> tuple[AgentFrame, ...]:
        return self.session.take()

    def ends(self, delivery: Delivery, outcome: Result | None) -> None:
        self.session.ended(delivery, outcome, self.now)

    def waits(self, seconds: float) -> tuple[Effect, ...]:
        self.now += seconds
        return self.session.due(self.now)

    def connects(self, welcome: Welcome = WELCOME) -> tuple[AgentFrame, ...]:
        self.session.opened(self.now)
        hello = self.says()
        self.hears(welcome)
        return hello

    def reconnects(self, *, keep: tuple[Delivery, ...] = (), abandon: tuple[Delivery, ...] = ()) -> tuple[Effect, ...]:
        self.session.broken()
        self.session.opened(self.now)
        self.says()
        return self.hears(Welcome("session_2", 3.0, 15.0, keep, abandon))


@pytest.fixture
def talk() -> Transcript:
    return Transcript()


@pytest.fixture
def at_work(talk: Transcript) -> Transcript:
    """Welcomed, and at work on FIRST."""
    talk.connects()
    talk.hears(assign(FIRST))
    talk.says()
    return talk


def test_the_agent_says_hello_and_nothing_else_before_welcome(talk: Transcript) -> None:
    talk.session.opened(talk.now)
    assert talk.says() == (Hello(ME, ("greeting",), ()),)
    assert talk.says() == ()


def test_welcome_makes_it_ready_and_it_grants_all_its_slots(talk: Transcript) -> None:
    talk.session.opened(talk.now)
    talk.says()
    assert talk.hears(WELCOME) == (Ready("session_1"),)
    assert talk.says() == (Credit(2),)
    assert talk.says() == ()


def test_a_task_is_accepted_at_once_and_started(talk: Transcript) -> None:
    talk.connects()
    talk.says()
    assert talk.hears(assign(FIRST)) == (Start(assign(FIRST)),)
    assert talk.says() == (Accept(FIRST),)


def test_a_result_frees_its_slot_and_is_settled_by_its_acknowledgement(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == (done(FIRST), Credit(1))
    assert not at_work.session.is_settled
    assert at_work.hears(ResultAck(FIRST, Outcome.APPLIED)) == ()
    assert at_work.session.is_settled


def test_what_gathers_during_a_write_goes_out_together(at_work: Transcript) -> None:
    at_work.hears(assign(SECOND), Ping(7))
    at_work.session.progressed(Progress(SECOND, 10, "reading"))
    at_work.session.progressed(Progress(SECOND, 20, "thinking"))
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == (
        Accept(SECOND),
        Pong(7),
        done(FIRST),
        Progress(SECOND, 20, "thinking"),
        Credit(1),
    )


def test_a_result_that_was_not_acknowledged_is_sent_again_after_a_reconnect(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    at_work.says()
    at_work.session.broken()
    at_work.session.opened(at_work.now)
    assert at_work.says() == (Hello(ME, ("greeting",), (FIRST,)),)
    at_work.hears(Welcome("session_2", 3.0, 15.0, keep=(FIRST,)))
    assert at_work.says() == (done(FIRST), Credit(2))


def test_a_task_that_ends_while_there_is_no_stream_is_reported_on_the_next(at_work: Transcript) -> None:
    at_work.session.broken()
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == ()
    at_work.reconnects(keep=(FIRST,))
    assert at_work.says() == (done(FIRST), Credit(2))


def test_a_task_that_is_kept_goes_on_and_its_slot_is_not_granted_again(at_work: Transcript) -> None:
    assert at_work.reconnects(keep=(FIRST,)) == (Ready("session_2"),)
    assert at_work.says() == (Accept(FIRST), Credit(1))


def test_a_task_that_is_abandoned_is_stopped_and_holds_its_slot_until_it_has_ended(at_work: Transcript) -> None:
    assert at_work.reconnects(abandon=(FIRST,)) == (
        Ready("session_2"),
        Stop(FIRST, "the engine has given it to another"),
    )
    assert at_work.says() == (Credit(1),)
    at_work.ends(FIRST, None)
    assert at_work.says() == (Credit(1),)


def test_a_result_that_is_abandoned_is_not_sent_again(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    assert at_work.reconnects(abandon=(FIRST,)) == (Ready("session_2"),)
    assert at_work.says() == (Credit(2),)
    assert at_work.session.is_settled


def test_a_task_that_is_called_off_is_stopped_and_its_result_kept_back(at_work: Transcript) -> None:
    assert at_work.hears(Cancel(FIRST, 10.0, "the workflow was cancelled")) == (
        Stop(FIRST, "the workflow was cancelled"),
    )
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == (Credit(1),)
    assert at_work.session.is_settled


def test_a_cancel_that_comes_after_the_end_changes_nothing(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    assert at_work.hears(Cancel(FIRST, 10.0, "too late")) == ()
    assert at_work.says() == (done(FIRST), Credit(1))


def test_a_lost_lease_stops_the_task(at_work: Transcript) -> None:
    assert at_work.hears(LeaseLost(FIRST)) == (Stop(FIRST, "its lease was lost"),)
    assert at_work.says() == ()


def test_two_thirds_of_the_lease_after_hello_the_agent_stops_by_itself(at_work: Transcript) -> None:
    assert at_work.waits(8.9) == ()
    effects = at_work.waits(1.1)
    assert Stop(FIRST, "the engine was not heard of for most of its lease") in effects


def test_what_the_agent_stopped_by_itself_it_returns_when_it_has_stopped(at_work: Transcript) -> None:
    at_work.waits(10.0)
    assert at_work.says() == ()
    at_work.ends(FIRST, None)
    [returned, *_] = at_work.says()
    assert (type(returned), returned.delivery, returned.category, returned.code) == (
        Failure,
        FIRST,
        ErrorCategory.TRANSIENT,
        "LEASE_EXPIRED",
    )
    assert not at_work.session.is_settled


def test_what_does_not_stop_is_returned_after_its_grace(at_work: Transcript) -> None:
    at_work.waits(10.0)
    at_work.hears(Ping(1))
    assert GiveUp(FIRST) in at_work.waits(s.GRACE_SECONDS)
    assert [frame.delivery for frame in at_work.says() if isinstance(frame, Failure)] == [FIRST]


def test_what_a_hello_no_longer_names_need_not_be_returned(at_work: Transcript) -> None:
    at_work.waits(10.0)
    at_work.session.broken()
    at_work.session.opened(at_work.now)
    assert at_work.says() == (Hello(ME, ("greeting",), ()),)
    at_work.ends(FIRST, None)
    at_work.hears(WELCOME)
    assert not [frame for frame in at_work.says() if isinstance(frame, Failure)]


def test_what_was_named_by_a_hello_and_stopped_before_the_welcome_is_returned(at_work: Transcript) -> None:
    at_work.session.broken()
    at_work.waits(9.0)
    at_work.session.opened(at_work.now)
    assert at_work.says() == (Hello(ME, ("greeting",), (FIRST,)),)
    at_work.waits(1.0)
    at_work.ends(FIRST, None)
    at_work.hears(WELCOME)
    assert [frame.delivery for frame in at_work.says() if isinstance(frame, Failure)] == [FIRST]


def test_a_renewal_counts_from_when_the_pong_that_it_names_was_sent(at_work: Transcript) -> None:
    at_work.waits(3.0)
    at_work.hears(Ping(1))  # answered at 103
    at_work.waits(3.0)
    at_work.hears(Ping(2, renewed_nonce=1))  # good until 113
    at_work.waits(3.0)
    at_work.hears(Ping(3, renewed_nonce=1))
    at_work.waits(3.0)
    at_work.hears(Ping(4, renewed_nonce=1))
    assert at_work.waits(0.9) == ()
    assert at_work.waits(0.1) == (Stop(FIRST, "the engine was not heard of for most of its lease"),)


def test_while_pings_renew_the_lease_a_task_runs_as_long_as_it_takes(at_work: Transcript) -> None:
    for nonce in range(1, 100):
        assert at_work.waits(3.0) == ()
        at_work.hears(Ping(nonce, renewed_nonce=nonce - 1))


def test_the_lease_runs_on_while_there_is_no_stream(at_work: Transcript) -> None:
    at_work.session.broken()
    assert at_work.session.due_at() == pytest.approx(110.0)
    assert at_work.waits(10.0) == (Stop(FIRST, "the engine was not heard of for most of its lease"),)
    at_work.ends(FIRST, None)
    at_work.session.opened(at_work.now)
    assert at_work.says() == (Hello(ME, ("greeting",), ()),)


def test_a_result_outlives_the_lease_because_it_may_still_count(at_work: Transcript) -> None:
    at_work.session.broken()
    at_work.ends(FIRST, done(FIRST))
    assert at_work.waits(60.0) == ()
    at_work.session.opened(at_work.now)
    assert at_work.says() == (Hello(ME, ("greeting",), (FIRST,)),)


def test_a_task_that_comes_after_the_lease_has_passed_is_rejected(at_work: Transcript) -> None:
    at_work.now += 11.0
    at_work.session.due(at_work.now)
    at_work.reconnects()
    at_work.says()
    at_work.waits(8.0)
    at_work.hears(Ping(1))
    at_work.now += 2.5
    assert at_work.hears(assign(SECOND)) == ()
    assert at_work.says()[1:] == (Reject(SECOND, ErrorCategory.TRANSIENT, s.REJECT_PAUSE_SECONDS), Credit(1))


def test_an_engine_without_a_ping_for_three_intervals_is_left(talk: Transcript) -> None:
    talk.connects()
    assert talk.waits(8.9) == ()
    assert talk.waits(0.1) == (Reconnect("the engine is silent"),)
    assert talk.waits(0.1) == ()


def test_an_engine_that_never_says_welcome_is_left(talk: Transcript) -> None:
    talk.session.opened(talk.now)
    assert talk.waits(s.WELCOME_SECONDS_MAX) == (Reconnect("the engine is silent"),)


def test_an_engine_that_assigns_before_welcome_is_left(talk: Transcript) -> None:
    talk.session.opened(talk.now)
    (effect,) = talk.hears(assign(FIRST))
    assert isinstance(effect, Reconnect)


def test_a_draining_engine_is_left_and_the_work_kept(at_work: Transcript) -> None:
    assert at_work.hears(Drain(2.0)) == (Reconnect("the engine drains", 2.0),)
    assert at_work.reconnects(keep=(FIRST,)) == (Ready("session_2"),)


def test_a_draining_agent_says_so_and_grants_nothing_more(at_work: Transcript) -> None:
    at_work.session.drain("SIGTERM")
    assert at_work.says() == (Draining("SIGTERM"),)
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == (done(FIRST),)


def test_a_draining_agent_rejects_what_was_on_its_way(at_work: Transcript) -> None:
    at_work.session.drain("SIGTERM")
    at_work.says()
    assert at_work.hears(assign(SECOND)) == ()
    assert at_work.says() == (Reject(SECOND, ErrorCategory.CAPACITY, s.REJECT_PAUSE_SECONDS),)


def test_a_draining_agent_says_so_again_on_the_next_stream(at_work: Transcript) -> None:
    at_work.session.drain("SIGTERM")
    at_work.reconnects(keep=(FIRST,))
    assert at_work.says() == (Accept(FIRST), Draining("SIGTERM"))


def test_what_is_not_done_in_time_is_given_back_uncharged(at_work: Transcript) -> None:
    at_work.session.drain("SIGTERM")
    at_work.says()
    assert at_work.session.give_back(at_work.now) == (Stop(FIRST, "the agent goes"),)
    (failure,) = at_work.says()
    assert isinstance(failure, Failure)
    assert (failure.category, failure.code) == (ErrorCategory.CAPACITY, s.GIVEN_BACK)
    at_work.hears(ResultAck(FIRST, Outcome.APPLIED))
    assert at_work.session.is_settled


def test_more_tasks_than_slots_are_rejected(at_work: Transcript) -> None:
    third = Delivery("task_3", 1, "lease_3")
    at_work.hears(assign(SECOND))
    assert at_work.hears(assign(third)) == ()
    assert at_work.says() == (Accept(SECOND), Reject(third, ErrorCategory.CAPACITY, s.REJECT_PAUSE_SECONDS))


def test_the_same_delivery_again_is_accepted_again_and_not_started_twice(at_work: Transcript) -> None:
    assert at_work.hears(assign(FIRST)) == ()
    assert at_work.says() == (Accept(FIRST), Credit(1))


def test_the_same_delivery_after_its_end_gets_its_result_again(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    at_work.says()
    assert at_work.hears(assign(FIRST)) == ()
    assert at_work.says()[0] == done(FIRST)


def test_a_new_delivery_of_a_task_stops_the_old_one(at_work: Transcript) -> None:
    again = Delivery("task_1", 2, "lease_9")
    assert at_work.hears(assign(again)) == (Stop(FIRST, "it was delivered again"), Start(assign(again)))
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == (Accept(again), Credit(1))


def test_a_result_that_did_not_count_is_let_go_and_told_of(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    stale = ResultAck(FIRST, Outcome.STALE, "")
    assert at_work.hears(stale) == (Settled(stale),)
    assert at_work.session.is_settled


def test_a_result_without_an_answer_is_sent_again_on_the_same_stream(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    at_work.says()
    for nonce in range(1, 4):
        at_work.waits(3.0)
        at_work.hears(Ping(nonce, nonce - 1))
    assert at_work.says() == (Pong(1), Pong(2), Pong(3))
    assert at_work.session.due_at() == pytest.approx(at_work.now + 1.0)
    assert at_work.waits(1.0) == ()
    assert at_work.says() == (done(FIRST),)


def test_of_two_answers_to_a_result_the_first_tells(at_work: Transcript) -> None:
    at_work.ends(FIRST, done(FIRST))
    assert at_work.hears(ResultAck(FIRST, Outcome.APPLIED), ResultAck(FIRST, Outcome.STALE)) == ()


def test_progress_of_a_task_that_has_ended_is_not_sent(at_work: Transcript) -> None:
    at_work.session.progressed(Progress(FIRST, 99, "nearly"))
    at_work.ends(FIRST, done(FIRST))
    at_work.session.progressed(Progress(FIRST, 100, "late"))
    assert at_work.says() == (done(FIRST), Credit(1))


def test_a_task_that_is_done_at_once_says_so_in_one_word(talk: Transcript) -> None:
    talk.connects()
    talk.says()
    talk.hears(assign(FIRST), assign(SECOND))
    talk.ends(FIRST, done(FIRST))
    assert talk.says() == (Accept(SECOND), done(FIRST), Credit(1))


def test_a_task_that_is_called_off_before_its_word_was_sent_is_not_accepted(talk: Transcript) -> None:
    talk.connects()
    talk.says()
    talk.hears(assign(FIRST), Cancel(FIRST, 1.0, "not needed"))
    talk.ends(FIRST, None)
    assert talk.says() == (Credit(1),)


def test_no_task_is_taken_on_while_too_many_results_wait(monkeypatch: pytest.MonkeyPatch, talk: Transcript) -> None:
    monkeypatch.setattr(s, "UNACKNOWLEDGED_MAX", 2)
    talk.connects()
    assert talk.says() == (Credit(2),)
    for delivery in (FIRST, SECOND):
        talk.hears(assign(delivery))
        talk.ends(delivery, done(delivery))
    assert talk.says() == (done(FIRST), done(SECOND))
    talk.hears(ResultAck(FIRST, Outcome.APPLIED))
    assert talk.says() == (Credit(1),)


def piece(seq: int, size: int = 3) -> Chunk:
    return Chunk(FIRST, seq, b"x" * size)


def test_pieces_of_output_go_before_the_result_that_they_are_of(at_work: Transcript) -> None:
    assert at_work.session.chunked(piece(1))
    assert at_work.session.chunked(piece(2))
    at_work.ends(FIRST, done(FIRST))
    assert at_work.says() == (piece(1), piece(2), done(FIRST), Credit(1))


def test_more_output_than_the_stream_takes_has_to_wait(at_work: Transcript) -> None:
    half = s.CHUNKS_BYTES_MAX // 2
    assert at_work.session.chunked(piece(1, half))
    assert not at_work.session.chunked(piece(2, half))
    assert at_work.says() == (piece(1, half),)
    assert at_work.session.chunked(piece(2, half))


def test_a_piece_that_nobody_could_get_is_dropped(at_work: Transcript) -> None:
    at_work.session.chunked(piece(1))
    at_work.session.broken()
    assert at_work.session.chunked(piece(2))
    at_work.reconnects(keep=(FIRST,))
    assert at_work.session.chunked(piece(3))
    assert at_work.says() == (Accept(FIRST), piece(3), Credit(1))
    at_work.hears(LeaseLost(FIRST))
    assert at_work.session.chunked(piece(4))
    assert at_work.says() == ()


def test_a_function_that_does_not_stop_within_its_grace_is_waited_for_no_longer(at_work: Transcript) -> None:
    at_work.hears(Cancel(FIRST, 2.0, "not needed"))
    assert at_work.session.due_at() == pytest.approx(at_work.now + 2.0)
    assert at_work.waits(1.9) == ()
    assert at_work.waits(0.1) == (GiveUp(FIRST),)
    assert at_work.waits(0.1) == ()


def test_a_slot_stays_taken_until_the_function_that_was_called_off_has_ended(at_work: Transcript) -> None:
    at_work.hears(Cancel(FIRST, 2.0, "not needed"))
    assert at_work.says() == ()
    assert at_work.session.occupied == 1
    at_work.ends(FIRST, None)
    assert at_work.says() == (Credit(1),)


def test_an_engine_that_pings_seldom_is_left_soon_enough(talk: Transcript) -> None:
    talk.connects(Welcome("session_1", ping_interval_seconds=10.0, lease_seconds=60.0))
    assert talk.waits(14.9) == ()
    assert talk.waits(0.1) == (Reconnect("the engine is silent"),)


def test_an_engine_that_pings_once_a_minute_is_given_that_time(talk: Transcript) -> None:
    talk.connects(Welcome("session_1", ping_interval_seconds=60.0, lease_seconds=300.0))
    assert talk.waits(89.0) == ()
    assert talk.waits(1.0) == (Reconnect("the engine is silent"),)


def test_credit_is_never_granted_twice_for_one_slot(talk: Transcript) -> None:
    talk.connects()
    assert talk.says() == (Credit(2),)
    talk.hears(assign(FIRST), Ping(1))
    assert talk.says() == (Accept(FIRST), Pong(1))
    talk.ends(FIRST, done(FIRST))
    assert talk.says() == (done(FIRST), Credit(1))
    assert talk.says() == ()


def test_words_about_tasks_that_never_were_change_nothing(talk: Transcript) -> None:
    talk.connects()
    talk.says()
    never = Delivery("task_never", 9, "lease_never")
    said = talk.hears(Cancel(never, 1.0, ""), LeaseLost(never), ResultAck(never, Outcome.REFUSED))
    assert said == ()
    assert talk.says() == ()


def test_a_second_welcome_is_no_part_of_the_protocol(talk: Transcript) -> None:
    talk.connects()
    (effect,) = talk.hears(WELCOME)
    assert isinstance(effect, Reconnect)
