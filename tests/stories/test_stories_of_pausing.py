"""How a workflow is held and goes on: what comes to pass meanwhile is recorded, and acted on then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from story import CHAIN, NOON, Story, names

from archwright.errors import TransitionIllegal
from archwright.language.model import ErrorCategory
from services.engine.domain.commands import Repeated, ResumeWorkflow, Stale
from services.engine.domain.effects import effects
from services.engine.domain.transitions import WorkflowStatus

BESIDE = """
name: d
steps:
  - {name: a, agent: x, parallel_execution: true, retry_policy: {max_attempts: 2}}
  - {name: b, agent: x, parallel_execution: true}
  - {name: after, agent: x}
"""


def test_a_pause_lets_running_tasks_finish_records_their_results_and_begins_nothing_new() -> None:
    story = Story.begun(CHAIN)
    assert names(story.pause()) == ["WorkflowPaused"]

    assert names(story.complete("draft", {"text": "…"})) == ["TaskCompleted draft"]
    assert not story.open

    assert names(story.resume()) == ["WorkflowResumed", "TaskCreated review"]
    assert story.inputs == [{"draft": {"text": "…"}}]


def test_waiting_tasks_are_held_and_released() -> None:
    story = Story.begun(CHAIN)
    story.pause()
    assert story.effects.holds == "hold"

    story.resume()

    assert story.effects.holds == "release"


def test_the_workflows_time_stands_still() -> None:
    story = Story.begun("name: d\ntimeout_seconds: 60\nsteps: [{name: a, agent: x}]")
    story.later(20)
    story.pause()
    assert story.effects.ended_timers == ("deadline",)
    with pytest.raises(Stale):
        story.fire("deadline")
    story.later(1000)

    story.resume()

    [timer] = story.effects.new_timers
    assert (timer.key, timer.due_at) == ("deadline", NOON + timedelta(seconds=1060))
    assert story.workflow.deadline == timer.due_at
    assert names(story.fire("deadline"))[-1] == "WorkflowFailed"


def test_a_deadline_from_before_the_pause_is_stale() -> None:
    story = Story.begun(CHAIN)
    story.pause()
    story.resume()

    with pytest.raises(Stale):
        story.fire_of("deadline", 0)


def test_a_failure_that_is_tried_again_waits_for_its_end() -> None:
    story = Story.begun(BESIDE)
    story.fail("a", ErrorCategory.TRANSIENT)
    story.pause()

    assert names(story.fire("retry:a")) == ["TimerDue"]
    assert story.effects.ended_timers == ("retry:a",)
    with pytest.raises(Stale):
        story.fire("retry:a")

    assert names(story.resume()) == ["WorkflowResumed", "TaskRetried a"]


def test_a_failure_for_good_fails_the_workflow_when_it_goes_on() -> None:
    story = Story.begun(BESIDE)
    story.pause()
    assert names(story.fail("a")) == ["TaskFailed a"]
    assert story.status is WorkflowStatus.PAUSED

    assert names(story.resume()) == ["WorkflowResumed", "TaskCancelled b", "WorkflowFailed a"]


def test_several_failures_are_dealt_with_in_the_order_they_came() -> None:
    story = Story.begun(BESIDE)
    story.pause()
    story.fail("b")
    story.fail("a")

    assert names(story.resume())[-1] == "WorkflowFailed b"


def test_failures_that_can_be_done_without_are_done_without_when_it_goes_on() -> None:
    story = Story.begun(BESIDE + "error_handling: {on_failure: continue}")
    story.pause()
    story.fail("b")
    story.fail("a")

    assert names(story.resume()) == ["WorkflowResumed", "FailureTolerated b", "FailureTolerated a", "TaskCreated after"]


def test_a_time_that_comes_is_acted_on_afterwards() -> None:
    story = Story.begun("name: d\nsteps: [{name: nap, wait: {seconds: 5}}, {name: after, agent: x}]")
    story.pause()

    assert names(story.fire("wait:nap")) == ["TimerDue"]
    assert names(story.resume()) == ["WorkflowResumed", "StepCompleted nap", "TaskCreated after"]


def test_a_signal_that_comes_is_handed_out_afterwards_and_goes_before_a_time_out() -> None:
    story = Story.begun(
        "name: d\nsteps: [{name: hold, wait: {signal: go, timeout_seconds: 5}}, {name: after, agent: x}]"
    )
    story.pause()
    assert names(story.signal("go", {"n": 1})) == ["SignalReceived"]
    assert names(story.fire("wait:hold")) == ["TimerDue"]

    assert names(story.resume()) == ["WorkflowResumed", "StepCompleted hold", "TaskCreated after"]


def test_an_approval_that_expires_is_acted_on_afterwards() -> None:
    story = Story.begun(
        'name: d\nsteps: [{name: agree, approval: {approvers: ["user:eve"], expires_after: 60, on_expiry: approve}}]'
    )
    story.pause()

    assert names(story.fire("approval:agree")) == ["TimerDue"]
    assert names(story.resume()) == ["WorkflowResumed", "StepCompleted agree", "WorkflowCompleted"]


def test_a_decision_that_is_made_counts_and_an_expiry_before_it_does_not() -> None:
    story = Story.begun('name: d\nsteps: [{name: agree, approval: {approvers: ["user:eve"], expires_after: 60}}]')
    story.pause()
    story.fire("approval:agree")

    assert names(story.decide("agree", "eve")) == ["ApprovalDecided agree", "StepCompleted agree"]
    assert names(story.resume()) == ["WorkflowResumed", "WorkflowCompleted"]


def test_a_rejection_is_recorded_and_fails_the_workflow_afterwards() -> None:
    story = Story.begun('name: d\nsteps: [{name: agree, approval: {approvers: ["user:eve"]}}]')
    story.pause()

    assert names(story.decide("agree", "eve", approved=False)) == ["ApprovalDecided agree", "StepFailed agree"]
    assert names(story.resume()) == ["WorkflowResumed", "WorkflowFailed agree"]


def test_a_child_that_ends_is_gone_on_from_afterwards() -> None:
    story = Story.begun("name: d\nsteps: [{name: ask, workflow: other}, {name: after, agent: x}]")
    story.pause()

    assert names(story.end_child("ask", {"n": 1})) == ["StepCompleted ask"]
    assert names(story.resume()) == ["WorkflowResumed", "TaskCreated after"]


def test_bodies_that_end_are_gone_on_from_afterwards() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: each
        foreach: {items: "[1, 2, 3]", as: n, max_concurrency: 2, steps: [{name: a, agent: x}]}
    """)
    story.pause()
    story.complete("each[0]/a")
    story.complete("each[1]/a")

    assert names(story.resume()) == [
        "WorkflowResumed",
        "ScopeEnded each[0]",
        "ScopeEnded each[1]",
        "ScopeStarted each[2]",
        "TaskCreated each[2]/a",
    ]


