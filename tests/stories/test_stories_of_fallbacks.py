"""What stands in for a step that failed."""

from __future__ import annotations

from story import Story, names

from services.engine.domain.events import StepCompleted, WorkflowCompleted

AFTER = '- {name: after, agent: x, input: {got: "${steps.a.output}", was: "${steps.a.status}"}}'

STEP = f"""
name: d
steps:
  - name: a
    agent: x
    fallback: {{name: b, agent: y, input: {{why: "${{failure.message}}", code: "${{failure.code}}"}}}}
  {AFTER}
"""

CONSTANT = f"""
name: d
steps:
  - {{name: a, agent: x, fallback: {{output: {{n: 0}}}}}}
  {AFTER}
"""


def test_a_constant_stands_in_at_once() -> None:
    story = Story.begun(CONSTANT)

    [_, done, _] = story.fail("a")

    assert isinstance(done, StepCompleted)
    assert (done.source, done.degraded, done.output) == ("fallback", True, {"n": 0})
    assert story.inputs == [{"got": {"n": 0}, "was": "completed"}]


def test_a_step_stands_in_and_knows_the_failure() -> None:
    story = Story.begun(STEP)

    assert names(story.fail("a")) == ["TaskFailed a", "ScopeStarted a.fallback", "TaskCreated a.fallback/b"]
    assert story.inputs == [{"why": "it broke", "code": "BROKEN"}]
    assert names(story.complete("a.fallback/b", {"n": 1})) == [
        "TaskCompleted a.fallback/b",
        "ScopeEnded a.fallback",
        "StepCompleted a",
        "TaskCreated after",
    ]
    assert story.inputs == [{"got": {"n": 1}, "was": "completed"}]


def test_a_result_with_something_that_stood_in_is_degraded() -> None:
    story = Story.begun(CONSTANT)
    story.fail("a")
    [_, completed] = story.complete("after")

    assert isinstance(completed, WorkflowCompleted)
    assert (completed.degraded, completed.missing) == (True, ())


def test_a_fallback_that_fails_leaves_it_to_whoever_is_around_the_step() -> None:
    story = Story.begun(STEP)
    story.fail("a")

    assert names(story.fail("a.fallback/b")) == ["TaskFailed a.fallback/b", "WorkflowFailed a.fallback/b"]


def test_a_fallback_may_have_a_fallback() -> None:
    story = Story.begun(
        "name: d\nsteps: [{name: a, agent: x, fallback: {name: b, agent: y, fallback: {name: c, agent: z}}}]"
    )
    story.fail("a")
    assert names(story.fail("a.fallback/b")) == [
        "TaskFailed a.fallback/b",
        "ScopeStarted a.fallback/b.fallback",
        "TaskCreated a.fallback/b.fallback/c",
    ]

    story.complete("a.fallback/b.fallback/c", {"n": 3})

    assert story.output == {"a": {"n": 3}}


def test_a_fallback_stands_in_for_all_that_a_step_holds() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: each
        foreach: {items: "[1, 2]", as: n, steps: [{name: a, agent: x}]}
        fallback: {output: [7]}
    """)

    assert names(story.fail("each[1]/a")) == [
        "TaskFailed each[1]/a",
        "TaskCancelled each[0]/a",
        "StepFailed each",
        "StepCompleted each",
        "WorkflowCompleted",
    ]
    assert story.output == {"each": [7]}
    assert not story.workflow.scopes


def test_what_stands_in_must_fit_too_and_does_not_stand_in_for_itself() -> None:
    story = Story.begun(
        "name: d\nsteps: [{name: a, agent: x, output_schema: {required: [n]}, fallback: {name: b, agent: y}}]"
    )
    story.fail("a")

    assert names(story.complete("a.fallback/b", {"m": 1})) == [
        "TaskCompleted a.fallback/b",
        "ScopeEnded a.fallback",
        "StepFailed a",
        "WorkflowFailed a",
    ]


def test_the_conditions_of_a_step_see_what_stood_in_for_it() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, fallback: {output: {n: 5}}, conditions: [{if: "steps.a.output.n == 5", next: c}]}
      - {name: b, agent: x}
      - {name: c, agent: x}
    """)
    story.fail("a")

    assert story.open == ["c"]


def test_a_retry_goes_on_with_the_fallback_that_failed() -> None:
    story = Story.begun(STEP)
    story.fail("a")
    story.fail("a.fallback/b")

    assert names(story.retry()) == ["WorkflowRetried", "TaskCreated a.fallback/b"]
    story.complete("a.fallback/b", {"n": 1})
    assert story.inputs == [{"got": {"n": 1}, "was": "completed"}]


def test_what_is_inside_of_a_fallback_can_be_read_from_outside() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, fallback: {name: b, agent: y}}
      - {name: after, agent: x, input: {b: "${steps.b.output}"}}
    """)
    story.fail("a")
    story.complete("a.fallback/b", {"n": 1})

    assert story.inputs == [{"b": {"n": 1}}]
