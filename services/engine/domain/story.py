"""The events that one command makes true, told one after another."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from immutables import Map

from archwright.language.model import Json
from archwright.language.plan import Node, Plan, Scope
from services.engine.domain.events import (
    CompensationStarted,
    Event,
    ScopeEnded,
    TaskCompleted,
    TaskCreated,
    WorkflowCreated,
    WorkflowResumed,
    WorkflowRetried,
)
from services.engine.domain.evolve import apply
from services.engine.domain.paths import COMPENSATION, ROOT_SCOPE, owner_of, scope_of
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import Known, scope_for, value_of
from services.engine.domain.workflow import OpenHolder, Workflow


class Story:
    """The events so far, the workflow after them, and the values that they brought."""

    def __init__(self, plan: Plan, workflow: Workflow, known: Known, now: datetime) -> None:
        self.plan = plan
        self.now = now
        self.workflow = workflow.copy()
        self.events: list[Event] = []
        self.inputs: dict[str, bytes] = {}
        self._before = known
        self._input = known.input
        self._values: Map[int, Json] = known.values
        self._known: Known | None = known
        self._now_ms: int | None = None
        self.ended_scopes: deque[str] = deque()
        """Bodies in which nothing may be left to be done."""
        self.touched: deque[str] = deque()
        """Steps of whose bodies one has ended, each as often as that happened."""

    @property
    def is_running(self) -> bool:
        """Whether new work may be begun."""
        return self.workflow.status is WorkflowStatus.RUNNING

    @property
    def known(self) -> Known:
        """What expressions may read by now."""
        if self._known is None:
            self._known = Known(self._input, self._values, self._before.cached, self._before.needed)
        return self._known

    @property
    def now_ms(self) -> int:
        """The time, in milliseconds since 1970."""
        if self._now_ms is None:
            self._now_ms = int(self.now.timestamp() * 1000)
        return self._now_ms

    def tell(self, event: Event) -> None:
        """Let an event have happened."""
        self.events.append(event)
        apply(self.plan, self.workflow, event)
        if isinstance(event, WorkflowCreated):
            self._input = event.input
        value = value_of(event)
        if value is not None:
            self._values = self._values.set(self.workflow.last_seq, value)
            self._known = None
        match event:
            case TaskCompleted(step=path) | TaskCreated(step=path) if "/" not in path:
                pass  # the most usual, so it comes first: the end of the root is not noted but looked for
            case WorkflowResumed() | WorkflowRetried():
                self._note_everything()
            case CompensationStarted():
                self.ended_scopes.clear()
                self.touched.clear()
            case ScopeEnded(scope=scope):
                self.touched.append(owner_of(scope))
            case _ if path := getattr(event, "step", ""):
                self._note_end(scope_of(path))

    def _note_end(self, scope: str) -> None:
        """Remember a scope in which nothing is left to be done."""
        found = self.workflow.scopes.get(scope)
        if scope and found is not None and found.live == 0:
            self.ended_scopes.append(scope)

    def _note_everything(self) -> None:
        """Look for bodies that ended while nothing could be made of it."""
        if self.workflow.compensating is None:
            self.ended_scopes.extend(sorted(scope for scope in self.workflow.scopes if scope))
            self.touched.extend(
                path for path, step in sorted(self.workflow.open.items()) if isinstance(step, OpenHolder)
            )
        else:
            self.ended_scopes.extend(sorted(scope for scope in self.workflow.scopes if COMPENSATION in scope))

    def scope(self, path: str, node: Node) -> Scope:
        """Return what the expressions of a step see."""
        return scope_for(self.plan, self.workflow, self.known, scope_of(path), node)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be done in the root."""
        root = self.workflow.scopes.get(ROOT_SCOPE)
        return root is not None and root.live == 0

    def known_after(self) -> Known:
        """Return what is known once the events are committed."""
        return self.known.after(self.workflow, self._values, self._input)
