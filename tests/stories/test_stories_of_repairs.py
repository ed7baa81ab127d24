"""Outputs that do not fit go back to the agent, twice at most."""

from __future__ import annotations

import pytest
from story import Story, names

from archwright.language.model import ErrorCategory
from services.engine.domain.commands import Stale
from services.engine.domain.events import TaskCompleted, TaskFailed, TaskRepairRequested
from services.engine.domain.workflow import OpenTask

STRICT = """
name: d
steps:
  - {name: a, agent: x, queue_timeout_seconds: 30, output_schema: {required: [n]}}
  - {name: b, agent: x}
"""


def test_an_output_that_does_not_fit_goes_back_with_what_is_wrong() -> None:
    story = Story.begun(STRICT)

    [asked] = story.complete("a", {"m": 1})

    assert isinstance(asked, TaskRepairRequested)
    assert asked.errors == ("output: 'n' is a required property",) or "n" in asked.errors[0]
    assert (asked.repairs, asked.failures) == (1, 0)
    assert story.open == ["a"]


def test_the_same_agent_is_asked_first_with_the_next_attempt() -> None:
    story = Story.begun(STRICT)
    story.complete("a", {})

    [task] = story.effects.new_tasks
    assert story.effects.ended_tasks == (task.task_id,)
    assert (task.attempt, task.prefers_agent) == (1, "a1")
    assert task.queue_by is not None


def test_what_is_said_twice_of_one_attempt_counts_once() -> None:
    story = Story.begun(STRICT)
    story.complete("a", {})

    with pytest.raises(Stale, match="attempt 1 at task"):
        story.complete("a", {})
    with pytest.raises(Stale, match="attempt 1 at task"):
        story.fail("a", ErrorCategory.TRANSIENT)


def test_a_repaired_output_completes_the_task() -> None:
    story = Story.begun(STRICT)
    story.complete("a", {})

    [completed, _] = story.complete("a", {"n": 1}, attempt=2)

    assert isinstance(completed, TaskCompleted)
    assert completed.attempt == 2


def test_the_third_output_that_does_not_fit_fails_the_step_for_good() -> None:
    story = Story.begun(STRICT)
    story.complete("a", {})
    story.complete("a", {}, attempt=2)

    [failed, _] = story.complete("a", {}, attempt=3)

    assert isinstance(failed, TaskFailed)
    assert (failed.category, failed.code) == (ErrorCategory.PERMANENT, "OUTPUT_MISMATCH")


def test_repairs_are_counted_apart_from_failures() -> None:
    story = Story.begun(STRICT)
    story.complete("a", {})
    story.fail("a", ErrorCategory.TRANSIENT, attempt=2)

    task = story.workflow.open["a"]
    assert isinstance(task, OpenTask)
    assert (task.repairs, task.failures, task.attempt) == (1, 1, 2)
    assert names(story.fire("retry:a")) == ["TaskRetried a"]
    assert names(story.complete("a", {}, attempt=3)) == ["TaskRepairRequested a"]
