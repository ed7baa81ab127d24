"""The values that expressions may read: where each name leads, and what stands there.

The state holds only where outputs stand in history. The values themselves come beside it, by the numbers of the
events that hold them, so that deciding needs no reading of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from immutables import Map

from archwright.language.model import Json
from archwright.language.plan import Node, Plan, Scope
from services.engine.domain.events import (
    ApprovalRequested,
    Event,
    Ref,
    SignalReceived,
    StepCompleted,
    StepStarted,
    TaskCompleted,
    WorkflowCreated,
    WorkflowRetried,
)
from services.engine.domain.paths import (
    COMPENSATION,
    FALLBACK,
    label_of,
    number_of,
    outwards,
    owner_of,
    path_in,
    scope_of,
)
from services.engine.domain.workflow import Failure, OpenFallback, OpenHolder, OpenTask, Workflow


class Unread(Exception):
    """Deciding needs something that is not in the state: read it, add it to what is known, and decide again."""

    def __init__(self, cache_keys: Iterable[str]) -> None:
        super().__init__("the step cache has to be read first")
        self.cache_keys = frozenset(cache_keys)


class Known(NamedTuple):
    """The workflow's input, values by the seq of the event that holds them, and what the step cache has.

    `cached` maps each key that was looked for to a tuple of the output found, or to an empty one. `needed` is how
    many values were left, and steps open, when the values that nobody reads any more were last forgotten.
    """

    input: Json = None
    values: Map[int, Json] = Map()
    cached: Mapping[str, tuple[()] | tuple[Json]] = MappingProxyType({})
    needed: int = 0

    def having_read(self, cached: Mapping[str, tuple[()] | tuple[Json]]) -> Known:
        """Return what is known when the step cache has been read too."""
        return self._replace(cached={**self.cached, **cached})

    def after(self, workflow: Workflow, values: Map[int, Json], given: Json) -> Known:
        """Return what is known after a decision. What nobody reads any more is forgotten now and then."""
        needed = self.needed
        if len(values) > 2 * needed + 2:
            values = Map({seq: values[seq] for seq in set(workflow.seqs())})
            # Looking for them took as long as the frontier is wide: it is done the more rarely, the wider.
            needed = len(values) + len(workflow.open)
        elif values is self.values and given is self.input and not self.cached:
            return self
        return Known(given, values, needed=needed)


def canonical(value: Json) -> bytes:
    """Return the one JSON text of a value, by which inputs are hashed."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def value_of(event: Event) -> Json:
    """Return the value that an event holds for later reading; None where it holds none."""
    name = _HOLDING.get(type(event))
    return None if name is None else getattr(event, name)


_HOLDING: Mapping[type[Event], str] = {
    WorkflowCreated: "input",
    WorkflowRetried: "input",
    TaskCompleted: "output",
    StepCompleted: "output",
    StepStarted: "items",
    SignalReceived: "payload",
    ApprovalRequested: "shown",
}


def assembled(ref: Ref, values: Mapping[int, Json]) -> Json:
    """Return the output that stands at a place in history."""
    match ref:
        case int():
            return values[ref]
        case list():
            return [assembled(part, values) for part in ref]
        case dict():
            return {name: assembled(part, values) for name, part in ref.items()}
        case _:
            return None


def scope_for(plan: Plan, workflow: Workflow, known: Known, scope: str, node: Node) -> Scope:
    """Return what the expressions of a step see when it stands in this scope."""
    return _scope(plan, workflow, known, scope, node.lookups, node.locals)


def scope_of_task(plan: Plan, workflow: Workflow, known: Known, path: str) -> Scope:
    """Return what the input of a step is made from whose task is open: what it saw when its task was made."""
    node, task = plan.node(path), workflow.open[path]
    scope = scope_for(plan, workflow, known, scope_of(path), node)
    if not node.shows_vars or not isinstance(task, OpenTask):
        return scope
    return scope._replace(vars=_named(task.vars, known))


def input_of(workflow: Workflow, known: Known, path: str, node: Node, scope: Scope) -> Json:
    """Return what a step's task is given: what the definition makes of this scope, unless somebody edited it."""
    edited = workflow.edited.get(path)
    return node.input(scope) if edited is None else known.values[edited]


def scope_of_output(plan: Plan, workflow: Workflow, known: Known) -> Scope:
    """Return what the expressions of the workflow's output see."""
    return _scope(plan, workflow, known, "", ((name, 0) for name in plan.output_lookups), ())


def vars_of(workflow: Workflow, known: Known) -> dict[str, Json]:
    """Return the workflow's named values."""
    return _named(workflow.vars, known)


def _named(where: Mapping[str, int], known: Known) -> dict[str, Json]:
    return {name: known.values[seq][name] for name, seq in where.items()}


def _scope(
    plan: Plan,
    workflow: Workflow,
    known: Known,
    scope: str,
    lookups: Iterable[tuple[str, int]],
    local: tuple[tuple[str, int], ...],
) -> Scope:
    outputs: dict[str, Json] = {}
    statuses: dict[str, str] = {}
    for name, depth in lookups:
        kept = workflow.outputs.get(path_in(outwards(scope, depth), name))
        if kept is not None:
            outputs[name] = assembled(kept.ref, known.values)
            statuses[name] = kept.status
    return Scope(
        known.input,
        outputs,
        statuses,
        vars_of(workflow, known) if workflow.vars else {},
        {
            "id": workflow.workflow_id,
            "definition": plan.definition.name,
            "version": plan.definition.version,
        },
        dict(_locals(plan, workflow, known, scope, local)) if local else {},
    )


def _locals(
    plan: Plan, workflow: Workflow, known: Known, scope: str, local: Iterable[tuple[str, int]]
) -> Iterable[tuple[str, Any]]:
    for name, depth in local:
        where = outwards(scope, depth)
        owner, label = owner_of(where), label_of(where)
        if label == FALLBACK:
            fallback = workflow.open[owner]
            assert isinstance(fallback, OpenFallback)
            yield name, told(fallback.failure)
        elif label == COMPENSATION and workflow.compensating is not None:
            is_failure = name == "failure"
            yield name, told(workflow.compensating.failure) if is_failure else workflow.compensable[owner][1]
        else:
            yield name, _element(workflow, known, owner, number_of(where))


def _element(workflow: Workflow, known: Known, owner: str, number: int) -> Json:
    holder = workflow.open.get(owner)
    elements = known.values[holder.items_seq if isinstance(holder, OpenHolder) else workflow.elements[owner]]
    return elements[number] if number < len(elements) else None  # a retry may have found fewer


def told(failure: Failure) -> dict[str, Json]:
    """Return a failure as expressions see it."""
    return {"category": str(failure.category), "code": failure.code, "message": failure.message}
