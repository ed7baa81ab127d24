"""A workflow as the engine holds it: only what deciding needs.

Finished steps and their outputs live in history. What stays here is the open frontier, so the state of a
workflow of ten thousand steps in a row is as small as that of one with two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from immutables import Map

from archwright.language.model import ErrorCategory
from services.engine.domain.events import Parent, Ref
from services.engine.domain.transitions import WorkflowStatus


class OpenTask(NamedTuple):
    """A step whose task has not ended.

    `failures` were charged against its attempts; `attempt` is the newest delivery known to have ended;
    `retry_at` is set while it pauses after a failure; `repairs` counts outputs that were sent back, and `errors` is
    what was wrong with the last. `vars` are the named values as they stood when it was made, if its input holds any.
    """

    task_id: str
    failures: int = 0
    attempt: int = 0
    retry_at: datetime | None = None
    repairs: int = 0
    errors: tuple[str, ...] = ()
    idempotency_key: str = ""
    cache_key: str = ""
    vars: Map[str, int] = Map()


@dataclass(frozen=True, slots=True)
class OpenHolder:
    """A step that holds others, and how far it has come.

    `case` is the chosen one of a switch; `count` how many bodies there are to be done, of which `begun` have begun
    and `failed` have ended with a failure that is tolerated; `results` are the outputs of those that are done, by
    label or number, of a loop only the last; `gathered` those of steps inside that are read from outside, by name and
    number. `items_seq` is where the elements of a foreach stand in history.
    """

    count: int
    begun: int = 0
    failed: int = 0
    case: str = ""
    items_seq: int = 0
    results: Map[str, Ref] = field(default_factory=Map)
    gathered: Map[str, Map[str, Ref]] = field(default_factory=Map)

    @property
    def ended(self) -> int:
        """How many bodies have ended."""
        return len(self.results)


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A step that waits until a time, for a signal, or both. `generation` is its timer's."""

    generation: int
    until: datetime | None
    signal: str = ""


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """A step that waits for people. `agreed` are those who have; `generation` is its timer's."""

    approval_id: str
    approvers: tuple[str, ...]
    quorum: int
    shown_sha256: str
    generation: int
    shown_seq: int
    expires_at: datetime | None
    agreed: tuple[str, ...] = ()
    escalated: bool = False


