"""Who says what becomes of a failure: the step, what is around it, the definition, and by what category."""

from __future__ import annotations

import pytest
from story import Story, names

from archwright.language.model import ErrorCategory
from services.engine.domain.events import TaskFailed, WorkflowCompleted, WorkflowFailed


def chain(step: str = "", definition: str = "") -> str:
    return f"""
    name: d
    {definition}
    steps:
      - {{name: a, agent: x, retry_policy: {{max_attempts: 1}}{step}}}
      - {{name: b, agent: x, input: {{a: "${{steps.a.output}}", was: "${{steps.a.status}}"}}}}
    """


def test_without_a_word_a_failure_fails_the_workflow() -> None:
    story = Story.begun(chain())

    assert names(story.fail("a")) == ["TaskFailed a", "WorkflowFailed a"]


def test_a_step_may_be_done_without() -> None:
    story = Story.begun(chain(", on_failure: continue"))

    assert names(story.fail("a")) == ["TaskFailed a", "FailureTolerated a", "TaskCreated b"]
    assert story.inputs == [{"a": None, "was": "failed"}]
    [_, completed] = story.complete("b")
    assert isinstance(completed, WorkflowCompleted)
    assert (completed.degraded, completed.missing) == (True, ("a",))


def test_the_definition_speaks_where_no_step_does() -> None:
    story = Story.begun(chain(definition="error_handling: {on_failure: continue}"))

    assert names(story.fail("a")) == ["TaskFailed a", "FailureTolerated a", "TaskCreated b"]


def test_a_step_speaks_before_the_definition() -> None:
    story = Story.begun(chain(", on_failure: fail", "error_handling: {on_failure: continue}"))

    assert names(story.fail("a"))[-1] == "WorkflowFailed a"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("continue", ["TaskFailed a", "FailureTolerated a", "TaskCreated b"]),
        ("fail", ["TaskFailed a", "WorkflowFailed a"]),
        ("compensate", ["TaskFailed a", "CompensationStarted a", "WorkflowFailed a"]),
    ],
)
def test_the_definition_may_speak_by_category(policy: str, told: list[str]) -> None:
    story = Story.begun(chain(definition=f"error_handling: {{on_failure: fail, policies: {{business: {policy}}}}}"))

    assert names(story.fail("a", ErrorCategory.BUSINESS)) == told


def test_a_category_may_be_tried_again_that_usually_is_not() -> None:
    story = Story.begun(
        "name: d\nerror_handling: {policies: {permanent: retry, transient: fail}}\nsteps: [{name: a, agent: x}]"
    )

    [failed] = story.fail("a", ErrorCategory.PERMANENT)
    assert isinstance(failed, TaskFailed)
    assert failed.retry_at is not None
    story.fire("retry:a")
    assert names(story.fail("a", ErrorCategory.TRANSIENT, attempt=2))[-1] == "WorkflowFailed a"


def test_when_all_attempts_at_a_category_that_is_tried_again_are_used_up_the_rest_of_the_policies_decide() -> None:
    story = Story.begun(chain(definition="error_handling: {on_failure: continue, policies: {permanent: retry}}"))

    assert names(story.fail("a")) == ["TaskFailed a", "FailureTolerated a", "TaskCreated b"]


NESTED = """
name: d
error_handling: {on_failure: %(definition)s}
steps:
  - name: outer
    %(outer)s
    parallel:
      branches:
        one:
          - name: each
            %(each)s
            foreach: {items: "[1, 2]", as: n, %(item)s steps: [{name: deep, agent: x%(deep)s}, {name: then, agent: x}]}
        two: [{name: other, agent: x}]
  - {name: after, agent: x}
"""

