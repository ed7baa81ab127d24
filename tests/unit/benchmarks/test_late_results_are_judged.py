"""The judgement over late results: each way in which one can have counted is seen, and none is seen where none did."""

from __future__ import annotations

from pathlib import Path

from benchmarks.ledger import Delivery, Happened, Ledger, Line, Way
from benchmarks.stale import Applied, judge

FIRST = Delivery("task_1", 1, "lease_a")
SECOND = Delivery("task_1", 2, "lease_b")
ELSEWHERE = Delivery("task_2", 1, "lease_c")


def sent(delivery: Delivery, way: Way = Way.STREAM) -> Line:
    return Line("agent-1", Happened.SENT, delivery, way)


def answered(delivery: Delivery, outcome: str, way: Way = Way.STREAM) -> Line:
    return Line("agent-1", Happened.ANSWERED, delivery, way, outcome)


def test_a_late_result_that_is_refused_both_ways_is_counted_as_sent_once() -> None:
    lines = [
        Line("agent-1", Happened.GIVEN, FIRST),
        *(sent(FIRST), sent(FIRST), answered(FIRST, "STALE")),
        *(sent(FIRST, Way.CALL), answered(FIRST, "STALE", Way.CALL)),
        *(sent(SECOND), answered(SECOND, "APPLIED")),
    ]

    verdict = judge(lines, {FIRST}, [Applied("task_1", 2, SECOND)])

    assert (verdict.sent, verdict.answered_on_stream, verdict.answered_in_call) == (1, 1, 1)
    assert (verdict.accepted, verdict.misreported) == ([], [])


def test_a_late_result_that_history_holds_was_accepted_whatever_the_engine_answered() -> None:
    lines = [sent(FIRST), answered(FIRST, "STALE")]

    verdict = judge(lines, {FIRST}, [Applied("task_1", 1, FIRST)])

    assert verdict.accepted == ["task task_1 ended with the result of attempt 1, which had lost its lease"]
    assert verdict.misreported == []


def test_a_late_output_under_the_name_of_a_newer_attempt_was_accepted() -> None:
    verdict = judge([], (), [Applied("task_1", 2, FIRST)])

    assert verdict.accepted == ["task task_1 ended in attempt 2 with what was made in attempt 1 at task task_1"]


def test_an_output_that_was_made_for_another_task_was_accepted() -> None:
    verdict = judge([], (), [Applied("task_1", 1, ELSEWHERE)])

    assert verdict.accepted == ["task task_1 ended in attempt 1 with what was made in attempt 1 at task task_2"]


def test_a_task_that_ended_twice_was_ended_once_too_often() -> None:
    verdict = judge([], (), [Applied("task_1", 1, FIRST), Applied("task_1", 2, SECOND)])

    assert verdict.accepted == ["task task_1 ended 2 times"]


def test_an_agent_that_is_told_that_its_late_result_counted_is_told_wrong() -> None:
    lines = [sent(FIRST), answered(FIRST, "DUPLICATE", Way.CALL)]

    verdict = judge(lines, {FIRST}, [Applied("task_1", 2, SECOND)])

    assert verdict.accepted == []
    assert verdict.misreported == ["agent-1 was told DUPLICATE of attempt 1 at task task_1, which had lost its lease"]


def test_nothing_was_sent_where_nobody_wrote() -> None:
    verdict = judge([Line("agent-1", Happened.GIVEN, FIRST)], {FIRST}, [])

    assert (verdict.sent, verdict.answered_on_stream, verdict.answered_in_call) == (0, 0, 0)


def test_a_ledger_tells_what_others_have_added_since_and_no_half_line(tmp_path: Path) -> None:
    writer, reader = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    assert list(reader.lines()) == []
    writer.write(sent(FIRST))
    assert list(reader.lines()) == [sent(FIRST)]

    writer.write(answered(FIRST, "STALE"))
    with (tmp_path / "ledger").open("ab") as file:
        file.write(b'{"agent_id":"agent-1"')

    assert list(reader.lines()) == [sent(FIRST), answered(FIRST, "STALE")]
