"""How a workflow undoes what it did before it fails."""

from __future__ import annotations

import pytest
from story import Story, names

from archwright.errors import TransitionIllegal
from services.engine.domain.commands import Stale
from services.engine.domain.events import CompensationStarted, WorkflowFailed

ORDER = """
name: order
steps:
  - name: reserve
    agent: stock
    compensate:
      agent: stock
      input: {id: "${steps.reserve.output.id}", outcome: "${outcome}", why: "${failure.message}"}
  - name: pay
    agent: bank
    compensate: {name: refund, agent: bank, input: {paid: "${steps.pay.output}", outcome: "${outcome}"}}
  - {name: label, agent: x}
  - name: ship
    agent: post
    on_failure: compensate
    compensate: {name: call_back, agent: post, input: {outcome: "${outcome}"}}
"""


def failed_at_shipping() -> Story:
    story = Story.begun(ORDER)
    story.complete("reserve", {"id": 7})
    story.complete("pay", {"eur": 5})
    story.complete("label")
    story.fail("ship")
    return story


def test_what_was_done_is_undone_the_last_first() -> None:
    story = failed_at_shipping()
    [started] = [event for event in story.told if isinstance(event, CompensationStarted)]
    assert started.steps == ("ship", "pay", "reserve")
    assert story.status == "running"

    assert names(story.complete("ship.compensate/call_back")) == [
        "TaskCompleted ship.compensate/call_back",
        "ScopeEnded ship.compensate",
        "ScopeStarted pay.compensate",
        "TaskCreated pay.compensate/refund",
    ]
    story.complete("pay.compensate/refund")
    events = story.complete("reserve.compensate/reserve_compensate")

    assert names(events)[-1] == "WorkflowFailed ship"
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].message == "Step 'ship' failed (permanent): it broke"


def test_a_compensation_knows_what_came_of_its_step_and_why_it_is_undone() -> None:
    story = failed_at_shipping()
    assert story.inputs == [{"outcome": "failed"}]
    story.complete("ship.compensate/call_back")
    assert story.inputs == [{"paid": {"eur": 5}, "outcome": "completed"}]

    story.complete("pay.compensate/refund")

    assert story.inputs == [{"id": 7, "outcome": "completed", "why": "it broke"}]


def test_of_a_task_that_was_called_off_the_outcome_is_not_known() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, compensate: {agent: x, input: {outcome: "${outcome}"}}, parallel_execution: true}
      - {name: b, agent: x, on_failure: compensate, parallel_execution: true}
    """)

    assert names(story.fail("b")) == [
        "TaskFailed b",
        "TaskCancelled a",
        "CompensationStarted b",
        "ScopeStarted a.compensate",
        "TaskCreated a.compensate/a_compensate",
    ]
    assert story.inputs == [{"outcome": "unknown"}]


def test_a_compensation_that_fails_does_not_stop_the_rest() -> None:
    story = failed_at_shipping()

    assert names(story.fail("ship.compensate/call_back")) == [
        "TaskFailed ship.compensate/call_back",
        "ScopeEnded ship.compensate",
        "ScopeStarted pay.compensate",
        "TaskCreated pay.compensate/refund",
    ]


@pytest.mark.parametrize("said", ["fail", "compensate"])
def test_a_compensation_that_insists_on_failing_does_not_stop_the_rest_either(said: str) -> None:
    story = Story.begun(f"""
    name: d
    steps:
      - {{name: a, agent: x, compensate: {{agent: x}}}}
      - {{name: b, agent: x, compensate: {{agent: x, on_failure: {said}}}}}
      - {{name: c, agent: x, on_failure: compensate}}
    """)
    story.complete("a")
    story.complete("b")
    story.fail("c")

    assert names(story.fail("b.compensate/b_compensate"))[1:] == [
        "ScopeEnded b.compensate",
        "ScopeStarted a.compensate",
        "TaskCreated a.compensate/a_compensate",
    ]


def test_with_nothing_to_undo_it_fails_at_once() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x, on_failure: compensate}]")

    assert names(story.fail("a")) == ["TaskFailed a", "CompensationStarted a", "WorkflowFailed a"]


def test_steps_that_were_skipped_or_never_begun_are_not_undone() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, when: "false", compensate: {agent: x}}
      - {name: b, agent: x, input: {n: "${input.n + 1}"}, on_failure: continue, compensate: {agent: x}}
      - {name: c, agent: x, on_failure: compensate}
    """)

    assert names(story.fail("c")) == ["TaskFailed c", "CompensationStarted c", "WorkflowFailed c"]