CALLED_OFF = ["TaskCancelled outer.one/each[1]/deep"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            {"deep": ", on_failure: continue"},
            ["FailureTolerated outer.one/each[0]/deep", "TaskCreated outer.one/each[0]/then"],
        ),
        ({"item": "on_item_failure: continue,"}, ["ScopeEnded outer.one/each[0]"]),
        (
            {"item": "on_item_failure: cancel_others,", "each": "on_failure: continue"},
            [*CALLED_OFF, "StepFailed outer.one/each", "FailureTolerated outer.one/each", "ScopeEnded outer.one"],
        ),
        (
            {"each": "on_failure: continue"},
            [*CALLED_OFF, "StepFailed outer.one/each", "FailureTolerated outer.one/each", "ScopeEnded outer.one"],
        ),
        (
            {"outer": "on_failure: continue"},
            [
                *CALLED_OFF,
                "TaskCancelled outer.two/other",
                "StepFailed outer",
                "FailureTolerated outer",
                "TaskCreated after",
            ],
        ),
        (
            {"definition": "continue"},
            ["FailureTolerated outer.one/each[0]/deep", "TaskCreated outer.one/each[0]/then"],
        ),
        (
            {"definition": "continue", "item": "on_item_failure: cancel_others,"},
            [*CALLED_OFF, "StepFailed outer.one/each", "FailureTolerated outer.one/each", "ScopeEnded outer.one"],
        ),
        (
            {"definition": "continue", "each": "on_failure: fail"},
            [*CALLED_OFF, "TaskCancelled outer.two/other", "WorkflowFailed outer.one/each[0]/deep"],
        ),
        ({}, [*CALLED_OFF, "TaskCancelled outer.two/other", "WorkflowFailed outer.one/each[0]/deep"]),
    ],
    ids=lambda said: " ".join(map(str, said.values())) if isinstance(said, dict) else "",
)
def test_the_innermost_word_counts(said: dict[str, str], told: list[str]) -> None:
    words = {"definition": "fail", "outer": "", "each": "", "item": "", "deep": ""} | said
    story = Story.begun(NESTED % words)

    assert names(story.fail("outer.one/each[0]/deep")) == ["TaskFailed outer.one/each[0]/deep", *told]


CHOICE = """
name: d
steps:
  - {name: a, agent: x, on_failure: continue, conditions: [{if: "%s", next: c}]}
  - {name: b, agent: x}
  - {name: c, agent: x}
"""


@pytest.mark.parametrize(("condition", "reached"), [("steps.a.status == 'failed'", "c"), ("steps.a.output.n > 1", "b")])
def test_conditions_see_the_failure_and_leave_it_to_the_order_when_they_need_an_output(
    condition: str, reached: str
) -> None:
    story = Story.begun(CHOICE % condition)
    story.fail("a")

    assert story.open == [reached]


def test_a_workflow_that_fails_calls_everything_off_at_once() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, parallel_execution: true}
      - {name: b, agent: x, parallel_execution: true}
      - {name: nap, wait: {seconds: 60}, parallel_execution: true}
      - {name: agree, approval: {approvers: ["user:eve"]}, parallel_execution: true}
      - {name: child, workflow: other, parallel_execution: true}
    """)

    assert names(story.fail("b")) == [
        "TaskFailed b",
        "TaskCancelled a",
        "StepCancelled agree",
        "StepCancelled child",
        "StepCancelled nap",
        "WorkflowFailed b",
    ]
    assert story.effects.clears_timers


def test_a_definition_may_try_itself_again_in_the_same_commit() -> None:
    story = Story.begun("name: d\nmax_retries: 1\nsteps: [{name: a, agent: x}, {name: b, agent: x}]")
    story.complete("a")

    assert names(story.fail("b")) == ["TaskFailed b", "WorkflowFailed b", "WorkflowRetried", "TaskCreated b"]
    events = story.fail("b")

    assert names(events) == ["TaskFailed b", "WorkflowFailed b"]
    assert isinstance(events[-1], WorkflowFailed)
    assert story.workflow.error == "Step 'b' failed (permanent): it broke"


def test_a_definition_that_tries_itself_again_goes_on_inside_of_bodies() -> None:
    story = Story.begun("""
    name: d
    max_retries: 1
    steps:
      - {name: each, foreach: {items: "[1, 2]", as: n, steps: [{name: a, agent: x}, {name: b, agent: x}]}}
    """)
    story.complete("each[0]/a")
    story.complete("each[0]/b")
    story.complete("each[1]/a")

    assert names(story.fail("each[1]/b"))[-2:] == ["WorkflowRetried", "TaskCreated each[1]/b"]
    assert names(story.complete("each[1]/b"))[-1] == "WorkflowCompleted"


def test_a_workflow_out_of_time_fails_for_nobodys_reason() -> None:
    story = Story.begun("name: d\ntimeout_seconds: 60\nsteps: [{name: a, agent: x, on_failure: continue}]")

    events = story.fire("deadline")

    assert names(events) == ["TaskCancelled a", "WorkflowFailed"]
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].category is ErrorCategory.TIMEOUT
