"""What the newest events tell of a workflow, in bounded time: of one with ten thousand steps as of one with ten."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.engine.domain.events import (
    Event,
    FailureTolerated,
    Json,
    StepCompleted,
    StepFailed,
    StepSkipped,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowRetried,
)
from services.engine.ports.history import History, Numbered
from services.engine.ports.keys import Key

EVENTS_MAX = 500
"""How many of the newest events are looked at."""

NAMED_MAX = 200
"""How many steps are named at most."""

_PAGE = 100


def _newest() -> deque[str]:
    return deque(maxlen=NAMED_MAX)


@dataclass(slots=True)
class Past:
    """What some events tell of a workflow."""

    input: Json = None
    output: Json = None
    rerun_of: str = ""
    completed: deque[str] = field(default_factory=_newest)
    skipped: deque[str] = field(default_factory=_newest)
    failed: deque[str] = field(default_factory=_newest)
    _tolerated: set[str] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Let an event have happened."""
        match event:
            case WorkflowCreated():
                self.input, self.rerun_of = event.input, event.rerun_of
            case WorkflowCompleted(output=output):
                self.output = output
            case TaskCompleted(step=step) | StepCompleted(step=step):
                self.completed.append(step)
                self._is_well(step)
            case StepSkipped(step=step):
                self.skipped.append(step)
            case StepFailed(step=step):
                self._has_failed(step)
            case FailureTolerated(step=step):
                self._has_failed(step)
                self._tolerated.add(step)
            case TaskFailed(step=step, retry_at=None):
                self._has_failed(step)
            case TaskCreated(step=step):
                self._is_well(step)
            case WorkflowRetried():
                for each in [each for each in self.failed if each not in self._tolerated]:
                    self.failed.remove(each)
            case _:
                pass

    def _has_failed(self, step: str) -> None:
        if step not in self.failed:
            self.failed.append(step)

    def _is_well(self, step: str) -> None:
        if step in self.failed:
            self.failed.remove(step)


def past_of(events: Iterable[Event]) -> Past:
    """Return what these events tell."""
    past = Past()
    for event in events:
        past.add(event)
    return past


async def newest(history: History, key: Key, last_seq: int) -> AsyncIterator[Numbered]:
    """Yield the events that led to this one, oldest first; a page of them is in memory at a time."""
    cursor = max(0, last_seq - EVENTS_MAX)
    while cursor < last_seq:
        page = await history.events(key, after_seq=cursor, limit=min(_PAGE, last_seq - cursor))
        if not page:
            return  # the workflow was removed meanwhile
        for numbered in page:
            yield numbered
        cursor = page[-1].seq


async def read_past(history: History, key: Key, last_seq: int) -> Past:
    """Return what the first event and the newest ones tell of a workflow."""
    past = Past()
    if last_seq > EVENTS_MAX:
        for first in await history.events(key, after_seq=0, limit=1):
            past.add(first.event)
    async for numbered in newest(history, key, last_seq):
        past.add(numbered.event)
    return past


async def read_vars(history: History, key: Key, seqs: Mapping[str, int]) -> Mapping[str, Json]:
    """Return a workflow's named values, each from the event that holds it."""
    values: dict[int, Json] = {}
    for seq in sorted(set(seqs.values())):
        found: Sequence[Numbered] = await history.events(key, after_seq=seq - 1, limit=1)
        values |= {each.seq: each.event.output for each in found if isinstance(each.event, StepCompleted)}
    return {name: values[seq][name] for name, seq in seqs.items()}
