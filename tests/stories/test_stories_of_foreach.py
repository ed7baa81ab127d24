"""The same steps for each element of a list."""

from __future__ import annotations

from story import Story, names

from archwright.language.model import ErrorCategory
from services.engine.domain.events import StepFailed, WorkflowCompleted
from services.engine.domain.going_on import ELEMENTS_MAX


def assess(said: str = "", more: str = "") -> str:
    return f"""
    name: d
    steps:
      - name: assess
        foreach:
          items: input.systems
          as: system
          steps:
            - {{name: look, agent: x, input: {{name: "${{system.name}}"}}}}
            - {{name: rate, agent: x, input: {{name: "${{system.name}}", seen: "${{steps.look.output.n}}"}}}}
          {said}
        {more}
      - {{name: after, agent: x, input: {{all: "${{steps.assess.output}}", looks: "${{steps.look.output}}"}}}}
    """


def systems(count: int) -> dict[str, object]:
    return {"systems": [{"name": f"system {n}"} for n in range(count)]}


def test_every_element_begins_at_once_and_sees_itself() -> None:
    story = Story.begun(assess(), systems(2))

    assert story.open == ["assess[0]/look", "assess[1]/look"]
    assert story.inputs == [{"name": "system 0"}, {"name": "system 1"}]


def test_inside_of_an_element_a_name_means_the_step_of_that_element() -> None:
    story = Story.begun(assess(), systems(2))
    story.complete("assess[0]/look", {"n": 10})
    story.complete("assess[1]/look", {"n": 11})

    assert story.inputs == [{"name": "system 1", "seen": 11}]


def test_results_come_in_the_order_of_the_elements_and_outside_a_name_means_all_of_them() -> None:
    story = Story.begun(assess(), systems(2))
    for n in (1, 0):
        story.complete(f"assess[{n}]/look", {"n": n})
        story.complete(f"assess[{n}]/rate", {"rated": n})

    assert story.inputs == [{"all": [{"rated": 0}, {"rated": 1}], "looks": [{"n": 0}, {"n": 1}]}]


def test_no_more_than_allowed_are_under_way_at_once() -> None:
    story = Story.begun(assess("max_concurrency: 2"), systems(4))
    assert story.open == ["assess[0]/look", "assess[1]/look"]
    story.complete("assess[1]/look", {"n": 1})

    assert names(story.complete("assess[1]/rate")) == [
        "TaskCompleted assess[1]/rate",
        "ScopeEnded assess[1]",
        "ScopeStarted assess[2]",
        "TaskCreated assess[2]/look",
    ]


def test_without_elements_there_is_nothing_to_do_and_the_result_is_empty() -> None:
    story = Story.begun(assess(), systems(0))

    assert names(story.told)[-3:] == ["StepStarted assess", "StepCompleted assess", "TaskCreated after"]
    assert story.inputs == [{"all": [], "looks": []}]


def test_an_element_whose_failure_is_gone_on_from_gives_null() -> None:
    story = Story.begun(assess("on_item_failure: continue"), systems(2))
    story.fail("assess[0]/look")
    story.complete("assess[1]/look", {"n": 1})
    story.complete("assess[1]/rate", {"rated": 1})

    assert story.inputs == [{"all": [None, {"rated": 1}], "looks": [None, {"n": 1}]}]
    [_, completed] = story.complete("after")
    assert isinstance(completed, WorkflowCompleted)
    assert completed.missing == ("assess[0]",)


def test_a_failed_element_makes_room_for_the_next() -> None:
    story = Story.begun(
        assess("{max_concurrency: 1, on_item_failure: continue}".strip("{}").replace(", ", "\n          ")), systems(2)
    )

    assert names(story.fail("assess[0]/look"))[-2:] == ["ScopeStarted assess[1]", "TaskCreated assess[1]/look"]


def test_a_failed_element_may_call_the_others_off() -> None:
    story = Story.begun(assess("on_item_failure: cancel_others", "on_failure: continue"), systems(3))

    assert names(story.fail("assess[1]/look")) == [
        "TaskFailed assess[1]/look",
        "TaskCancelled assess[0]/look",
        "TaskCancelled assess[2]/look",
        "StepFailed assess",
        "FailureTolerated assess",
        "TaskCreated after",
    ]


def test_a_retry_keeps_the_elements_that_are_done() -> None:
    story = Story.begun(assess("on_item_failure: cancel_others"), systems(3))
    story.complete("assess[0]/look", {"n": 0})
    story.complete("assess[0]/rate", {"rated": 0})
    story.complete("assess[2]/look", {"n": 2})
    assert names(story.fail("assess[1]/look"))[-1] == "WorkflowFailed assess[1]/look"

    assert names(story.retry()) == ["WorkflowRetried", "TaskCreated assess[1]/look", "TaskCreated assess[2]/rate"]
    story.complete("assess[1]/look", {"n": 1})
    story.complete("assess[1]/rate", {"rated": 1})
    story.complete("assess[2]/rate", {"rated": 2})
    assert story.inputs[0]["all"] == [{"rated": 0}, {"rated": 1}, {"rated": 2}]


def test_what_is_not_a_list_has_no_elements() -> None:
    story = Story.of(assess(), {"systems": "all of them"})

    failed = story.start()[2]

    assert isinstance(failed, StepFailed)
    assert (failed.category, failed.code) == (ErrorCategory.PERMANENT, "NOT_A_LIST")


def test_a_list_may_be_too_long() -> None:
    story = Story.of(assess(), {"systems": [{}] * (ELEMENTS_MAX + 1)})

    failed = story.start()[2]

    assert isinstance(failed, StepFailed)
    assert failed.message == "Foreach 'assess' has 10,001 elements; at most 10,000 are allowed."


def test_lists_may_hold_lists() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - name: outer
            foreach:
              items: input.rows
              as: row
              steps:
                - name: inner
                  foreach: {items: row, as: cell, steps: [{name: add, set: {sum: "${cell + size(row)}"}}]}
          - {name: after, agent: x, input: {all: "${steps.outer.output}", adds: "${steps.add.output}"}}
        """,
        {"rows": [[1, 2], [3]]},
    )

    sums = [[{"sum": 3}, {"sum": 4}], [{"sum": 4}]]
    assert story.inputs == [{"all": sums, "adds": sums}]
    assert list(story.workflow.scopes) == [""]


def test_elements_see_what_was_done_before_the_list() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: before, agent: x}
      - name: each
        foreach:
          items: "[1, 2]"
          as: n
          max_concurrency: 1
          steps: [{name: inner, agent: x, input: {n: "${n}", before: "${steps.before.output.b}"}}]
    """)
    story.complete("before", {"b": 7})
    story.complete("each[0]/inner")

    assert story.inputs == [{"n": 2, "before": 7}]
    assert "before" in story.workflow.outputs
