"""Steps that wait for a time or for a word from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from story import NOON, Story, names

from archwright.errors import LimitReached, TransitionIllegal
from services.engine.domain.commands import Repeated, SignalWorkflow, Stale
from services.engine.domain.events import StepFailed, WaitStarted
from services.engine.domain.waiting import SIGNALS_MAX


def waiting(said: str, more: str = "") -> str:
    return f"""
    name: d
    steps:
      - name: hold
        wait: {{{said}}}
        {more}
      - {{name: after, agent: x, input: {{got: "${{steps.hold.output}}"}}}}
    """


@pytest.mark.parametrize(
    ("said", "until"),
    [
        ("seconds: 90", NOON + timedelta(seconds=90)),
        ("seconds: 0.25", NOON + timedelta(milliseconds=250)),
        ('seconds: "${input.pause * 2}"', NOON + timedelta(seconds=20)),
        ('until: "2030-01-31T12:00:00Z"', datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ('until: "${input.due}"', datetime(2030, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_wait_begins_with_a_timer_and_ends_with_it(said: str, until: datetime) -> None:
    story = Story.begun(waiting(said), {"pause": 10, "due": "2030-01-31T12:00:00+02:00"})

    [timer] = [timer for timer in story.effects.new_timers if timer.key == "wait:hold"]
    assert timer.due_at == until
    assert story.status == "running"
    assert names(story.fire("wait:hold")) == ["StepCompleted hold", "TaskCreated after"]
    assert story.inputs == [{"got": None}]


@pytest.mark.parametrize("said", ['seconds: "${input.pause}"', 'until: "${input.due}"'])
def test_a_wait_for_what_is_no_time_fails(said: str) -> None:
    story = Story.of(waiting(said), {"pause": -1, "due": "soon"})

    failed = story.start()[2]

    assert isinstance(failed, StepFailed)
    assert failed.code == "WAIT_INVALID"


def test_a_signal_lets_the_step_go_on_that_waits_for_it() -> None:
    story = Story.begun(waiting("signal: go"))

    assert names(story.signal("go", {"by": "bob"})) == ["SignalReceived", "StepCompleted hold", "TaskCreated after"]
    assert story.inputs == [{"got": {"by": "bob"}}]


def test_a_signal_may_say_nothing() -> None:
    story = Story.begun(waiting("signal: go"))
    story.signal("go")

    assert story.inputs == [{"got": None}]
    assert not story.workflow.signals


def test_an_early_signal_waits_for_the_step() -> None:
    story = Story.begun("name: d\nsteps: [{name: first, agent: x}, {name: hold, wait: {signal: go}}]")
    assert names(story.signal("go", {"n": 1})) == ["SignalReceived"]

    assert names(story.complete("first")) == [
        "TaskCompleted first",
        "WaitStarted hold",
        "StepCompleted hold",
        "WorkflowCompleted",
    ]
    assert story.output == {"hold": {"n": 1}}


def test_a_signal_comes_early_even_to_a_workflow_without_room() -> None:
    story = Story.of(waiting("signal: go"))
    story.start(admitted=False)

    assert names(story.signal("go")) == ["SignalReceived"]


def test_each_signal_is_used_once_and_the_first_comes_first() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: first, agent: x}
      - {name: one, wait: {signal: go}}
      - {name: two, wait: {signal: go}}
      - {name: three, wait: {signal: go}}
    """)
    story.signal("go", {"n": 1})
    story.signal("go", {"n": 2})
    story.complete("first")

    assert story.open == ["three"]
    assert names(story.signal("stop")) == ["SignalReceived"]
    story.signal("go", {"n": 3})
    assert story.output == {"three": {"n": 3}}


def test_of_several_that_wait_the_one_that_began_first_is_given_the_signal() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: zoe, wait: {signal: go}, parallel_execution: true}
      - {name: abe, wait: {signal: go}, parallel_execution: true}
    """)

    assert names(story.signal("go")) == ["SignalReceived", "StepCompleted zoe"]
    assert names(story.signal("go"))[:2] == ["SignalReceived", "StepCompleted abe"]


def test_a_signal_that_does_not_come_in_time_fails_the_step_and_is_not_tried_again() -> None:
    story = Story.begun(waiting("signal: go, timeout_seconds: 60"))

    [failed, _] = story.fire("wait:hold")

    assert isinstance(failed, StepFailed)
    assert (str(failed.category), failed.code) == ("timeout", "SIGNAL_TIMEOUT")
    assert failed.message == "No signal 'go' came within 60 s."


def test_a_signal_that_came_in_time_ends_the_timer() -> None:
    story = Story.begun(waiting("signal: go, timeout_seconds: 60"))
    began = [event for event in story.told if isinstance(event, WaitStarted)]
    story.signal("go")

    assert story.effects.ended_timers == ("wait:hold",)
    with pytest.raises(Stale):
        story.fire_of("wait:hold", story.told.index(began[0]) + 1)


def test_a_signal_that_does_not_say_what_is_promised_fails_the_step_and_is_used_up() -> None:
    story = Story.begun(waiting("signal: go", "output_schema: {required: [by]}"))

    assert names(story.signal("go", {"who": "bob"})) == ["SignalReceived", "StepFailed hold", "WorkflowFailed hold"]

    assert names(story.retry()) == ["WorkflowRetried", "WaitStarted hold"]
    assert names(story.signal("go", {"by": "bob"}))[1] == "StepCompleted hold"


def test_a_signal_that_was_taken_before_changes_nothing() -> None:
    story = Story.begun(waiting("seconds: 9"))
    word = SignalWorkflow(NOON, "go", None, "ann", request_id="once")
    story.when(word)

    with pytest.raises(Repeated):
        story.when(word)


def test_a_workflow_that_has_ended_takes_no_signals() -> None:
    story = Story.begun(waiting("seconds: 9"))
    story.cancel()

    with pytest.raises(TransitionIllegal, match="is cancelled and takes no signals any more"):
        story.signal("go")


def test_not_any_number_of_signals_may_wait() -> None:
    story = Story.begun(waiting("seconds: 9"))
    for _ in range(SIGNALS_MAX):
        story.signal("go")

    with pytest.raises(LimitReached, match="no step has asked for them yet"):
        story.signal("go")


def test_a_wait_that_is_called_off_ends_its_timer() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: race
        parallel:
          join: any
          branches: {slow: [{name: nap, wait: {seconds: 60}}], quick: [{name: quick, agent: x}]}
      - {name: after, agent: x}
    """)
    story.complete("race.quick/quick")

    assert story.effects.ended_timers == ("wait:race.slow/nap",)
