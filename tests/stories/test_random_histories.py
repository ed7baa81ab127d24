"""What holds in every history, whatever the definition says and in whatever order things happen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, event, given, settings
from immutables import Map
from random_history import History, Told, histories
from story import NOON

from services.engine.domain.clocks import DEADLINE_TIMER
from services.engine.domain.commands import CompleteTask, FailTask, FireTimer, Stale
from services.engine.domain.decide import decide
from services.engine.domain.effects import effects
from services.engine.domain.events import TaskCompleted, TaskCreated
from services.engine.domain.evolve import evolve, fold
from services.engine.domain.retelling import values_by_seq
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow
from services.engine.storage.codec import dump_events, load_events
from services.engine.storage.state_codec import dump_workflow, load_workflow

on_many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@on_many
@given(histories())
def test_what_is_refused_changes_nothing(history: History) -> None:
    for told, following in _pairs(history):
        event("refused" if told.refusal else "decided")
        if told.refusal is not None:
            assert dump_workflow(following.before) == dump_workflow(told.before)


@on_many
@given(histories())
def test_a_workflow_only_ever_makes_moves_that_are_in_the_table(history: History) -> None:
    workflow = history.told[0].before
    for happened in history.events:
        before, workflow = workflow.status, evolve(history.plan, workflow, happened)
        assert workflow.status is before or workflow.status in WORKFLOW_TRANSITIONS[before]


@on_many
@given(histories())
def test_folding_all_that_happened_gives_the_state(history: History) -> None:
    event(str(history.workflow.status))

    assert fold(history.plan, history.told[0].before, history.events) == history.workflow
    assert history.workflow.last_seq == len(history.events)


@on_many
@given(histories())
def test_after_the_end_nothing_happens(history: History) -> None:
    for told in history.told:
        if told.before.status.is_final:
            assert not told.events
            assert not told.before.open


@on_many
@given(histories())
def test_a_workflow_with_nothing_open_has_ended(history: History) -> None:
    for told in history.told:
        assert told.after.status.is_final == (not told.after.open)
        assert not told.after.ready
        if told.after.status is WorkflowStatus.COMPLETED:
            assert not told.after.waiting, "a step was neither reached nor found out of reach"


@on_many
@given(histories())
def test_the_outputs_that_are_kept_are_all_that_deciding_needs(history: History) -> None:
    every = Map(values_by_seq(history.events))
    for told in history.told:
        if told.decided is not None:
            again = decide(history.plan, told.before, told.command, Known(told.known.input, every))
            assert (again.workflow, again.events, again.inputs) == (told.after, told.events, told.decided.inputs)


@on_many
@given(histories())
def test_every_task_is_made_once_and_comes_with_the_input_that_it_names(history: History) -> None:
    made = [happened.task_id for happened in history.events if isinstance(happened, TaskCreated)]
    assert len(set(made)) == len(made)
    for told in history.told:
        hashes = {each.task_id: each.input_sha256 for each in told.events if isinstance(each, TaskCreated)}
        inputs = told.decided.inputs if told.decided else {}
        assert hashes == {task_id: hashlib.sha256(text).hexdigest() for task_id, text in inputs.items()}


@on_many
@given(histories())
def test_only_a_task_that_is_being_tried_can_end(history: History) -> None:
    for told in history.told:
        if isinstance(told.command, CompleteTask | FailTask):
            tried = {task.task_id for task in told.before.open.values() if task.retry_at is None}
            assert (told.refusal is None) == (told.command.task_id in tried)


@on_many
@given(histories())
def test_no_task_is_completed_twice(history: History) -> None:
    completed = [happened.task_id for happened in history.events if isinstance(happened, TaskCompleted)]

    assert len(set(completed)) == len(completed)


@on_many
@given(histories())
def test_the_rows_of_tasks_and_timers_follow_the_state(history: History) -> None:
    tasks: set[str] = set()
    timers: dict[str, int] = {}
    for told in history.told:
        made = effects(history.plan, told.before, told.after, told.events)
        tasks = tasks - set(made.ended_tasks) | {task.task_id for task in made.new_tasks}
        if made.clears_timers:
            timers = {}
        timers = {key: generation for key, generation in timers.items() if key not in made.ended_timers}
        timers |= {timer.key: timer.generation for timer in made.new_timers}

        assert tasks == {task.task_id for task in told.after.open.values() if task.retry_at is None}
        assert _timers_of(told.after).items() <= timers.items()
        for key, generation in timers.items() - _timers_of(told.after).items():
            # Left by a try of the workflow that is over: it fires once more, and is dropped.
            with pytest.raises(Stale):
                decide(history.plan, told.after, FireTimer(NOON, key, generation), told.known)


@on_many
@given(histories())
def test_events_and_states_are_read_as_they_were_written(history: History) -> None:
    for told in history.told:
        assert load_events(dump_events(told.events)) == list(told.events)
        again = load_workflow(told.after.workflow_id, told.after.status, dump_workflow(told.after))
        assert again == told.after


def _timers_of(workflow: Workflow) -> dict[str, int]:
    if workflow.status is not WorkflowStatus.RUNNING:
        return {}
    pausing = {f"retry:{step}": task.attempt for step, task in workflow.open.items() if task.retry_at is not None}
    return pausing | {DEADLINE_TIMER: workflow.retries}


def _pairs(history: History) -> Iterator[tuple[Told, Told]]:
    return zip(history.told, history.told[1:], strict=False)
