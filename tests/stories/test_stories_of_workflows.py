"""How a workflow moves, told as given, when, then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from story import CHAIN, NOON, SECOND, Story, failure, names

from archwright.errors import TransitionIllegal
from archwright.language.model import ErrorCategory
from services.engine.domain.commands import CancelWorkflow, CompleteTask, FireTimer, Stale
from services.engine.domain.effects import effects
from services.engine.domain.events import TaskCompleted, TaskCreated, TaskFailed, WorkflowCompleted, WorkflowFailed
from services.engine.domain.transitions import TASK_TRANSITIONS, WORKFLOW_TRANSITIONS, TaskStatus, WorkflowStatus
from services.engine.domain.workflow import Workflow

SEED = """
workflow:
  name: "architecture_creation_seed"
  steps:
    - name: "requirement_analysis"
      agent: "business_analyst"
      conditions:
        - if: "request_type == 'new_architecture'"
          next: "business_architecture"
        - if: "request_type == 'modification'"
          next: "impact_analysis"
    - name: "business_architecture"
      agent: "business_architect"
      next: end
    - name: "impact_analysis"
      agent: "solution_architect"
      next: end
"""


def test_a_start_makes_the_first_task() -> None:
    story = Story.of(CHAIN, {"topic": "tea"})

    assert names(story.start()) == ["WorkflowCreated", "WorkflowStarted", "TaskCreated draft"]
    assert story.workflow.status is WorkflowStatus.RUNNING
    assert story.workflow.last_seq == 3


def test_a_result_makes_the_next_task() -> None:
    story = Story.of(CHAIN)
    story.start()

    assert names(story.complete("draft", {"text": "…"})) == ["TaskCompleted draft", "TaskCreated review"]


def test_the_last_result_completes_the_workflow() -> None:
    story = Story.of(CHAIN)
    story.start()
    story.complete("draft")

    events = story.complete("review", {"verdict": "good"})

    assert names(events) == ["TaskCompleted review", "WorkflowCompleted"]
    assert isinstance(events[-1], WorkflowCompleted)
    assert events[-1].output == {"review": {"verdict": "good"}}
    assert story.workflow.status is WorkflowStatus.COMPLETED


def test_a_step_is_given_the_workflows_input_and_its_predecessors_output() -> None:
    story = Story.of(CHAIN, {"topic": "tea"})
    story.start()

    decided = story.would(CompleteTask(NOON, story.task("draft"), 1, "a1", {"text": "leaf"}))

    [given] = decided.inputs.values()
    assert given == b'{"draft":{"text":"leaf"},"topic":"tea"}'


@pytest.mark.parametrize(
    ("request_type", "reached"),
    [("new_architecture", "business_architecture"), ("modification", "impact_analysis")],
)
def test_the_seeds_example_takes_the_branch_that_its_condition_names(request_type: str, reached: str) -> None:
    story = Story.of(SEED, {"request_type": request_type})
    story.start()

    assert names(story.complete("requirement_analysis")) == [
        "TaskCompleted requirement_analysis",
        f"TaskCreated {reached}",
    ]
    assert names(story.complete(reached))[-1] == "WorkflowCompleted"


def test_a_transient_failure_is_tried_again_after_a_pause() -> None:
    story = Story.of(CHAIN)
    story.start()

    [failed] = story.fail("draft", ErrorCategory.TRANSIENT, chance=0.5)

    assert isinstance(failed, TaskFailed)
    assert failed.retry_at == NOON + SECOND / 2
    assert names(story.when(FireTimer(NOON + SECOND, "retry:draft", 1))) == ["TaskRetried draft"]


def test_the_pause_doubles_with_every_failure_and_stops_at_its_maximum() -> None:
    story = Story.of(
        "name: d\nsteps:\n  - {name: a, agent: x, retry_policy: {max_attempts: 9, jitter: false, max_delay_seconds: 5}}"
    )
    story.start()
    pauses = []
    for attempt in range(1, 6):
        [failed] = story.fail("a", ErrorCategory.TRANSIENT, attempt=attempt)
        assert isinstance(failed, TaskFailed)
        assert failed.retry_at is not None
        pauses.append((failed.retry_at - story.now) / SECOND)
        story.when(FireTimer(failed.retry_at, "retry:a", attempt))

    assert pauses == [1, 2, 4, 5, 5]


def test_the_last_attempt_fails_the_step_and_the_workflow() -> None:
    story = Story.of(CHAIN)
    story.start()
    for attempt in (1, 2):
        story.fail("draft", ErrorCategory.TRANSIENT, attempt=attempt)
        story.when(FireTimer(NOON, "retry:draft", attempt))

    assert names(story.fail("draft", ErrorCategory.TRANSIENT, attempt=3)) == [
        "TaskFailed draft",
        "WorkflowFailed draft",
    ]
    assert story.workflow.error == "Step 'draft' failed (transient): it broke"


@pytest.mark.parametrize("category", [ErrorCategory.PERMANENT, ErrorCategory.BUSINESS])
def test_what_will_not_pass_is_not_tried_again(category: ErrorCategory) -> None:
    story = Story.of(CHAIN)
    story.start()

    assert names(story.fail("draft", category)) == ["TaskFailed draft", "WorkflowFailed draft"]


def test_overload_is_charged_to_nobody() -> None:
    story = Story.of(CHAIN)
    story.start()
    for attempt in range(1, 20):
        [failed] = story.fail("draft", ErrorCategory.CAPACITY, attempt=attempt)
        assert isinstance(failed, TaskFailed)
        assert failed.failures == 0
        story.when(FireTimer(NOON, "retry:draft", attempt))

    assert story.workflow.status is WorkflowStatus.RUNNING


def test_a_late_result_is_stale() -> None:
    story = Story.of(CHAIN)
    story.start()
    story.complete("draft")

    with pytest.raises(Stale):
        story.complete("draft")


def test_a_result_during_the_pause_after_a_failure_is_stale() -> None:
    story = Story.of(CHAIN)
    story.start()
    story.fail("draft", ErrorCategory.TRANSIENT)

    with pytest.raises(Stale):
        story.complete("draft")


def test_a_timer_of_an_earlier_attempt_is_stale() -> None:
    story = Story.of(CHAIN)
    story.start()
    story.fail("draft", ErrorCategory.TRANSIENT, attempt=1)
    story.when(FireTimer(NOON, "retry:draft", 1))
    story.fail("draft", ErrorCategory.TRANSIENT, attempt=2)

    with pytest.raises(Stale):
        story.when(FireTimer(NOON, "retry:draft", 1))


def test_cancelling_takes_the_open_tasks_back() -> None:
    story = Story.of(CHAIN)
    story.start()

    assert names(story.when(CancelWorkflow(NOON, "ann", "changed our minds"))) == [
        "TaskCancelled draft",
        "WorkflowCancelled",
    ]


@pytest.mark.parametrize("ending", ["completed", "cancelled"])
def test_what_has_ended_cannot_be_cancelled_and_the_legal_moves_are_named(ending: str) -> None:
    story = Story.of("name: d\nsteps: [{name: a, agent: x}]")
    story.start()
    if ending == "completed":
        story.complete("a")
    else:
        story.when(CancelWorkflow(NOON, "ann", ""))
    before = story.workflow

    with pytest.raises(TransitionIllegal, match=f"is {ending} and cannot become cancelled. Legal from here: none"):
        story.when(CancelWorkflow(NOON, "ann", ""))
    assert story.workflow == before


def test_the_deadline_fails_a_workflow_that_takes_too_long() -> None:
    story = Story.of("name: d\ntimeout_seconds: 60\nsteps: [{name: a, agent: x}]")
    story.start()

    events = story.when(FireTimer(NOON + timedelta(seconds=61), "deadline", 0))

    assert names(events) == ["TaskCancelled a", "WorkflowFailed"]
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].category is ErrorCategory.TIMEOUT


def test_an_output_that_still_does_not_fit_after_two_repairs_fails_the_step() -> None:
    story = Story.of(
        "name: d\nsteps: [{name: a, agent: x, output_schema: {type: object, required: [text]}}, {name: b, agent: x}]"
    )
    story.start()
    story.complete("a", {"txt": "…"})
    story.complete("a", {"txt": "…"}, attempt=2)

    failed, ended = story.complete("a", {"txt": "…"}, attempt=3)

    assert isinstance(failed, TaskFailed)
    assert failed.code == "OUTPUT_MISMATCH"
    assert "text" in failed.message
    assert isinstance(ended, WorkflowFailed)


def test_a_condition_that_fails_at_run_time_fails_its_step_with_the_expression() -> None:
    story = Story.of(
        "name: d\nsteps:\n  - {name: a, agent: x, conditions: [{if: 'steps.a.output.n > 3', next: b}]}\n"
        "  - {name: b, agent: x}"
    )
    story.start()

    failed, _ = story.complete("a", {"n": "many"})

    assert isinstance(failed, TaskFailed)
    assert failed.code == "EXPRESSION_FAILED"
    assert "steps.a.output.n > 3" in failed.message


def test_an_input_that_cannot_be_computed_fails_the_step_that_needs_it() -> None:
    story = Story.of("name: d\nsteps:\n  - {name: a, agent: x, input: {n: '${input.count + 1}'}}")
    story.input = {"count": "three"}

    assert names(story.start()) == ["WorkflowCreated", "WorkflowStarted", "StepFailed a", "WorkflowFailed a"]


def test_a_definition_with_max_retries_goes_on_from_the_failed_step() -> None:
    story = Story.of("name: d\nmax_retries: 1\nsteps: [{name: a, agent: x}, {name: b, agent: x}]")
    story.start()
    story.complete("a")

    assert names(story.fail("b", ErrorCategory.PERMANENT)) == [
        "TaskFailed b",
        "WorkflowFailed b",
        "WorkflowRetried",
        "TaskCreated b",
    ]
    assert names(story.complete("b"))[-1] == "WorkflowCompleted"


def test_a_step_that_no_path_reached_is_waited_for_by_nobody() -> None:
    story = Story.of(
        """
        name: d
        steps:
          - {name: a, agent: x, conditions: [{if: "false", next: b}], else: c}
          - {name: b, agent: x}
          - {name: c, agent: x}
        """
    )
    story.start()

    assert names(story.complete("a")) == ["TaskCompleted a", "TaskCreated c"]


def test_the_state_of_a_long_chain_stays_as_small_as_that_of_a_short_one() -> None:
    steps = "\n".join(f"  - {{name: s{n}, agent: x}}" for n in range(200))
    story = Story.of(f"name: d\nsteps:\n{steps}")
    story.start()
    for n in range(199):
        story.complete(f"s{n}", {"n": n})

    assert len(story.workflow.open) == 1
    assert len(story.workflow.outputs) == 1
    assert not story.workflow.waiting


def test_the_effects_of_a_start_are_a_waiting_task_and_a_deadline() -> None:
    story = Story.of(CHAIN)
    before = story.workflow
    events = story.start()

    made = effects(story.plan, before, story.workflow, events)

    assert [task.step for task in made.new_tasks] == ["draft"]
    assert [(timer.key, timer.due_at) for timer in made.new_timers] == [("deadline", NOON + timedelta(hours=1))]
    assert not made.clears_timers


def test_the_effects_of_a_failure_are_an_ended_attempt_and_a_timer() -> None:
    story = Story.of(CHAIN)
    story.start()
    before = story.workflow
    events = story.fail("draft", ErrorCategory.TRANSIENT, attempt=1)

    made = effects(story.plan, before, story.workflow, events)

    assert made.ended_tasks == (story.task("draft"),)
    assert [(timer.key, timer.generation) for timer in made.new_timers] == [("retry:draft", 1)]
    before = story.workflow
    retried = effects(story.plan, before, story.workflow, story.when(FireTimer(NOON, "retry:draft", 1)))
    assert [(task.task_id, task.attempt) for task in retried.new_tasks] == [(story.task("draft"), 1)]


def test_every_status_has_its_moves_in_the_table() -> None:
    assert set(WORKFLOW_TRANSITIONS) == set(WorkflowStatus)
    assert set(TASK_TRANSITIONS) == set(TaskStatus)


def test_a_task_that_has_ended_moves_no_more_and_any_other_can_be_cancelled() -> None:
    ended = {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMEOUT, TaskStatus.CANCELLED}
    for status, moves in TASK_TRANSITIONS.items():
        assert not moves if status in ended else TaskStatus.CANCELLED in moves


def test_deciding_is_repeatable() -> None:
    one, other = Story.of(CHAIN, {"a": 1}), Story.of(CHAIN, {"a": 1})

    assert one.start() == other.start()
    assert one.complete("draft", {"b": 2}) == other.complete("draft", {"b": 2})


def test_a_failure_of_an_unknown_task_is_stale() -> None:
    story = Story.of(CHAIN)
    story.start()
    lost = failure(story, "draft", ErrorCategory.TRANSIENT)
    story.workflow = Workflow(story.workflow.workflow_id)

    with pytest.raises(Stale):
        story.when(lost)


def test_results_of_both_names_are_facts_with_their_steps() -> None:
    story = Story.of(CHAIN)
    story.start()
    completed, created = story.complete("draft")

    assert isinstance(completed, TaskCompleted)
    assert completed.next == ""
    assert isinstance(created, TaskCreated)
    assert created.agent_type == "editor"
