"""Branches that are done at the same time, and how many of them it takes."""

from __future__ import annotations

from story import Story, names

from archwright.language.model import ErrorCategory
from services.engine.domain.events import StepFailed, WorkflowCompleted, WorkflowFailed


def branches(said: str = "", more: str = "") -> str:
    return f"""
    name: d
    steps:
      - name: layers
        parallel:
          branches:
            business: [{{name: business, agent: x}}]
            data: [{{name: data, agent: x}}, {{name: model, agent: x}}]
            tech: [{{name: tech, agent: x}}]
          {said}
        {more}
      - {{name: after, agent: x, input: {{layers: "${{steps.layers.output}}"}}}}
    """


def test_all_branches_begin_at_once_and_each_goes_on_by_itself() -> None:
    story = Story.begun(branches())
    assert story.open == ["layers.business/business", "layers.data/data", "layers.tech/tech"]

    story.complete("layers.data/data")

    assert story.open == ["layers.business/business", "layers.data/model", "layers.tech/tech"]


def test_a_parallel_step_is_done_when_all_branches_are_and_its_output_maps_each_to_its_own() -> None:
    story = Story.begun(branches())
    story.complete("layers.business/business", {"b": 1})
    story.complete("layers.data/data")
    story.complete("layers.data/model", {"m": 1})

    assert names(story.complete("layers.tech/tech", {"t": 1})) == [
        "TaskCompleted layers.tech/tech",
        "ScopeEnded layers.tech",
        "StepCompleted layers",
        "TaskCreated after",
    ]
    assert story.inputs == [{"layers": {"business": {"b": 1}, "data": {"m": 1}, "tech": {"t": 1}}}]


def test_any_is_done_with_the_first_and_calls_the_others_off() -> None:
    story = Story.begun(branches("join: any"))

    assert names(story.complete("layers.tech/tech", {"t": 1})) == [
        "TaskCompleted layers.tech/tech",
        "ScopeEnded layers.tech",
        "TaskCancelled layers.business/business",
        "TaskCancelled layers.data/data",
        "StepCompleted layers",
        "TaskCreated after",
    ]
    assert story.inputs == [{"layers": {"business": None, "data": None, "tech": {"t": 1}}}]
    assert list(story.workflow.scopes) == [""]


def test_a_number_of_branches_is_enough() -> None:
    story = Story.begun(branches("join: 2"))
    story.complete("layers.tech/tech")

    assert names(story.complete("layers.business/business"))[2:] == [
        "TaskCancelled layers.data/data",
        "StepCompleted layers",
        "TaskCreated after",
    ]


def test_a_join_of_some_does_not_mind_those_that_fail_while_enough_are_left() -> None:
    story = Story.begun(branches("join: 2"))

    assert names(story.fail("layers.tech/tech")) == ["TaskFailed layers.tech/tech", "ScopeEnded layers.tech"]
    story.complete("layers.business/business")
    story.complete("layers.data/data")
    story.complete("layers.data/model")
    [_, completed] = story.complete("after")

    assert isinstance(completed, WorkflowCompleted)
    assert not completed.degraded


def test_a_join_that_is_out_of_reach_fails_its_step() -> None:
    story = Story.begun(branches("join: 2"))
    story.fail("layers.tech/tech")

    events = story.fail("layers.business/business")

    assert names(events) == [
        "TaskFailed layers.business/business",
        "TaskCancelled layers.data/data",
        "WorkflowFailed layers",
    ]
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].code == "JOIN_OUT_OF_REACH"
    assert "of the 2 branches that it needs only 1 can still be done: it broke" in events[-1].message


def test_a_retry_of_a_join_out_of_reach_begins_what_is_left_anew() -> None:
    story = Story.begun(branches("join: 2"))
    story.fail("layers.tech/tech")
    story.fail("layers.business/business")

    assert names(story.retry()) == [
        "WorkflowRetried",
        "TaskCreated layers.business/business",
        "TaskCreated layers.data/data",
    ]


