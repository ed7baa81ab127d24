"""A workflow's progress as lines: one when a step begins, one when it ends, and what the agent says between."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.text import Text

from archwright.cli.show import duration, seconds
from archwright.client.watch import Update
from archwright.engine.v1.workflows_pb2 import TaskProgress
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

_ENDINGS = {"workflow_completed": "green", "workflow_failed": "red", "workflow_cancelled": "yellow"}
_STEP_WIDTH = 24


@dataclass(slots=True)
class Progress:
    """Prints what a workflow's watcher hears."""

    console: Console
    _began: datetime | None = None
    _begun: dict[str, datetime] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    async def follow(self, updates: AsyncIterable[Update]) -> None:
        """Print every update until the last."""
        async for update in updates:
            match update:
                case WorkflowEvent():
                    self._event(update)
                case TaskProgress():
                    self._progress(update)

    def _event(self, event: WorkflowEvent) -> None:
        at = seconds(event.timestamp)
        self._began = self._began or at
        elapsed = duration((at - self._began).total_seconds())
        match event.event_type:
            case "task_created":
                self._begun[event.task_id] = at
                self._line(elapsed, event.step, f"for the {_words(event.agent_type)}")
            case "task_completed":
                took = duration((at - self._begun.get(event.task_id, at)).total_seconds())
                self._line(elapsed, event.step, f"done in {took}", "green")
            case "task_failed":
                again = "will be tried again" if _text(event, "retry_at") else "failed for good"
                self._line(elapsed, event.step, f"{again}: {_text(event, 'message')}", "yellow")
            case "task_retried":
                self._line(elapsed, event.step, "tried again")
            case "task_cancelled":
                self._line(elapsed, event.step, "called off", "yellow")
            case "step_skipped":
                self._line(elapsed, event.step, "skipped", "dim")
            case "step_failed":
                self._line(elapsed, event.step, f"failed: {_text(event, 'message')}", "red")
            case ending if ending in _ENDINGS:
                reason = _text(event, "message") or _text(event, "reason")
                self._line(elapsed, "", _words(ending) + (f": {reason}" if reason else ""), _ENDINGS[ending])

    def _progress(self, progress: TaskProgress) -> None:
        said = f"{progress.percent:3.0f} %  {progress.message}"
        if progress.message and self._said.get(progress.task_id) != said:
            self._said[progress.task_id] = said
            self._line("", progress.step, said, "dim")

    def _line(self, elapsed: str, step: str, words: str, style: str = "") -> None:
        line = Text(f"{elapsed:>9}  ", style="dim")
        if step:
            line.append(f"{step:<{_STEP_WIDTH}}  ", style="dim" if not elapsed else "none")
        line.append(words, style=style or "none")
        self.console.print(line)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(event: WorkflowEvent, name: str) -> str:
    """Return a field of the event's payload as text, empty when it is absent or null."""
    fields = event.payload.fields
    return fields[name].string_value if name in fields else ""