def test_what_was_done_inside_of_bodies_is_undone_too_with_what_it_saw() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - name: each
            foreach:
              items: input.rooms
              as: room
              steps:
                - name: book
                  agent: x
                  compensate: {name: cancel, agent: x, input: {room: "${room}", id: "${steps.book.output.id}"}}
          - {name: pay, agent: x, on_failure: compensate}
        """,
        {"rooms": ["red", "blue"]},
    )
    story.complete("each[1]/book", {"id": 21})
    story.complete("each[0]/book", {"id": 20})

    assert names(story.fail("pay"))[2:] == [
        "ScopeStarted each[0]/book.compensate",
        "TaskCreated each[0]/book.compensate/cancel",
    ]
    assert story.inputs == [{"room": "red", "id": 20}]
    story.complete("each[0]/book.compensate/cancel")
    assert story.inputs == [{"room": "blue", "id": 21}]


def test_what_losers_of_a_join_did_is_undone_too() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: race
        parallel:
          join: any
          branches:
            one:
              - {name: a, agent: x, compensate: {name: undo, agent: x, input: {a: "${steps.a.output.n}"}}}
              - {name: b, agent: x}
            two: [{name: c, agent: x}]
      - {name: after, agent: x, on_failure: compensate}
    """)
    story.complete("race.one/a", {"n": 1})
    story.complete("race.two/c")

    assert names(story.fail("after"))[-1] == "TaskCreated race.one/a.compensate/undo"
    assert story.inputs == [{"a": 1}]


def test_a_step_that_holds_others_may_be_undone_whole() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: each
        foreach: {items: "[1, 2]", as: n, steps: [{name: a, agent: x}]}
        compensate: {name: undo, agent: x, input: {outcome: "${outcome}"}}
      - {name: after, agent: x}
    error_handling: {on_failure: compensate}
    """)

    assert names(story.fail("each[0]/a")) == [
        "TaskFailed each[0]/a",
        "TaskCancelled each[1]/a",
        "CompensationStarted each[0]/a",
        "ScopeStarted each.compensate",
        "TaskCreated each.compensate/undo",
    ]
    assert names(story.complete("each.compensate/undo"))[-1] == "WorkflowFailed each[0]/a"


def test_a_compensation_may_be_of_any_kind() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: a
        agent: x
        compensate: {name: undo, foreach: {items: "[1, 2]", as: n, steps: [{name: one, agent: x}]}}
      - {name: b, agent: x, on_failure: compensate}
    """)
    story.complete("a")
    story.fail("b")
    assert story.open == ["a.compensate/undo[0]/one", "a.compensate/undo[1]/one"]
    story.complete("a.compensate/undo[0]/one")

    assert names(story.complete("a.compensate/undo[1]/one"))[-3:] == [
        "StepCompleted a.compensate/undo",
        "ScopeEnded a.compensate",
        "WorkflowFailed b",
    ]


def test_nothing_else_goes_on_beside_a_compensation() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: round
        loop:
          max_iterations: 3
          until: "false"
          steps: [{name: a, agent: x, compensate: {agent: x}}, {name: b, agent: x}]
        on_failure: compensate
    """)
    story.complete("round[0]/a")
    story.complete("round[0]/b")
    story.complete("round[1]/a")

    assert [name for name in names(story.fail("round[1]/b")) if "Started" in name] == [
        "CompensationStarted round[1]/b",
        "ScopeStarted round[1]/a.compensate",
    ]


def test_cancelling_does_not_undo() -> None:
    story = Story.begun(ORDER)
    story.complete("reserve", {"id": 7})

    assert names(story.cancel()) == ["TaskCancelled pay", "WorkflowCancelled"]


def test_what_was_undone_is_not_retried() -> None:
    story = failed_at_shipping()
    for step in ("ship.compensate/call_back", "pay.compensate/refund", "reserve.compensate/reserve_compensate"):
        story.complete(step)

    with pytest.raises(TransitionIllegal, match="its steps were compensated; rerun it as a new workflow"):
        story.retry()


def test_a_workflow_that_tries_itself_again_does_not_after_a_compensation() -> None:
    story = Story.begun("name: d\nmax_retries: 3\nsteps: [{name: a, agent: x, on_failure: compensate}]")

    assert names(story.fail("a"))[-1] == "WorkflowFailed a"


def test_a_compensation_has_no_longer_than_the_workflow() -> None:
    story = failed_at_shipping()

    assert names(story.fire("deadline")) == ["TaskCancelled ship.compensate/call_back", "WorkflowFailed"]
    with pytest.raises(TransitionIllegal):
        story.retry()


def test_a_compensation_may_be_paused() -> None:
    story = failed_at_shipping()
    story.pause()
    assert names(story.fail("ship.compensate/call_back")) == ["TaskFailed ship.compensate/call_back"]

    assert names(story.resume()) == [
        "WorkflowResumed",
        "ScopeEnded ship.compensate",
        "ScopeStarted pay.compensate",
        "TaskCreated pay.compensate/refund",
    ]


def test_late_results_of_what_was_called_off_are_stale() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, compensate: {agent: x}, parallel_execution: true}
      - {name: b, agent: x, on_failure: compensate, parallel_execution: true}
    """)
    story.fail("b")

    with pytest.raises(Stale):
        story.complete("a")
