"""What can be told of a workflow's past from its whole history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archwright.language.expressions import ExpressionFailed
from archwright.language.model import Json
from archwright.language.plan import Plan
from services.engine.domain.events import Event, TaskCreated, WorkflowCreated
from services.engine.domain.evolve import apply
from services.engine.domain.paths import scope_of
from services.engine.domain.values import Known, input_of, scope_for, value_of
from services.engine.domain.workflow import Workflow


class TaskRetelling:
    """Finds out what a task was given, from its workflow's events one by one, oldest first.

    An input is not kept, but follows from what had happened by then. Of the values that were seen only those are held
    that somebody may still read, so that a long history takes no more memory than the workflow itself did.
    """

    def __init__(self, plan: Plan, workflow_id: str, task_id: str) -> None:
        self.given: Json | None = None
        """The input; None until it is known."""
        self._plan = plan
        self._task_id = task_id
        self._workflow = Workflow(workflow_id)
        self._known = Known()

    def add(self, event: Event) -> bool:
        """Let an event have happened; return whether it made the task."""
        plan, workflow, known = self._plan, self._workflow, self._known
        if isinstance(event, TaskCreated) and event.task_id == self._task_id:
            node = plan.node(event.step)
            try:
                seen = scope_for(plan, workflow, known, scope_of(event.step), node)
                self.given = input_of(workflow, known, event.step, node, seen)
            except ExpressionFailed:
                self.given = None
            return True
        apply(plan, workflow, event)
        given = event.input if isinstance(event, WorkflowCreated) else known.input
        value = value_of(event)
        values = known.values if value is None else known.values.set(workflow.last_seq, value)
        if value is not None or given is not known.input:
            self._known = known.after(workflow, values, given)
        return False


def task_input(plan: Plan, workflow_id: str, events: Iterable[Event], task_id: str) -> Json | None:
    """Return what a task was given, from a whole history."""
    retelling = TaskRetelling(plan, workflow_id, task_id)
    for event in events:
        if retelling.add(event):
            break
    return retelling.given


def values_by_seq(events: Iterable[Event]) -> Mapping[int, Json]:
    """Return the value of every event of a whole history that holds one."""
    return {seq: value for seq, event in enumerate(events, start=1) if (value := value_of(event)) is not None}
