"""Which steps follow which: the order written, choices, dependencies, groups, and steps that are passed over."""

from __future__ import annotations

import pytest
from story import Story, names

from services.engine.domain.events import WorkflowFailed

CHOICE = """
name: d
steps:
  - name: ask
    agent: x
    conditions: [{if: "steps.ask.output.n > 2", next: much}, {if: "steps.ask.output.n == 2", next: end}]
  - {name: little, agent: x}
  - {name: much, agent: x}
"""

GRAPH = """
name: d
steps:
  - {name: a, agent: x}
  - {name: b, agent: x, depends_on: []}
  - {name: c, agent: x, depends_on: [b, a]}
  - {name: d, agent: x, depends_on: [a]}
"""


def test_a_true_condition_leads_past_the_steps_between() -> None:
    story = Story.begun(CHOICE)
    story.complete("ask", {"n": 3})

    assert story.open == ["much"]
    story.complete("much", {"m": 1})
    assert story.output == {"much": {"m": 1}}


def test_without_a_true_condition_the_step_written_next_follows_and_falls_through() -> None:
    story = Story.begun(CHOICE)
    story.complete("ask", {"n": 1})

    assert story.open == ["little"]
    story.complete("little")
    assert story.open == ["much"]


def test_a_path_that_is_told_to_end_ends_the_workflow() -> None:
    story = Story.begun(CHOICE)

    assert names(story.complete("ask", {"n": 2})) == ["TaskCompleted ask", "WorkflowCompleted"]
    assert story.output == {"ask": {"n": 2}}


def test_otherwise_has_its_own_target() -> None:
    story = Story.begun(
        'name: d\nsteps:\n  - {name: a, agent: x, conditions: [{if: "false", next: b}], else: c}\n'
        "  - {name: b, agent: x, next: end}\n  - {name: c, agent: x}"
    )
    story.complete("a")

    assert story.open == ["c"]


def test_a_step_that_several_paths_lead_to_is_done_once() -> None:
    story = Story.begun(
        'name: d\nsteps:\n  - {name: a, agent: x, conditions: [{if: "true", next: c}]}\n'
        "  - {name: b, agent: x, next: d}\n  - {name: c, agent: x}\n  - {name: d, agent: x}"
    )
    story.complete("a")
    story.complete("c")
    assert names(story.complete("d"))[-1] == "WorkflowCompleted"

    assert [name for name in names(story.told) if name.startswith("TaskCreated")] == [
        "TaskCreated a",
        "TaskCreated c",
        "TaskCreated d",
    ]


def test_a_step_out_of_reach_settles_all_that_is_only_behind_it() -> None:
    story = Story.begun(
        'name: d\nsteps:\n  - {name: a, agent: x, conditions: [{if: "true", next: d}]}\n'
        "  - {name: b, agent: x}\n  - {name: c, agent: x, next: end}\n  - {name: d, agent: x}"
    )
    story.complete("a")

    assert story.open == ["d"]
    assert not story.workflow.waiting


def test_a_step_of_a_graph_begins_when_all_that_it_depends_on_are_done() -> None:
    story = Story.begun(GRAPH)
    assert story.open == ["a", "b"]

    story.complete("a")
    assert story.open == ["b", "d"]
    story.complete("b")
    assert story.open == ["c", "d"]
    story.complete("d")
    story.complete("c")
    assert sorted(story.output) == ["c", "d"]


def test_whoever_depends_on_a_skipped_step_takes_it_as_done() -> None:
    story = Story.begun(
        'name: d\nsteps: [{name: a, agent: x, when: "false"}, {name: b, agent: x, input: {'
        'was: "${steps.a.status}", gave: "${steps.a.output}"}}]'
    )

    assert names(story.told)[-2:] == ["StepSkipped a", "TaskCreated b"]
    assert story.inputs == [{"was": "skipped", "gave": None}]


def test_the_conditions_of_a_skipped_step_are_not_asked() -> None:
    story = Story.begun(
        'name: d\nsteps:\n  - {name: a, agent: x, when: "false", conditions: [{if: "steps.a.output.n > 1", next: c}]}\n'
        "  - {name: b, agent: x}\n  - {name: c, agent: x}"
    )

    assert story.open == ["b"]


def test_neighbours_that_go_side_by_side_are_one_group_that_the_next_step_waits_for() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: first, agent: x}
      - {name: left, agent: x, parallel_execution: true}
      - {name: right, agent: x, parallel_execution: true}
      - {name: last, agent: x}
    """)
    story.complete("first")
    assert story.open == ["left", "right"]
    story.complete("right", {"r": 1})
    assert story.open == ["left"]

    story.complete("left", {"l": 1})

    assert story.open == ["last"]
    assert story.inputs == [{"left": {"l": 1}, "right": {"r": 1}}]


def test_a_target_that_begins_a_group_reaches_all_of_it() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, next: left}
      - {name: left, agent: x, parallel_execution: true}
      - {name: right, agent: x, parallel_execution: true}
    """)
    story.complete("a")

    assert story.open == ["left", "right"]


def test_a_set_step_between_keeps_groups_apart() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, parallel_execution: true}
      - {name: b, agent: x, parallel_execution: true}
      - {name: apart, set: {done: true}}
      - {name: c, agent: x, parallel_execution: true}
      - {name: d, agent: x, parallel_execution: true}
    """)
    assert story.open == ["a", "b"]
    story.complete("a")

    assert names(story.complete("b")) == ["TaskCompleted b", "StepCompleted apart", "TaskCreated c", "TaskCreated d"]


def test_the_output_is_that_of_the_steps_that_paths_ended_with() -> None:
    story = Story.begun(GRAPH)
    for step in ("a", "b", "c", "d"):
        story.complete(step, {"of": step})

    assert story.output == {"c": {"of": "c"}, "d": {"of": "d"}}


def test_an_output_of_its_own_is_filled_from_the_steps() -> None:
    story = Story.begun(
        "name: d\nsteps: [{name: a, agent: x}, {name: b, agent: x}]\noutput: {sum: '${steps.a.output.n + input.n}'}",
        {"n": 1},
    )
    story.complete("a", {"n": 2})
    story.complete("b")

    assert story.output == {"sum": 3}


def test_an_output_that_cannot_be_filled_fails_the_workflow() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x}]\noutput: {n: '${steps.a.output.n}'}")

    [_, failed] = story.complete("a", {})

    assert isinstance(failed, WorkflowFailed)
    assert (failed.step, failed.code) == ("", "EXPRESSION_FAILED")


@pytest.mark.parametrize(("n", "given"), [(1, 1), (2.5, 2.5), (10**12, 10**12)])
def test_whole_numbers_stay_whole(n: float, given: float) -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x, input: {n: '${input.n}'}}]", {"n": n})

    assert story.inputs == [{"n": given}]
    assert type(story.inputs[0]["n"]) is type(given)
