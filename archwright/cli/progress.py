"""A workflow's progress as lines: what happens to each step, and what its agent says meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.text import Text

from archwright.cli.show import duration, seconds, shortened
from archwright.cli.wording import said_by
from archwright.client.watch import Update
from archwright.engine.v1.workflows_pb2 import TaskProgress
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

_STEP_WIDTH, _STEP_WIDTH_MAX = 28, 44
_BEGINNINGS = frozenset({"task_created", "step_started", "wait_started", "approval_requested", "child_started"})


@dataclass(slots=True)
class Progress:
    """Prints what a workflow's watcher hears."""

    console: Console
    _began: datetime | None = None
    _begun: dict[str, datetime] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _width: int = _STEP_WIDTH

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
        if event.event_type in _BEGINNINGS:
            self._begun.setdefault(event.step, at)
        said = said_by(event)
        if said is None:
            return
        words = said.words
        if said.ends:
            begun = self._begun.pop(event.step, None)
            words += "" if begun is None else f" in {duration((at - begun).total_seconds())}"
        self._line(duration((at - self._began).total_seconds()), event.step, words, said.style)

    def _progress(self, progress: TaskProgress) -> None:
        said = f"{progress.percent:3.0f} %  {progress.message}"
        if progress.message and self._said.get(progress.task_id) != said:
            self._said[progress.task_id] = said
            self._line("", progress.step, said, "dim")

    def _line(self, elapsed: str, step: str, words: str, style: str = "") -> None:
        line = Text(f"{elapsed:>9}  ", style="dim")
        if step:
            shown = shortened(step, _STEP_WIDTH_MAX)
            self._width = max(self._width, len(shown))
            line.append(f"{shown:<{self._width}}  ", style="dim" if not elapsed else "none")
        line.append(words, style=style or "none")
        self.console.print(line)
