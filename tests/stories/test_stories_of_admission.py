"""Workflows that wait until there is room for them."""

from __future__ import annotations

from datetime import timedelta

from story import CHAIN, NOON, Story, names

from services.engine.domain.clocks import ADMISSION_TIMER
from services.engine.domain.commands import AdmitWorkflow
from services.engine.domain.transitions import WorkflowStatus


def test_without_room_a_workflow_is_accepted_and_nothing_begins() -> None:
    story = Story.of(CHAIN)

    assert names(story.start(admitted=False)) == ["WorkflowCreated"]

    assert story.status is WorkflowStatus.PENDING
    assert not story.effects.new_tasks
    assert [timer.key for timer in story.effects.new_timers] == [ADMISSION_TIMER]


def test_its_time_begins_with_its_admission() -> None:
    story = Story.of("name: d\ntimeout_seconds: 60\nsteps: [{name: a, agent: x}]")
    story.start(admitted=False)

    admitted = story.when(AdmitWorkflow(NOON + timedelta(seconds=1000)))

    assert names(admitted) == ["WorkflowStarted", "TaskCreated a"]
    assert story.workflow.deadline == NOON + timedelta(seconds=1060)
    assert story.effects.ended_timers == (ADMISSION_TIMER,)


def test_a_workflow_that_is_admitted_at_once_never_waited() -> None:
    story = Story.begun(CHAIN)

    assert [timer.key for timer in story.effects.new_timers] == ["deadline"]
    assert not story.effects.ended_timers


def test_a_workflow_that_waits_for_room_can_be_cancelled() -> None:
    story = Story.of(CHAIN)
    story.start(admitted=False)

    assert names(story.cancel()) == ["WorkflowCancelled"]
    assert story.effects.clears_timers