def test_a_workflow_whose_last_task_ends_meanwhile_completes_when_it_goes_on() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x}]")
    story.pause()
    story.complete("a")
    assert story.status is WorkflowStatus.PAUSED

    assert names(story.resume()) == ["WorkflowResumed", "WorkflowCompleted"]


def test_a_repair_during_a_pause_is_held() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x, output_schema: {required: [n]}}]")
    story.pause()

    assert names(story.complete("a", {})) == ["TaskRepairRequested a"]

    [task] = story.effects.new_tasks
    assert task.held


def test_a_pause_and_its_end_in_one_commit_hold_nothing() -> None:
    story = Story.begun(CHAIN)
    before = story.workflow
    events = [*story.pause(), *story.resume()]

    made = effects(story.plan, before, story.workflow, events)

    assert made.holds == ""
    assert [timer.key for timer in made.new_timers] == ["deadline"]


def test_a_pause_may_be_cancelled() -> None:
    story = Story.begun(CHAIN)
    story.pause()

    assert names(story.cancel()) == ["TaskCancelled draft", "WorkflowCancelled"]


def test_nobody_is_told_that_there_is_no_agent_during_a_pause() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x, on_unavailable: skip}]")
    story.pause()

    with pytest.raises(Stale, match="is held"):
        story.unavailable("a")


def test_a_pause_that_was_asked_for_before_changes_nothing() -> None:
    story = Story.begun(CHAIN)
    story.pause()
    wish = ResumeWorkflow(NOON, "ann", request_id="once")
    story.when(wish)

    with pytest.raises(Repeated):
        story.when(wish)


def test_who_paused_is_known_until_somebody_resumes() -> None:
    story = Story.begun(CHAIN)
    story.pause()
    assert (story.workflow.paused_by, story.workflow.paused_at) == ("ann", NOON)

    story.resume()

    assert (story.workflow.paused_by, story.workflow.paused_at) == ("", None)


def test_a_pause_holds_no_workflow_twice() -> None:
    story = Story.begun(CHAIN)
    story.pause()

    with pytest.raises(TransitionIllegal, match="is paused and cannot become paused"):
        story.pause()
