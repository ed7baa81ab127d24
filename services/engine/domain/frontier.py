"""How the graph of steps is walked: which steps are reached when one is done, and what may be forgotten by then.

A step has one edge from each step that may lead to it. When a step ends, the edges to the steps it chose are
taken and its other edges are dead. A step is reached once all its incoming edges are settled and at least one
was taken; if none was, no path leads to it, and its own edges are dead in turn. An output is forgotten when all who
might read it have ended.

The functions change the workflow that they are given, which is a private copy of `evolve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from immutables import Map

from archwright.language.graph import Targets
from archwright.language.plan import Body, Node, Plan
from services.engine.domain.events import Ref
from services.engine.domain.paths import body_of, is_beneath, is_within, path_in
from services.engine.domain.workflow import Arrivals, KeptOutput, OpenScope, Workflow

Value = TypeVar("Value")


def open_scope(plan: Plan, workflow: Workflow, scope: str) -> None:
    """Begin a body: its first steps are reached."""
    body = body_of(plan, scope)
    workflow.scopes = workflow.scopes.set(scope, OpenScope(len(body.first)))
    _reach(workflow, (path_in(scope, plan.nodes[first].name) for first in body.first))


def leave(plan: Plan, workflow: Workflow, scope: str, node: Node, targets: Targets) -> None:
    """End a step that chose `targets`: settle its edges, and forget what nobody will read any more."""
    over = [node]
    reached: list[str] = []
    ended = [(node, targets)]
    while ended:
        left, chosen = ended.pop()
        for edge in left.edges:
            successor = plan.nodes[edge]
            path = path_in(scope, successor.name)
            before = workflow.waiting.get(path)
            settled = 1 if before is None else before.settled + 1
            taken = (0 if before is None else before.taken) + (edge in chosen)
            if settled < successor.incoming:
                workflow.waiting = workflow.waiting.set(path, Arrivals(settled, taken))
                continue
            if before is not None:
                workflow.waiting = workflow.waiting.delete(path)
            if taken:
                reached.append(path)
            else:
                over.append(successor)
                ended.append((successor, ()))
    here = workflow.scopes[scope]
    ends = here.ends if targets else (*here.ends, node.name)
    workflow.scopes = workflow.scopes.set(scope, OpenScope(here.live - 1 + len(reached), ends))
    _reach(workflow, reached)
    _forget_read(plan, workflow, scope, over)


def keep(plan: Plan, workflow: Workflow, scope: str, node: Node, ref: Ref, status: str) -> None:
    """Keep where a step's output stands for as long as somebody may read it."""
    _keep(plan, workflow, plan.bodies[node.body], path_in(scope, node.name), node.name, ref, status)


def hand_outwards(plan: Plan, workflow: Workflow, scope: str, outer: str, outer_body: Body) -> None:
    """Hand the outputs that are read outside of a body that ended to the body around it."""
    for name in body_of(plan, scope).exports:
        kept = workflow.outputs.get(path_in(scope, name))
        if kept is not None:
            _keep(plan, workflow, outer_body, path_in(outer, name), name, kept.ref, kept.status)


def keep_named(plan: Plan, workflow: Workflow, body: Body, scope: str, name: str, ref: Ref) -> None:
    """Keep, in a scope, the output of a step further inside."""
    _keep(plan, workflow, body, path_in(scope, name), name, ref, "completed")


def result_of(plan: Plan, workflow: Workflow, scope: str) -> Ref:
    """Return where the output of a body stands: that of its last step, or those of several by name."""
    body = body_of(plan, scope)
    names = [plan.nodes[each].name for each in body.last]
    if len(names) == 1:
        return _ref(workflow, scope, names[0])
    return {name: _ref(workflow, scope, name) for name in names if name in workflow.scopes[scope].ends}


def close_scope(plan: Plan, workflow: Workflow, scope: str) -> None:
    """Forget a body that ended, with all that is left of it."""
    is_over = workflow.scopes[scope].live == 0
    workflow.scopes = workflow.scopes.delete(scope)
    if not is_over:
        _drop(workflow, lambda path: is_within(path, scope))
        return
    outputs = workflow.outputs
    for name in body_of(plan, scope).readers:
        path = path_in(scope, name)
        if path in outputs and name not in plan.pinned:
            outputs = outputs.delete(path)
    workflow.outputs = outputs


def drop_beneath(workflow: Workflow, owner: str) -> None:
    """Forget everything inside of a step."""
    _drop(workflow, lambda path: is_beneath(path, owner))


def _reach(workflow: Workflow, paths: Iterable[str]) -> None:
    for path in paths:
        workflow.reached += 1
        workflow.ready = workflow.ready.set(path, workflow.reached)


def _keep(plan: Plan, workflow: Workflow, body: Body, path: str, name: str, ref: Ref, status: str) -> None:
    readers = body.readers.get(name, 0)
    if readers or name in plan.pinned:
        workflow.outputs = workflow.outputs.set(path, KeptOutput(ref, readers, status))


def _forget_read(plan: Plan, workflow: Workflow, scope: str, over: Iterable[Node]) -> None:
    outputs = workflow.outputs
    for node in over:
        for name in node.reads:
            path = path_in(scope, name)
            kept = outputs.get(path)
            if kept is None or name in plan.pinned:
                continue
            if kept.readers > 1:
                outputs = outputs.set(path, KeptOutput(kept.ref, kept.readers - 1, kept.status))
            else:
                outputs = outputs.delete(path)
    workflow.outputs = outputs


def _ref(workflow: Workflow, scope: str, name: str) -> Ref:
    kept = workflow.outputs.get(path_in(scope, name))
    return None if kept is None else kept.ref


def _drop(workflow: Workflow, is_over: Callable[[str], bool]) -> None:
    workflow.ready = _without(workflow.ready, is_over)
    workflow.open = _without(workflow.open, is_over)
    workflow.waiting = _without(workflow.waiting, is_over)
    workflow.scopes = _without(workflow.scopes, is_over)
    workflow.outputs = _without(workflow.outputs, is_over)
    workflow.given_up = _without(workflow.given_up, is_over)
    workflow.unhandled = _without(workflow.unhandled, is_over)


def _without(found: Map[str, Value], is_over: Callable[[str], bool]) -> Map[str, Value]:
    over = [path for path in found if is_over(path)]
    if not over:
        return found
    changed = found.mutate()
    for path in over:
        del changed[path]
    return changed.finish()
