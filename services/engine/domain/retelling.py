"""What can be told of a workflow's past from its whole history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from immutables import Map

from archwright.language.expressions import ExpressionFailed
from archwright.language.model import Json
from archwright.language.plan import Plan
from services.engine.domain.events import Event, TaskCreated, WorkflowCreated
from services.engine.domain.evolve import apply
from services.engine.domain.paths import scope_of
from services.engine.domain.values import Known, scope_for, value_of
from services.engine.domain.workflow import Workflow


def task_input(plan: Plan, workflow_id: str, events: Iterable[Event], task_id: str) -> Json | None:
    """Return what a task was given: it is not kept, but follows from what had happened by then."""
    workflow = Workflow(workflow_id)
    values: dict[int, Json] = {}
    given: Json = None
    for event in events:
        if isinstance(event, TaskCreated) and event.task_id == task_id:
            node = plan.node(event.step)
            scope = scope_for(plan, workflow, Known(given, Map(values)), scope_of(event.step), node)
            try:
                return node.input(scope)
            except ExpressionFailed:
                return None
        apply(plan, workflow, event)
        if isinstance(event, WorkflowCreated):
            given = event.input
        values[workflow.last_seq] = value_of(event)
    return None


def values_by_seq(events: Iterable[Event]) -> Mapping[int, Json]:
    """Return the value of every event of a whole history that holds one."""
    return {seq: value for seq, event in enumerate(events, start=1) if (value := value_of(event)) is not None}
