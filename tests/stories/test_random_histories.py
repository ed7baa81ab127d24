"""What holds in every history, whatever the definition says and in whatever order things happen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from drawn_histories import History, Life, Told, histories, play_to_the_end, start
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from immutables import Map
from rows import Rows

from archwright.language.plan import Plan
from services.engine.domain.commands import CompleteTask, EndChild, FailTask
from services.engine.domain.decide import decide
from services.engine.domain.effects import effects
from services.engine.domain.events import ApprovalRequested, Event, TaskCompleted, TaskCreated
from services.engine.domain.evolve import evolve, fold
from services.engine.domain.explaining import explain
from services.engine.domain.paths import COMPENSATION, body_of, name_of, owner_of, path_in, scope_of
from services.engine.domain.rerunning import reusable
from services.engine.domain.retelling import task_input, values_by_seq
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.domain.values import Known, canonical, input_of, scope_of_task
from services.engine.domain.workflow import OpenChild, OpenTask, Workflow
from services.engine.storage.codec import dump_events, load_events
from services.engine.storage.state_codec import dump_workflow, load_workflow

on_many = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


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
def test_folding_all_that_was_written_gives_the_state(history: History) -> None:
    event(str(history.workflow.status))
    written = load_events(dump_events(history.events))

    assert written == history.events
    assert fold(history.plan, history.told[0].before, written) == history.workflow
    assert history.workflow.last_seq == len(history.events)


@on_many
@given(histories())
def test_every_state_is_read_as_it_was_written_and_goes_on_alike(history: History) -> None:
    for told, following in _pairs(history):
        again = load_workflow(told.after.workflow_id, told.after.status, dump_workflow(told.after))

        assert again == told.after
        assert fold(history.plan, again, following.events) == following.after


@on_many
@given(histories())
def test_after_the_end_nothing_happens_but_a_retry(history: History) -> None:
    for told in history.told:
        if told.before.status.is_final and told.events:
            assert told.before.status is WorkflowStatus.FAILED
            assert type(told.events[0]).__name__ == "WorkflowRetried"


@on_many
@given(histories())
def test_whoever_has_not_ended_waits_for_somebody(history: History) -> None:
    for told in history.told:
        if told.after.status is WorkflowStatus.RUNNING:
            assert told.after.open
            assert not told.after.ready
            assert not told.after.unhandled
            assert not told.after.given_up or told.after.compensating
        elif told.after.status.is_final:
            # Dead letters are all that outlives a workflow: of one that failed.
            assert replace(Rows.of(told.after), letters=set()) == Rows()
        if told.after.status is WorkflowStatus.COMPLETED:
            assert not told.after.waiting, "a step was neither reached nor found out of reach"


@on_many
@given(histories())
def test_every_step_under_way_stands_in_a_body_under_way_that_counts_it(history: History) -> None:
    for told in history.told:
        workflow = told.after
        live: dict[str, int] = dict.fromkeys(workflow.scopes, 0)
        for path in (*workflow.open, *workflow.ready, *workflow.given_up):
            live[scope_of(path)] += 1
        for path in workflow.waiting:
            assert live[scope_of(path)]
        for scope in workflow.scopes:
            assert not scope or owner_of(scope) in workflow.open or scope.endswith(COMPENSATION)
        if workflow.compensating is None and not workflow.compensated:
            assert live == {scope: found.live for scope, found in workflow.scopes.items()}


@on_many
@given(histories())
def test_the_values_that_are_kept_are_all_that_deciding_needs(history: History) -> None:
    every = Map(values_by_seq(history.events))
    for told in history.told:
        if told.decided is not None:
            knowing_all = Known(told.known.input, every, told.known.cached)
            again = decide(history.plan, told.before, told.command, knowing_all)
            assert (again.workflow, again.events, again.inputs) == (told.after, told.events, told.decided.inputs)


@on_many
@given(histories())
def test_no_value_is_kept_that_nobody_will_read(history: History) -> None:
    for told in history.told:
        workflow, plan = told.after, history.plan
        if workflow.compensating is not None or workflow.compensated:
            continue
        for path in workflow.outputs:
            name, scope = name_of(path), scope_of(path)
            if name not in plan.pinned:
                assert name in _readings(plan, workflow, scope), f"{path} is kept"


@on_many
@given(histories())
def test_every_task_is_made_once_and_is_given_what_it_says(history: History) -> None:
    made = [happened for happened in history.events if isinstance(happened, TaskCreated)]
    assert len({task.task_id for task in made}) == len(made)
    inputs = {task_id: text for told in history.told if told.decided for task_id, text in told.decided.inputs.items()}
    assert {task.task_id: task.input_sha256 for task in made} == {
        task_id: hashlib.sha256(text).hexdigest() for task_id, text in inputs.items()
    }


@on_many
@given(histories())
def test_what_a_task_was_given_can_be_told_again_from_its_history(history: History) -> None:
    for happened in history.events:
        if isinstance(happened, TaskCreated):
            again = task_input(history.plan, history.workflow.workflow_id, history.events, happened.task_id)
            assert hashlib.sha256(canonical(again)).hexdigest() == happened.input_sha256


@on_many
@given(histories())
def test_what_an_open_task_is_given_is_computed_again_whatever_was_named_meanwhile(history: History) -> None:
    plan, every = history.plan, Map(values_by_seq(history.events))
    hashes = {made.task_id: made.input_sha256 for made in history.events if isinstance(made, TaskCreated)}
    for told in history.told:
        needed = Known(history.given, Map({seq: every[seq] for seq in set(told.after.seqs())}))
        for path, task in told.after.open.items():
            if isinstance(task, OpenTask):
                seen = scope_of_task(plan, told.after, needed, path)
                again = input_of(told.after, needed, path, plan.node(path), seen)
                assert hashlib.sha256(canonical(again)).hexdigest() == hashes[task.task_id]


@on_many
@given(histories())
def test_only_what_is_waited_for_can_end(history: History) -> None:
    for told in history.told:
        match told.command:
            case CompleteTask(task_id=task_id, attempt=attempt) | FailTask(task_id=task_id, attempt=attempt):
                open_tasks = [task for task in told.before.open.values() if isinstance(task, OpenTask)]
                # An attempt counts once: what is said of one that has ended is refused.
                tried = [task for task in open_tasks if _is_being_tried(task) and attempt > task.attempt]
                assert (told.refusal is None) == (task_id in [task.task_id for task in tried])
            case EndChild(child_id=child_id):
                children = [child.child_id for child in told.before.open.values() if isinstance(child, OpenChild)]
                assert (told.refusal is None) == (child_id in children)
            case _:
                pass


@on_many
@given(histories())
def test_no_task_is_completed_twice_and_nobody_is_asked_twice(history: History) -> None:
    for kind, name in ((TaskCompleted, "task_id"), (ApprovalRequested, "approval_id")):
        found = [getattr(happened, name) for happened in history.events if isinstance(happened, kind)]
        assert len(set(found)) == len(found)


@on_many
@given(histories())
def test_the_rows_of_tasks_timers_approvals_and_children_follow_the_state(history: History) -> None:
    rows = Rows()
    for told in history.told:
        rows.change(effects(history.plan, told.before, told.after, told.events))
        _settle_children(rows, told)

        assert rows == Rows.of(told.after)


@on_many
@given(histories())
def test_several_commands_in_one_commit_change_the_rows_as_one_after_the_other(history: History) -> None:
    rows = Rows()
    for one, other in zip(history.told[::2], history.told[1::2], strict=False):
        events: list[Event] = [*one.events, *other.events]
        rows.change(effects(history.plan, one.before, other.after, events))
        _settle_children(rows, one)
        _settle_children(rows, other)

        assert rows == Rows.of(other.after)


@on_many
@given(histories(), st.integers(0, 9))
def test_a_rerun_from_any_step_takes_over_what_is_not_downstream_and_ends(history: History, pick: int) -> None:
    names = sorted(history.plan.index)
    chosen = names[pick % len(names)]
    reused = reusable(history.plan, history.events, chosen)
    again = Life(history.plan, history.given)

    again.tell(start(again, reused=reused))
    play_to_the_end(again)

    events = [event for told in again.told for event in told.events]
    made = {re.split(r"[./\[]", event.step)[0] for event in events if isinstance(event, TaskCreated)}
    assert not made & {each.step for each in reused}


@on_many
@given(histories())
def test_every_step_that_is_not_done_is_explained(history: History) -> None:
    for told in history.told:
        workflow = told.after
        explained = {each.step for each in explain(history.plan, workflow, {}, workflows_max=1_000)}
        assert explained >= {*workflow.open, *workflow.ready, *workflow.given_up}
        assert explained or workflow.status is not WorkflowStatus.RUNNING


def _is_being_tried(step: object) -> bool:
    return isinstance(step, OpenTask) and step.retry_at is None


def _settle_children(rows: Rows, told: Told) -> None:
    """Take away the child whose end was told; those that were called off are taken away by the words to them."""
    if isinstance(told.command, EndChild):
        rows.children.discard(told.command.child_id)


def _readings(plan: Plan, workflow: Workflow, scope: str) -> set[str]:
    """Return whose outputs are still to be read in a body: by those that have not ended, and by what comes after it."""
    body = body_of(plan, scope)
    under_way = (*workflow.open, *workflow.ready, *workflow.given_up)
    unfinished = [number for number in body.nodes if path_in(scope, plan.nodes[number].name) in under_way]
    for number in unfinished:
        unfinished.extend(edge for edge in plan.nodes[number].edges if edge not in unfinished)
    found = {name for number in unfinished for name in plan.nodes[number].reads}
    at_the_end = {plan.nodes[number].name for number in body.last} | body.exports | set(plan.output_lookups)
    around = set() if body.owner is None else {name for name, _ in plan.nodes[body.owner].lookups}
    return found | at_the_end | around


def _pairs(history: History) -> Iterator[tuple[Told, Told]]:
    return zip(history.told, history.told[1:], strict=False)