def test_a_join_out_of_reach_can_be_done_without() -> None:
    story = Story.begun(branches("join: 3", "on_failure: continue"))

    events = story.fail("layers.tech/tech")

    assert names(events) == [
        "TaskFailed layers.tech/tech",
        "TaskCancelled layers.business/business",
        "TaskCancelled layers.data/data",
        "StepFailed layers",
        "FailureTolerated layers",
        "TaskCreated after",
    ]
    assert isinstance(events[3], StepFailed)
    assert events[3].code == "JOIN_OUT_OF_REACH"
    assert list(story.workflow.scopes) == [""]


def test_a_branch_whose_failure_is_gone_on_from_gives_null() -> None:
    story = Story.begun(branches("on_branch_failure: continue"))
    story.fail("layers.data/data")
    story.complete("layers.tech/tech", {"t": 1})
    story.complete("layers.business/business", {"b": 1})

    assert story.inputs == [{"layers": {"business": {"b": 1}, "data": None, "tech": {"t": 1}}}]
    [_, completed] = story.complete("after")
    assert isinstance(completed, WorkflowCompleted)
    assert (completed.degraded, completed.missing) == (True, ("layers.data",))


def test_a_failed_branch_may_fail_the_workflow_whatever_is_said_around_it() -> None:
    story = Story.begun(branches("on_branch_failure: fail", "on_failure: continue"))

    assert names(story.fail("layers.tech/tech"))[-1] == "WorkflowFailed layers.tech/tech"


def test_a_failed_branch_may_call_the_others_off_and_fail_what_is_around_it() -> None:
    story = Story.begun(branches("on_branch_failure: cancel_others", "on_failure: continue"))

    assert names(story.fail("layers.tech/tech")) == [
        "TaskFailed layers.tech/tech",
        "TaskCancelled layers.business/business",
        "TaskCancelled layers.data/data",
        "StepFailed layers",
        "FailureTolerated layers",
        "TaskCreated after",
    ]


def test_what_a_step_says_goes_before_what_its_branch_says() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: layers
        parallel:
          on_branch_failure: fail
          branches: {one: [{name: a, agent: x, on_failure: continue}, {name: b, agent: x}]}
    """)

    assert names(story.fail("layers.one/a")) == [
        "TaskFailed layers.one/a",
        "FailureTolerated layers.one/a",
        "TaskCreated layers.one/b",
    ]


def test_branches_may_hold_branches() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: outer
        parallel:
          branches:
            one:
              - name: inner
                parallel: {branches: {a: [{name: a, agent: x}], b: [{name: b, agent: x}]}}
            two: [{name: c, agent: x}]
    """)
    assert story.open == ["outer.one/inner.a/a", "outer.one/inner.b/b", "outer.two/c"]
    story.complete("outer.one/inner.a/a", {"n": 1})
    story.complete("outer.two/c", {"n": 3})
    story.complete("outer.one/inner.b/b", {"n": 2})

    assert story.output == {"outer": {"one": {"a": {"n": 1}, "b": {"n": 2}}, "two": {"n": 3}}}


def test_calling_off_reaches_what_is_inside_of_branches() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: outer
        parallel:
          join: any
          branches:
            slow: [{name: each, foreach: {items: "[1, 2]", as: n, steps: [{name: deep, agent: x}]}}]
            wait: [{name: nap, wait: {seconds: 60}}]
            quick: [{name: quick, agent: x}]
    """)

    assert names(story.complete("outer.quick/quick"))[2:5] == [
        "TaskCancelled outer.slow/each[0]/deep",
        "TaskCancelled outer.slow/each[1]/deep",
        "StepCancelled outer.wait/nap",
    ]


def test_an_attempt_that_is_tried_again_is_no_failure_of_its_branch() -> None:
    story = Story.begun(branches("on_branch_failure: cancel_others"))

    assert names(story.fail("layers.tech/tech", ErrorCategory.TRANSIENT)) == ["TaskFailed layers.tech/tech"]
    assert len(story.open) == 3
