from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from rich.console import Console

from archwright.cli.progress import Progress
from archwright.client.watch import Update
from archwright.engine.v1.workflows_pb2 import TaskProgress, WatchEnded
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def printed(*updates: Update) -> list[str]:
    async def told() -> AsyncIterator[Update]:
        for update in updates:
            yield update

    console = Console(file=io.StringIO(), width=120)
    await Progress(console).follow(told())
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def event(kind: str, after_seconds: float, step: str = "", **payload: str) -> WorkflowEvent:
    made = WorkflowEvent(event_type=kind, step=step, task_id=f"task_{step}", agent_type="business_analyst")
    made.timestamp.FromDatetime(NOON + timedelta(seconds=after_seconds))
    made.payload.update(payload)
    return made


async def test_a_step_is_told_when_it_begins_and_when_it_ends_with_what_its_agent_says_between() -> None:
    lines = await printed(
        event("workflow_created", 0),
        event("task_created", 0.1, "requirement_analysis"),
        TaskProgress(task_id="task_requirement_analysis", step="requirement_analysis", percent=40, message="reading"),
        event("task_completed", 2.1, "requirement_analysis"),
        event("workflow_completed", 2.2),
        WatchEnded(),
    )

    assert lines == [
        "    0.1 s  requirement_analysis          for the business analyst",
        "           requirement_analysis           40 %  reading",
        "    2.1 s  requirement_analysis          done in 2.0 s",
        "    2.2 s  workflow completed",
    ]


async def test_progress_that_says_nothing_new_is_told_once() -> None:
    progress = TaskProgress(task_id="t", step="analysis", percent=40, message="reading")

    assert len(await printed(progress, progress)) == 1


async def test_a_failed_attempt_says_why_and_whether_it_is_tried_again() -> None:
    lines = await printed(
        event("task_failed", 1, "analysis", message="the disk is full", retry_at="2026-06-01T12:00:05Z"),
        event("task_failed", 2, "analysis", message="the disk is full"),
    )

    assert [line.split("  ")[-1] for line in lines] == [
        "will be tried again: the disk is full",
        "failed for good: the disk is full",
    ]


async def test_what_agents_say_is_never_taken_for_markup() -> None:
    lines = await printed(TaskProgress(task_id="t", step="analysis", percent=1, message="[red]alarm[/red]"))

    assert lines[0].endswith("[red]alarm[/red]")


async def test_steps_within_steps_are_told_by_their_paths_and_how_long_they_took() -> None:
    lines = await printed(
        event("step_started", 0, "assess"),
        event("task_created", 0, "assess[3]/check"),
        event("task_completed", 1.5, "assess[3]/check"),
        event("step_completed", 2, "assess"),
    )

    assert lines == [
        "    0.0 s  assess                        begins",
        "    0.0 s  assess[3]/check               for the business analyst",
        "    1.5 s  assess[3]/check               done in 1.5 s",
        "    2.0 s  assess                        done in 2.0 s",
    ]


async def test_a_path_that_is_too_long_keeps_its_end() -> None:
    path = "layers.business_architecture/refinement[12]/review.0/check"

    [line] = await printed(event("step_skipped", 1, path))

    assert line == "    0.0 s  …_architecture/refinement[12]/review.0/check  skipped"


async def test_a_degraded_result_says_what_is_missing() -> None:
    done = event("workflow_completed", 1)
    done.payload.update({"degraded": True, "missing": ["layers.technical", "risky"]})

    [line] = await printed(done)

    assert line.endswith("workflow completed, degraded: without layers.technical, risky")
