"""Steps that start a workflow of their own and wait for its end."""

from __future__ import annotations

import pytest
from story import NOON, WORKFLOW_ID, Story, names

from services.engine.domain.commands import CancelWorkflow, EndChild, Stale, StartChild, StartWorkflow
from services.engine.domain.effects import effects
from services.engine.domain.events import Parent, StepFailed, WorkflowCompleted
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenChild

ASK = """
name: d
steps:
  - {name: ask, workflow: {name: other, version: stable}, input: {topic: "${input.topic}"}}
  - {name: after, agent: x, input: {got: "${steps.ask.output}"}}
"""


def child_of(story: Story, step: str) -> str:
    waiting = story.workflow.open[step]
    assert isinstance(waiting, OpenChild)
    return waiting.child_id


def test_a_step_asks_for_its_workflow_by_a_word_that_is_written_with_its_cause() -> None:
    story = Story.begun(ASK, {"topic": "tea"})

    [message] = story.effects.messages
    child_id = child_of(story, "ask")
    parent = Parent(WORKFLOW_ID, "ask")
    assert message.workflow_id == child_id
    assert message.command == StartChild(child_id, "other", "stable", {"topic": "tea"}, parent)


def test_the_end_of_the_child_is_the_end_of_the_step() -> None:
    story = Story.begun(ASK, {"topic": "tea"})

    assert names(story.end_child("ask", {"answer": 42})) == ["StepCompleted ask", "TaskCreated after"]
    assert story.inputs == [{"got": {"answer": 42}}]


@pytest.mark.parametrize(
    ("status", "code"), [(WorkflowStatus.FAILED, "CHILD_FAILED"), (WorkflowStatus.CANCELLED, "CHILD_CANCELLED")]
)
def test_a_child_that_came_to_nothing_fails_its_step(status: WorkflowStatus, code: str) -> None:
    story = Story.begun(ASK, {"topic": "tea"})

    [failed, _] = story.end_child("ask", None, status)

    assert isinstance(failed, StepFailed)
    assert failed.code == code
    assert f"of step 'ask' is {status}. so it is" in failed.message


def test_a_child_that_had_to_do_without_something_degrades_its_parent() -> None:
    story = Story.begun(ASK, {"topic": "tea"})
    story.end_child("ask", {}, degraded=True)

    [_, completed] = story.complete("after")
    assert isinstance(completed, WorkflowCompleted)
    assert completed.degraded


def test_word_of_a_child_that_is_waited_for_no_more_is_stale() -> None:
    story = Story.begun(ASK, {"topic": "tea"})
    end = EndChild(NOON, "ask", child_of(story, "ask"), WorkflowStatus.COMPLETED)
    story.when(end)

    with pytest.raises(Stale):
        story.when(end)


def test_a_child_is_called_off_with_its_parent() -> None:
    story = Story.begun(ASK, {"topic": "tea"})
    child_id = child_of(story, "ask")

    assert names(story.cancel()) == ["StepCancelled ask", "WorkflowCancelled"]

    [message] = story.effects.messages
    assert message.workflow_id == child_id
    assert isinstance(message.command, CancelWorkflow)
    assert message.command.reason == f"Step 'ask' of workflow {WORKFLOW_ID} was called off."


def test_a_child_that_was_asked_for_and_called_off_in_one_commit_is_never_told() -> None:
    story = Story.of(ASK, {"topic": "tea"})
    before = story.workflow
    events = [*story.start(), *story.cancel()]

    assert effects(story.plan, before, story.workflow, events).messages == ()


def test_a_retry_asks_for_another_child() -> None:
    story = Story.begun(ASK, {"topic": "tea"})
    first = child_of(story, "ask")
    story.end_child("ask", None, WorkflowStatus.FAILED)

    assert names(story.retry()) == ["WorkflowRetried", "ChildStarted ask"]
    assert child_of(story, "ask") != first


def test_a_child_tells_its_parent_how_it_ended() -> None:
    story = Story.of("name: other\nsteps: [{name: a, agent: x}]")
    parent = Parent("wf_parent", "ask")
    story.when(StartWorkflow(NOON, WORKFLOW_ID, {}, "", "ann", "", parent=parent))
    story.complete("a", {"n": 1})

    [message] = story.effects.messages
    assert message.workflow_id == "wf_parent"
    assert message.command == EndChild(NOON, "ask", WORKFLOW_ID, WorkflowStatus.COMPLETED, {"a": {"n": 1}})


def test_a_child_that_tries_again_by_itself_has_not_ended() -> None:
    story = Story.of("name: other\nmax_retries: 1\nsteps: [{name: a, agent: x}]")
    story.when(StartWorkflow(NOON, WORKFLOW_ID, {}, "", "ann", "", parent=Parent("wf_parent", "ask")))

    story.fail("a")
    assert story.effects.messages == ()
    story.fail("a")
    [message] = story.effects.messages

    assert isinstance(message.command, EndChild)
    assert message.command.status is WorkflowStatus.FAILED
    assert message.command.message == "Step 'a' failed (permanent): it broke"


def test_an_input_that_does_not_fit_asks_for_no_child() -> None:
    story = Story.of(
        "name: d\nsteps: [{name: ask, workflow: other, input_schema: {required: [topic]}, input: {to: 1}}]"
    )

    assert names(story.start())[2:] == ["StepFailed ask", "WorkflowFailed ask"]
    assert not story.effects.messages
