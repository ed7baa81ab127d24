"""What is said about steps that are not done, and why they are not running."""

from __future__ import annotations

from datetime import timedelta

import pytest
from story import NOON, SECOND, Story

from archwright.language.model import ErrorCategory
from services.engine.domain.explaining import EXPLAINED_MAX, Explained, Reason, Standing, explain
from services.engine.domain.transitions import TaskStatus

CHAIN = "name: d\nsteps: [{name: a, agent: writer}, {name: b, agent: x}, {name: c, agent: x}]"


def explained(story: Story, standing: Standing | None = None) -> dict[str, Explained]:
    standings = {} if standing is None else {story.task("a"): standing}
    return {each.step: each for each in explain(story.plan, story.workflow, standings, workflows_max=1_000)}


@pytest.mark.parametrize(
    ("standing", "reason", "told"),
    [
        (Standing(TaskStatus.IN_PROGRESS, "agent_1"), Reason.RUNNING, "agent agent_1 works on it"),
        (
            Standing(TaskStatus.ASSIGNED, "agent_1"),
            Reason.ASSIGNED,
            "agent agent_1 was given it and has not accepted it yet",
        ),
        (Standing(), Reason.NO_AGENT, "no agent is online that is 'writer'"),
        (
            Standing(agents=1, breaker_open_until=NOON + SECOND),
            Reason.BREAKER_OPEN,
            "the breaker of 'writer' is open until 2026-01-01T12:00:01Z",
        ),
        (
            Standing(agents=2, ahead=3),
            Reason.QUEUED,
            "3 tasks are before it in the queue 'writer' of 2 agents, 0 with room",
        ),
        (None, Reason.QUEUED, "waits for an agent that is 'writer'"),
    ],
)
def test_a_waiting_task_is_explained_by_who_could_take_it(standing: Standing | None, reason: Reason, told: str) -> None:
    story = Story.begun(CHAIN)

    found = explained(story, standing)["a"]

    assert (found.reason, found.message, found.task_id) == (reason, told, story.task("a"))


def test_a_task_that_failed_backs_off_until_a_time() -> None:
    story = Story.begun(CHAIN)
    story.fail("a", ErrorCategory.TRANSIENT, chance=0.5)

    found = explained(story)["a"]

    assert (found.reason, found.until) == (Reason.BACKING_OFF, NOON + SECOND / 2)


def test_steps_to_come_wait_for_those_before_them() -> None:
    found = explained(Story.begun(CHAIN))

    assert found["b"].reason is Reason.WAITING_FOR_STEPS
    assert found["b"].waits_for == ("a",)
    assert found["c"].waits_for == ("b",)


def test_a_step_that_is_done_or_out_of_reach_is_not_explained() -> None:
    story = Story.begun(
        "name: d\nsteps:\n  - {name: a, agent: x, conditions: [{if: 'true', next: c}]}\n"
        "  - {name: b, agent: x, next: end}\n  - {name: c, agent: x}"
    )
    story.complete("a")

    assert list(explained(story)) == ["c"]


