"""What a ready step does when no agent is there to take its task."""

from __future__ import annotations

import pytest
from story import Story, names

from services.engine.domain.commands import Stale
from services.engine.domain.events import TaskFailed


def chain(said: str) -> Story:
    return Story.begun(f"""
    name: d
    steps:
      - {{name: a, agent: x, {said}}}
      - {{name: b, agent: x, input: {{a: "${{steps.a.output}}", was: "${{steps.a.status}}"}}}}
    """)


def test_usually_it_waits() -> None:
    story = chain("on_unavailable: wait")

    with pytest.raises(Stale, match="waits for an agent"):
        story.unavailable("a")
    assert story.effects.new_tasks[0].on_unavailable == "wait"


def test_it_may_be_skipped() -> None:
    story = chain("on_unavailable: skip")

    assert names(story.unavailable("a")) == ["TaskCancelled a", "StepSkipped a", "TaskCreated b"]
    assert story.inputs == [{"a": None, "was": "skipped"}]
    assert story.effects.ended_tasks


def test_it_may_fail() -> None:
    story = chain("on_unavailable: fail")

    [failed, _] = story.unavailable("a")

    assert isinstance(failed, TaskFailed)
    assert (failed.code, failed.message, failed.retry_at) == ("AGENT_UNAVAILABLE", "no agent is there", None)
    assert story.status == "failed"


def test_a_step_that_fails_for_want_of_an_agent_can_be_done_without() -> None:
    story = chain("on_unavailable: fail, on_failure: continue")

    assert names(story.unavailable("a")) == ["TaskFailed a", "FailureTolerated a", "TaskCreated b"]


def test_something_may_stand_in_even_where_failures_fail() -> None:
    story = chain("on_unavailable: fallback, on_failure: fail, fallback: {output: {n: 1}}")

    assert names(story.unavailable("a")) == ["TaskFailed a", "StepCompleted a", "TaskCreated b"]
    assert story.inputs == [{"a": {"n": 1}, "was": "completed"}]


def test_a_task_that_has_ended_needs_no_agent() -> None:
    story = chain("on_unavailable: skip")
    story.complete("a")

    with pytest.raises(Stale):
        story.unavailable("a")
