"""How a workflow goes on from what failed, and how another goes on from a step of it."""

from __future__ import annotations

import pytest
from story import Story, names

from archwright.errors import RequestInvalid, TransitionIllegal
from services.engine.domain.commands import AdmitWorkflow, Reused
from services.engine.domain.rerunning import reusable

CHAIN = """
name: chain
steps:
  - {name: gather, agent: x}
  - {name: draft, agent: x}
  - {name: review, agent: x, input: {text: "${steps.draft.output.text}", of: "${steps.gather.output.n}"}}
"""

BRANCHES = """
name: branches
steps:
  - {name: gather, agent: x}
  - name: layers
    parallel:
      branches:
        business: [{name: business, agent: x}]
        data: [{name: data, agent: x}, {name: model, agent: x}]
  - {name: review, agent: x, input: {business: "${steps.business.output.n}", all: "${steps.layers.output}"}}
"""


def test_a_retry_makes_what_failed_anew_and_keeps_what_is_done() -> None:
    story = Story.begun(CHAIN)
    story.complete("gather", {"n": 1})
    story.fail("draft")

    assert names(story.retry()) == ["WorkflowRetried", "TaskCreated draft"]
    assert names(story.complete("draft", {"text": "…"})) == ["TaskCompleted draft", "TaskCreated review"]
    assert names(story.complete("review"))[-1] == "WorkflowCompleted"


def test_a_retry_goes_on_inside_of_bodies_and_makes_what_was_called_off_anew() -> None:
    story = Story.begun(BRANCHES)
    story.complete("gather")
    story.complete("layers.data/data")
    assert names(story.fail("layers.data/model")) == [
        "TaskFailed layers.data/model",
        "TaskCancelled layers.business/business",
        "WorkflowFailed layers.data/model",
    ]

    assert names(story.retry()) == [
        "WorkflowRetried",
        "TaskCreated layers.data/model",
        "TaskCreated layers.business/business",
    ]
    story.complete("layers.data/model")
    story.complete("layers.business/business", {"n": 1})
    story.complete("review")
    assert story.status == "completed"


def test_only_what_has_failed_can_be_retried() -> None:
    story = Story.begun(CHAIN)

    with pytest.raises(TransitionIllegal, match="only what has failed can be retried"):
        story.retry()


def test_a_rerun_takes_over_what_is_not_downstream_of_the_chosen_step() -> None:
    first = Story.begun(CHAIN)
    first.complete("gather", {"n": 1})
    first.complete("draft", {"text": "old"})
    first.complete("review")

    reused = reusable(first.plan, first.told, "draft")

    assert reused == (Reused("gather", {"n": 1}),)
    second = Story.of(CHAIN)
    assert names(second.start(reused=reused)) == [
        "WorkflowCreated",
        "StepCompleted gather",
        "WorkflowStarted",
        "TaskCreated draft",
    ]
    second.complete("draft", {"text": "new"})
    assert second.open == ["review"]


def test_a_rerun_that_waits_for_room_remembers_what_it_took_over() -> None:
    second = Story.of(CHAIN)
    second.start(admitted=False, reused=(Reused("gather", {"n": 1}),))

    assert names(second.when(AdmitWorkflow(second.now))) == ["WorkflowStarted", "TaskCreated draft"]


def test_a_rerun_from_within_a_body_begins_at_the_outermost_step_around_it() -> None:
    first = Story.begun(BRANCHES)
    first.complete("gather", {"n": 1})
    first.complete("layers.data/data")

    assert [each.step for each in reusable(first.plan, first.told, "layers.data/model")] == ["gather"]
    assert reusable(first.plan, first.told, "model") == reusable(first.plan, first.told, "layers")


def test_a_rerun_takes_a_step_over_whole_with_what_is_read_of_its_insides() -> None:
    first = Story.begun(BRANCHES)
    first.complete("gather")
    first.complete("layers.business/business", {"n": 7})
    first.complete("layers.data/data")
    first.complete("layers.data/model", {"m": 8})
    first.fail("review")

    second = Story.of(BRANCHES)
    started = second.start(reused=reusable(first.plan, first.told, "review"))

    assert names(started)[1:4] == ["StepCompleted gather", "StepCompleted business", "StepCompleted layers"]
    assert second.inputs == [{"business": 7, "all": {"business": {"n": 7}, "data": {"m": 8}}}]


def test_a_rerun_passes_over_what_was_skipped_and_does_without_what_was_done_without() -> None:
    source = """
    name: d
    steps:
      - {name: a, agent: x, when: "false"}
      - {name: b, agent: x, on_failure: continue}
      - {name: c, agent: x}
    """
    first = Story.begun(source)
    first.fail("b")
    first.complete("c")

    second = Story.of(source)

    assert names(second.start(reused=reusable(first.plan, first.told, "c"))) == [
        "WorkflowCreated",
        "StepSkipped a",
        "FailureTolerated b",
        "WorkflowStarted",
        "TaskCreated c",
    ]
    assert second.workflow.degraded


def test_a_rerun_takes_named_values_over_as_the_last_of_the_steps_before_left_them() -> None:
    source = """
    name: d
    steps:
      - {name: first, set: {x: 1, y: 1}}
      - name: round
        loop: {max_iterations: 5, until: "vars.x > 3", steps: [{name: more, set: {x: "${vars.x + 1}"}}]}
      - {name: look, agent: a, input: {x: "${vars.x}", y: "${vars.y}"}}
      - {name: after, set: {y: 9}}
    """
    first = Story.begun(source)
    first.complete("look")

    second = Story.of(source)
    second.start(reused=reusable(first.plan, first.told, "look"))

    assert second.inputs == [{"x": 4, "y": 1}]


def test_a_rerun_makes_anew_what_was_undone() -> None:
    source = """
    name: d
    steps:
      - {name: reserve, agent: x, compensate: {agent: x}}
      - {name: pay, agent: x}
      - {name: ship, agent: x, on_failure: compensate}
    """
    first = Story.begun(source)
    first.complete("reserve")
    first.complete("pay")
    first.fail("ship")
    first.complete("reserve.compensate/reserve_compensate")
    assert first.status == "failed"

    assert reusable(first.plan, first.told, "ship") == ()


def test_a_rerun_from_an_unknown_step_is_refused_and_the_nearest_is_named() -> None:
    story = Story.begun(CHAIN)

    with pytest.raises(RequestInvalid, match="no step 'revue' to rerun from; did you mean 'review'"):
        reusable(story.plan, story.told, "revue")
