"""Moves that a workflow may not make: each is refused, names the legal ones, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from story import CHAIN, NOON, Story

from archwright.errors import TransitionIllegal
from services.engine.domain.commands import (
    AdmitWorkflow,
    CancelWorkflow,
    Command,
    PauseWorkflow,
    ResumeWorkflow,
    RetryWorkflow,
    SignalWorkflow,
    Stale,
)
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.storage.state_codec import dump_workflow

COMMANDS: dict[str, Command] = {
    "pause": PauseWorkflow(NOON, "ann", ""),
    "resume": ResumeWorkflow(NOON, "ann"),
    "retry": RetryWorkflow(NOON, "ann"),
    "cancel": CancelWorkflow(NOON, "ann", ""),
}

TARGETS = {
    "pause": WorkflowStatus.PAUSED,
    "resume": WorkflowStatus.RUNNING,
    "retry": WorkflowStatus.RUNNING,
    "cancel": WorkflowStatus.CANCELLED,
}

FROM = {"resume": {WorkflowStatus.PAUSED}, "retry": {WorkflowStatus.FAILED}}
"""Running is reached in several ways, and each is for where it leads from."""


def _pending() -> Story:
    story = Story.of(CHAIN)
    story.start(admitted=False)
    return story


def _after(*asked: Callable[[Story], object]) -> Story:
    story = Story.begun(CHAIN)
    for ask in asked:
        ask(story)
    return story


STORIES: dict[WorkflowStatus, Callable[[], Story]] = {
    WorkflowStatus.PENDING: _pending,
    WorkflowStatus.RUNNING: _after,
    WorkflowStatus.PAUSED: lambda: _after(Story.pause),
    WorkflowStatus.COMPLETED: lambda: _after(lambda told: told.complete("draft"), lambda told: told.complete("review")),
    WorkflowStatus.FAILED: lambda: _after(lambda told: told.fail("draft")),
    WorkflowStatus.CANCELLED: lambda: _after(Story.cancel),
}

LEGAL = {
    (status, asked)
    for status in WorkflowStatus
    for asked, target in TARGETS.items()
    if target in WORKFLOW_TRANSITIONS[status] and status in FROM.get(asked, {status})
}


@pytest.mark.parametrize(
    ("status", "asked"),
    [(status, asked) for status in WorkflowStatus for asked in COMMANDS if (status, asked) in LEGAL],
)
def test_what_the_table_allows_is_done(status: WorkflowStatus, asked: str) -> None:
    story = STORIES[status]()
    assert story.status is status

    story.when(COMMANDS[asked])

    assert story.status is TARGETS[asked]


@pytest.mark.parametrize(
    ("status", "asked"),
    [(status, asked) for status in WorkflowStatus for asked in COMMANDS if (status, asked) not in LEGAL],
)
def test_what_the_table_does_not_allow_is_refused_with_what_it_does(status: WorkflowStatus, asked: str) -> None:
    story = STORIES[status]()
    before = dump_workflow(story.workflow)
    legal = ", ".join(sorted(WORKFLOW_TRANSITIONS[status])) or "none: it has ended"

    with pytest.raises(TransitionIllegal, match=f"is {status} and cannot become {TARGETS[asked]}") as refused:
        story.when(COMMANDS[asked])

    assert f"Legal from here: {legal}." in str(refused.value)
    assert dump_workflow(story.workflow) == before


@pytest.mark.parametrize("status", [status for status in WorkflowStatus if status.is_final])
def test_after_the_end_signals_are_refused(status: WorkflowStatus) -> None:
    with pytest.raises(TransitionIllegal, match=f"is {status} and takes no signals any more"):
        STORIES[status]().when(SignalWorkflow(NOON, "go", None, "ann"))


@pytest.mark.parametrize("status", WorkflowStatus)
def test_a_workflow_is_started_once(status: WorkflowStatus) -> None:
    story = STORIES[status]()

    with pytest.raises(Stale):
        story.start()


@pytest.mark.parametrize("status", [status for status in WorkflowStatus if status is not WorkflowStatus.PENDING])
def test_a_workflow_is_admitted_once(status: WorkflowStatus) -> None:
    with pytest.raises(Stale):
        STORIES[status]().when(AdmitWorkflow(NOON))


@pytest.mark.parametrize("status", [WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED])
def test_late_results_and_timers_of_what_has_ended_are_stale(status: WorkflowStatus) -> None:
    story = STORIES[status]()

    for late in (lambda: story.complete("draft"), lambda: story.fail("draft"), lambda: story.fire("deadline")):
        with pytest.raises(Stale):
            late()