@dataclass(frozen=True, slots=True)
class OpenChild:
    """A step that waits for a workflow of its own."""

    child_id: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed."""

    category: ErrorCategory
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class OpenFallback:
    """A step that failed, and whose fallback is under way."""

    failure: Failure


OpenStep: TypeAlias = OpenTask | OpenHolder | OpenWait | OpenApproval | OpenChild | OpenFallback
"""A step that was begun and has not ended."""


class Exhausted(NamedTuple):
    """A task that will not be tried again: the event by which it failed, its attempts, and why it failed."""

    task_id: str
    seq: int
    attempts: int
    category: ErrorCategory
    code: str


class Arrivals(NamedTuple):
    """How many of the edges into a step are settled, and how many of those were taken."""

    settled: int = 0
    taken: int = 0


class KeptOutput(NamedTuple):
    """Where an output that is still to be read stands in history, how many readers are left, and how its step ended."""

    ref: Ref
    readers: int
    status: str = "completed"


class OpenScope(NamedTuple):
    """A body under way: how many of its steps were reached and have not ended, and those with which a path ended."""

    live: int
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compensating:
    """A workflow that will fail, and first undoes what these steps did, in this order."""

    steps: tuple[str, ...]
    cause: str
    failure: Failure


@dataclass(slots=True)
class Workflow:
    """The state of a workflow after its first `last_seq` events.

    Once handed out it is never changed: `evolve` works on a copy, which shares all that is in it.
    """

    workflow_id: str
    status: WorkflowStatus = WorkflowStatus.PENDING
    last_seq: int = 0
    request_id: str = ""
    parent: Parent | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline: datetime | None = None
    paused_at: datetime | None = None
    paused_by: str = ""
    retries: int = 0
    clock: int = 0
    """The generation of the timer of the deadline."""
    error: str = ""
    degraded: bool = False
    missing: tuple[str, ...] = ()
    """The first of the steps and bodies that failed and were done without."""
    ready: Map[str, int] = field(default_factory=Map)
    """Steps that were reached and not begun yet, each with its place in the order; empty between commits."""
    reached: int = 0
    """How many steps were reached so far."""
    open: Map[str, OpenStep] = field(default_factory=Map)
    waiting: Map[str, Arrivals] = field(default_factory=Map)
    """Steps of which some, but not all, incoming edges are settled."""
    scopes: Map[str, OpenScope] = field(default_factory=Map)
    outputs: Map[str, KeptOutput] = field(default_factory=Map)
    vars: Map[str, int] = field(default_factory=Map)
    """Named values, each with the seq of the event that holds it."""
    signals: Map[str, tuple[int, ...]] = field(default_factory=Map)
    """Signals that nobody has asked for yet, by name, each by its seq; 0 where it says nothing."""
    given_up: Map[str, int] = field(default_factory=Map)
    """Steps that failed, or were called off with the workflow: a retry begins them anew."""
    unhandled: Map[str, Failure] = field(default_factory=Map)
    """Steps that failed while the workflow was paused."""
    exhausted: Map[str, Exhausted] = field(default_factory=Map)
    """Of the steps that are given up, or could not be undone, those whose task failed for good."""
    edited: Map[str, int] = field(default_factory=Map)
    """Steps whose input somebody edited, each with the seq of the event that holds it; until they are done."""
    due: Map[str, int] = field(default_factory=Map)
    """Timers that were due while the workflow was paused, with their generations."""
    compensable: Map[str, tuple[int, str]] = field(default_factory=Map)
    """Steps that can be compensated, each with a seq to order them by, and what is known of their outcome."""
    elements: Map[str, int] = field(default_factory=Map)
    """Where the elements of each foreach stand, by its path; kept only where compensations may still read them."""
    compensating: Compensating | None = None
    compensated: bool = False
    requesters: tuple[str, ...] = ()
    """Who let it go on after it had failed; and who started it, where an approval asks after that."""
    agreed: Map[str, tuple[str, ...]] = field(default_factory=Map)
    """Who agreed at which approval step; only of steps that others are to be separated from."""
    files: Map[str, str] = field(default_factory=Map)
    """The SHA-256 of files, by name; only of those that approvals show."""
    requests: tuple[str, ...] = ()
    """The ids of the last requests that changed something."""
    completed: int = 0
    """How many steps are done."""
    spent_tokens: int = 0
    """How many tokens language models read and wrote for what is done."""
    spent_micros: int = 0
    """What that cost, in millionths of a US dollar."""

    def copy(self) -> Workflow:
        """Return a copy that may be changed without changing this one."""
        return Workflow(*_ALL(self))

    def task_at(self, step: str, task_id: str) -> tuple[str, OpenTask] | None:
        """Return the path of the step whose open task this is, and the task; `step` is where it probably is."""
        found = self.open.get(step)
        if isinstance(found, OpenTask) and found.task_id == task_id:
            return step, found
        for path, other in self.open.items():
            if isinstance(other, OpenTask) and other.task_id == task_id:
                return path, other
        return None

    def seqs(self) -> Iterator[int]:
        """Yield the numbers of all events of which a value may still be read."""
        yield from self.vars.values()
        yield from self.elements.values()
        yield from self.edited.values()
        for waiting in self.signals.values():
            yield from filter(None, waiting)
        for kept in self.outputs.values():
            yield from seqs_of(kept.ref)
        for step in self.open.values():
            if isinstance(step, OpenHolder):
                if step.items_seq:
                    yield step.items_seq
                for ref in step.results.values():
                    yield from seqs_of(ref)
                for refs in step.gathered.values():
                    for ref in refs.values():
                        yield from seqs_of(ref)
            elif isinstance(step, OpenTask):
                yield from step.vars.values()
            elif isinstance(step, OpenApproval):
                yield step.shown_seq


_ALL = attrgetter(*(each.name for each in fields(Workflow)))


def seqs_of(ref: Ref) -> Iterator[int]:
    """Yield the numbers of the events that an output is made of."""
    match ref:
        case int():
            yield ref
        case list():
            for part in ref:
                yield from seqs_of(part)
        case dict():
            for part in ref.values():
                yield from seqs_of(part)
        case _:
            pass