def test_what_waits_for_times_words_people_and_workflows_says_so() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: nap, depends_on: [], wait: {seconds: 60}}
      - {name: word, depends_on: [], wait: {signal: go}}
      - {name: ask, depends_on: [], approval: {approvers: ["role:boss"], quorum: 2}}
      - {name: child, depends_on: [], workflow: other}
    """)

    found = explained(story)

    assert {step: each.reason for step, each in found.items()} == {
        "ask": Reason.WAITING_FOR_APPROVAL,
        "child": Reason.WAITING_FOR_CHILD,
        "nap": Reason.WAITING_FOR_TIME,
        "word": Reason.WAITING_FOR_SIGNAL,
    }
    assert found["nap"].until == NOON + timedelta(seconds=60)
    assert found["word"].waits_for == ("go",)
    assert found["ask"].waits_for == ("role:boss",)


def test_a_step_that_holds_others_tells_how_far_they_are() -> None:
    story = Story.begun("""
    name: d
    steps:
      - name: each
        foreach: {items: "[1, 2, 3]", as: n, max_concurrency: 2, steps: [{name: try, agent: x}, {name: then, agent: x}]}
    """)
    story.complete("each[0]/try")
    story.complete("each[0]/then")

    found = explained(story)

    assert found["each"].message == "1 of 3 bodies are done, and 2 under way"
    assert found["each"].waits_for == ("each[1]", "each[2]")
    assert found["each[1]/then"].waits_for == ("each[1]/try",)


def test_in_a_pause_it_is_said_who_asked_for_it() -> None:
    story = Story.begun(CHAIN)
    story.pause()
    assert explained(story, Standing(TaskStatus.HELD))["a"].reason is Reason.PAUSED

    story.complete("a")

    assert explained(story)["b"].message == "the workflow was paused by 'ann' at 2026-01-01T12:00:00Z"


def test_a_failure_during_a_pause_waits_for_its_end() -> None:
    story = Story.begun(CHAIN)
    story.pause()
    story.fail("a")

    assert explained(story)["a"].reason is Reason.FAILED


def test_a_workflow_that_a_limit_holds_back_says_which() -> None:
    story = Story.of(CHAIN)
    story.start(admitted=False)

    found = explained(story)["a"]
    assert found.reason is Reason.QUOTA
    assert found.message == "the workflow waits for others to end: 1,000 workflows of a tenant may be under way at once"


def test_after_a_failure_the_way_out_is_told() -> None:
    story = Story.begun(CHAIN)
    story.fail("a")

    assert explained(story)["a"].message == "failed, or was called off with the workflow; a retry begins it anew"


def test_a_switch_a_loop_and_what_stands_in_tell_what_is_under_way() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: route, depends_on: [], switch: {cases: [{if: "true", steps: [{name: chosen, agent: x}]}]}}
      - {name: round, depends_on: [], loop: {max_iterations: 4, until: "true", steps: [{name: turn, agent: x}]}}
      - {name: weak, depends_on: [], agent: x, fallback: {name: strong, agent: x}}
    """)
    story.fail("weak")

    found = explained(story)

    assert found["route"].message == "its case '0' is under way"
    assert found["round"].message == "goes round, 4 times at most"
    assert found["weak"].message == "failed (permanent: it broke); its fallback is under way"
    assert found["weak"].waits_for == ("weak.fallback",)


def test_an_output_that_is_to_be_repaired_is_told_with_what_is_wrong() -> None:
    story = Story.begun("name: d\nsteps: [{name: a, agent: x, output_schema: {required: [n]}}]")
    story.complete("a", {"m": 1})

    assert "; its output is to be repaired: output" in explained(story)["a"].message


def test_while_a_workflow_undoes_what_it_did_what_was_given_up_says_so() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: a, agent: x, compensate: {name: undo, agent: x}}
      - {name: b, agent: x, on_failure: compensate}
      - {name: c, agent: x}
    """)
    story.complete("a")
    story.fail("b")

    found = explained(story)

    assert found["b"].message == "was given up; the workflow undoes what it did, and then fails"
    assert found["a.compensate/undo"].reason is Reason.QUEUED
    assert "c" not in found
    story.complete("a.compensate/undo")
    assert explained(story)["b"].message == "failed, or was called off with the workflow; rerun the workflow"


def test_of_a_workflow_that_is_done_there_is_nothing_to_explain() -> None:
    story = Story.begun(CHAIN)
    story.cancel()

    assert explained(story) == {}


def test_an_explanation_has_an_end() -> None:
    steps = "\n".join(f"  - {{name: s{n}, agent: x}}" for n in range(EXPLAINED_MAX + 10))
    story = Story.begun(f"name: d\nsteps:\n{steps}")

    assert len(explain(story.plan, story.workflow, {}, workflows_max=1_000)) == EXPLAINED_MAX
