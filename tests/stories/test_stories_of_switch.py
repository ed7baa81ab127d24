"""One of several bodies."""

from __future__ import annotations

import pytest
from story import Story, names

SWITCH = """
name: d
steps:
  - name: route
    switch:
      cases:
        - {if: "n > 2", steps: [{name: much, agent: x}, {name: more, agent: x}]}
        - {if: "n > 1", steps: [{name: some, agent: x}]}
      else: [{name: little, agent: x}]
  - name: after
    agent: x
    input: {got: "${steps.route.output}", some: "${steps.some.output}", was: "${steps.some.status}"}
"""


@pytest.mark.parametrize(("n", "reached"), [(3, "route.0/much"), (2, "route.1/some"), (1, "route.else/little")])
def test_the_first_case_that_holds_is_done_else_the_other_steps(n: int, reached: str) -> None:
    assert Story.begun(SWITCH, {"n": n}).open == [reached]


def test_a_switch_gives_what_its_case_gave() -> None:
    story = Story.begun(SWITCH, {"n": 2})

    assert names(story.complete("route.1/some", {"s": 1})) == [
        "TaskCompleted route.1/some",
        "ScopeEnded route.1",
        "StepCompleted route",
        "TaskCreated after",
    ]
    assert story.inputs == [{"got": {"s": 1}, "some": {"s": 1}, "was": "completed"}]


def test_a_step_of_a_case_that_was_not_chosen_is_not_reached() -> None:
    story = Story.begun(SWITCH, {"n": 1})
    story.complete("route.else/little", {"l": 1})

    assert story.inputs == [{"got": {"l": 1}, "some": None, "was": "not_reached"}]


def test_a_switch_without_a_case_that_holds_is_skipped() -> None:
    story = Story.begun(
        'name: d\nsteps:\n  - {name: route, switch: {cases: [{if: "false", steps: [{name: a, agent: x}]}]}}\n'
        "  - {name: b, agent: x, input: {was: '${steps.route.status}'}}"
    )

    assert names(story.told)[-2:] == ["StepSkipped route", "TaskCreated b"]
    assert story.inputs == [{"was": "skipped"}]


def test_a_failure_in_a_case_is_the_switchs_to_deal_with() -> None:
    story = Story.begun(
        "name: d\nsteps:\n  - name: route\n    on_failure: continue\n"
        '    switch: {cases: [{if: "true", steps: [{name: a, agent: x}]}]}\n'
        "  - {name: b, agent: x}"
    )

    assert names(story.fail("route.0/a")) == [
        "TaskFailed route.0/a",
        "StepFailed route",
        "FailureTolerated route",
        "TaskCreated b",
    ]


def test_a_case_that_cannot_be_told_fails_the_switch() -> None:
    story = Story.of(
        'name: d\nsteps: [{name: route, switch: {cases: [{if: "n > 1", steps: [{name: a, agent: x}]}]}}]', {"n": "many"}
    )

    assert names(story.start())[-2:] == ["StepFailed route", "WorkflowFailed route"]
