"""Workflows of a size at which anything that grows with the square of it would never end."""

from __future__ import annotations

import pytest
from story import Story

from archwright.language.model import ErrorCategory
from services.engine.domain.commands import CompleteTask, FailTask
from services.engine.domain.events import TaskCreated
from services.engine.domain.transitions import WorkflowStatus
from services.engine.storage.state_codec import dump_workflow

MANY = 10_000
BRANCHES = 1_000


def answer_all(story: Story, *, is_failing: bool = False) -> None:
    """Answer every task until there are none, in the order in which they were made."""
    while tasks := [event for event in story.told if isinstance(event, TaskCreated)]:
        story.told.clear()
        for task in tasks:
            if story.status is WorkflowStatus.RUNNING:
                story.when(answer(story, task.step, task.task_id, is_failing=is_failing))


def answer(story: Story, step: str, task_id: str, *, is_failing: bool = False) -> CompleteTask | FailTask:
    if is_failing:
        return FailTask(story.now, task_id, 1, "a1", ErrorCategory.PERMANENT, "BROKEN", "it broke", 0.0, step=step)
    return CompleteTask(story.now, task_id, 1, "a1", {"n": 1}, step=step)


def test_a_chain_of_ten_thousand_steps_ends_and_its_state_stays_small() -> None:
    steps = "\n".join(f"  - {{name: s{n}, agent: x}}" for n in range(MANY))
    story = Story.begun(f"name: d\nsteps:\n{steps}")
    for n in range(MANY - 1):
        story.when(answer(story, f"s{n}", story.task(f"s{n}")))
        story.told = story.told[-1:]
        assert len(dump_workflow(story.workflow)) < 600

    assert story.open == [f"s{MANY - 1}"]


def test_a_loop_of_ten_thousand_iterations_ends() -> None:
    story = Story.begun(f"""
    name: d
    steps:
      - {{name: begin, set: {{n: 0}}}}
      - name: round
        loop:
          max_iterations: {MANY}
          while: "vars.n < {MANY}"
          steps: [{{name: more, set: {{n: "${{vars.n + 1}}"}}}}]
    """)

    assert story.output == {"round": {"n": MANY}}


@pytest.mark.parametrize("join", ["all", "any", BRANCHES - 1])
def test_a_thousand_branches_end(join: object) -> None:
    branches = "\n".join(f"          b{n}: [{{name: s{n}, agent: x}}]" for n in range(BRANCHES))
    story = Story.begun(
        f"name: d\nsteps:\n  - name: all\n    parallel:\n      join: {join}\n      branches:\n{branches}"
    )

    answer_all(story)

    assert story.status is WorkflowStatus.COMPLETED


def test_a_thousand_neighbours_side_by_side_end() -> None:
    steps = "\n".join(f"  - {{name: s{n}, agent: x, parallel_execution: true}}" for n in range(BRANCHES))
    story = Story.begun(f"name: d\nsteps:\n{steps}\n  - {{name: after, agent: x}}")

    answer_all(story)

    assert story.status is WorkflowStatus.COMPLETED


@pytest.mark.parametrize("is_failing", [False, True], ids=["that work", "that fail"])
def test_ten_thousand_elements_end(is_failing: bool) -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - name: each
            foreach:
              items: input.all
              as: n
              on_item_failure: continue
              steps: [{name: a, agent: x, input: {n: "${n}"}}]
        """,
        {"all": list(range(MANY))},
    )

    answer_all(story, is_failing=is_failing)

    assert story.status is WorkflowStatus.COMPLETED


def test_ten_thousand_elements_are_undone_when_it_fails() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - name: each
            foreach:
              items: input.all
              as: n
              steps: [{name: a, set: {last: "${n}"}, compensate: {name: undo, set: {undone: "${n}"}}}]
          - {name: stop, fail: {message: enough}, on_failure: compensate}
        """,
        {"all": list(range(MANY))},
    )

    assert story.status is WorkflowStatus.FAILED


def test_a_workflow_of_ten_thousand_open_tasks_is_called_off_paused_and_resumed() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - {name: each, foreach: {items: input.all, as: n, steps: [{name: a, agent: x, input: {n: "${n}"}}]}}
        """,
        {"all": list(range(MANY))},
    )
    story.pause()
    story.resume()
    story.fail("each[77]/a")
    assert story.status is WorkflowStatus.FAILED
    story.retry()
    assert len(story.open) == MANY

    story.cancel()

    assert not story.open
