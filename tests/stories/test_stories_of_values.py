"""What expressions see: names of a body, of those around it, values with names, and ids."""

from __future__ import annotations

from story import WORKFLOW_ID, Story, names

from archwright.language.model import ErrorCategory
from services.engine.domain.beginning import VARS_BYTES_MAX
from services.engine.domain.events import EventEmitted, StepFailed
from services.engine.domain.values import scope_of_task


def test_a_step_is_given_the_input_and_what_came_directly_before_it() -> None:
    story = Story.begun(
        "name: d\nsteps: [{name: a, agent: x}, {name: b, agent: x}, {name: c, agent: x}]", {"topic": "tea"}
    )
    story.complete("a", {"n": 1})
    assert story.inputs == [{"topic": "tea", "a": {"n": 1}}]

    story.complete("b", {"n": 2})

    assert story.inputs == [{"topic": "tea", "b": {"n": 2}}]


def test_an_element_is_given_itself_besides() -> None:
    story = Story.begun(
        "name: d\nsteps:\n  - name: each\n    foreach: {items: '[7]', as: n, steps: [{name: a, agent: x}]}",
        {"topic": "tea"},
    )

    assert story.inputs == [{"topic": "tea", "n": 7}]


def test_named_values_are_seen_by_all_that_comes_after() -> None:
    story = Story.begun(
        """
    name: d
    steps:
      - {name: one, set: {n: 1, text: "n is ${input.n}"}}
      - {name: two, set: {n: "${vars.n + 1}"}}
      - {name: look, agent: x, input: {all: "${vars}", mine: "${steps.one.output.n}"}}
    """,
        {"n": 5},
    )

    assert story.inputs == [{"all": {"n": 2, "text": "n is 5"}, "mine": 1}]


def test_a_task_is_given_what_was_named_when_it_was_made_even_if_it_is_handed_out_later() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: first, set: {n: 1}}
      - name: both
        parallel:
          branches:
            one: [{name: look, agent: x, input: {n: "${vars.n}"}}]
            two: [{name: other, agent: x}, {name: rename, set: {n: 2}}]
    """)
    story.complete("both.two/other")

    seen = scope_of_task(story.plan, story.workflow, story.known, "both.one/look")

    assert story.plan.node("look").input(seen) == {"n": 1}


def test_a_workflow_knows_its_own_name() -> None:
    story = Story.begun("name: d\nversion: 1.2.3\nsteps: [{name: a, agent: x, input: {me: '${workflow}'}}]")

    assert story.inputs == [{"me": {"id": WORKFLOW_ID, "definition": "d", "version": "1.2.3"}}]


def test_named_values_have_a_limit_together() -> None:
    story = Story.of(
        "name: d\nsteps: [{name: a, set: {one: '${input.text}'}}, {name: b, set: {two: '${input.text}'}}]",
        {"text": "x" * (VARS_BYTES_MAX * 2 // 3)},
    )

    failed = story.start()[3]

    assert isinstance(failed, StepFailed)
    assert (failed.step, failed.code) == ("b", "VARS_TOO_LARGE")


def test_a_loop_variable_goes_before_an_input_field() -> None:
    story = Story.begun(
        "name: d\nsteps:\n  - name: each\n"
        "    foreach: {items: '[7]', as: n, steps: [{name: a, agent: x, input: {seen: '${n}', given: '${input.n}'}}]}",
        {"n": 1},
    )

    assert story.inputs == [{"seen": 7, "given": 1}]


def test_inner_elements_see_the_outer_ones() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: outer
        foreach:
          items: "[1, 2]"
          as: n
          steps:
            - name: inner
              foreach: {items: "[n * 10]", as: m, steps: [{name: a, agent: x, input: {n: "${n}", m: "${m}"}}]}
    """)

    assert story.inputs == [{"n": 1, "m": 10}, {"n": 2, "m": 20}]


def test_what_a_branch_came_to_is_read_outside_by_the_name_of_its_step() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: both
        parallel:
          branches:
            one: [{name: a, agent: x}, {name: b, agent: x}]
            two: [{name: c, agent: x}]
      - {name: look, agent: x, input: {a: "${steps.a.output.n}", c: "${steps.c.output.n}", b: "${steps.b.status}"}}
    """)
    story.complete("both.one/a", {"n": 1})
    story.complete("both.two/c", {"n": 3})
    story.complete("both.one/b", {"n": 2})

    assert story.inputs == [{"a": 1, "c": 3, "b": "completed"}]


def test_an_output_is_forgotten_when_its_last_reader_has_ended() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x}
      - {name: b, agent: x, input: {a: "${steps.a.output}"}}
      - {name: c, agent: x, input: {a: "${steps.a.output}", b: "${steps.b.output}"}}
      - {name: d, agent: x, input: {}}
    """)
    story.complete("a", {"n": 1})
    assert list(story.workflow.outputs) == ["a"]
    story.complete("b", {"n": 2})
    assert sorted(story.workflow.outputs) == ["a", "b"]

    story.complete("c", {"n": 3})

    assert not story.workflow.outputs


def test_an_output_of_null_is_null() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x}, {name: b, agent: x, input: {a: '${steps.a.output}'}}]")
    story.complete_with_null("a")

    assert story.inputs == [{"a": None}]


def test_a_step_may_publish_an_event_of_its_authors() -> None:
    story = Story.of(
        "name: d\nsteps: [{name: tell, emit: {type: order.shipped, payload: {n: '${input.n}'}}}]", {"n": 5}
    )

    emitted = story.start()[2]

    assert isinstance(emitted, EventEmitted)
    assert (emitted.type, emitted.payload) == ("order.shipped", {"n": 5})
    assert story.output == {"tell": None}


def test_a_step_may_fail_with_a_category_and_a_message() -> None:
    story = Story.of(
        "name: d\nsteps: [{name: stop, fail: {category: business, message: 'no ${input.what} left'}}]", {"what": "tea"}
    )

    failed = story.start()[2]

    assert isinstance(failed, StepFailed)
    assert (failed.category, failed.message) == (ErrorCategory.BUSINESS, "no tea left")
    assert story.status == "failed"


def test_an_expression_that_fails_fails_its_step_with_itself_and_the_types() -> None:
    story = Story.of("name: d\nsteps: [{name: a, agent: x, when: 'input.n > 3'}]", {"n": "many"})

    failed = story.start()[2]

    assert isinstance(failed, StepFailed)
    assert (failed.category, failed.code) == (ErrorCategory.PERMANENT, "EXPRESSION_FAILED")
    assert "input.n > 3" in failed.message
    assert "input.n is string" in failed.message


def test_an_input_that_does_not_fit_its_schema_fails_its_step_before_any_agent_sees_it() -> None:
    story = Story.of("name: d\nsteps: [{name: a, agent: x, input_schema: {required: [topic]}, input: {}}]")

    assert names(story.start())[2:] == ["StepFailed a", "WorkflowFailed a"]
