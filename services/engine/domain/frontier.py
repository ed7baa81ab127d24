"""How the graph of steps is walked: which steps are reached when one is done, and what may be forgotten by then.

A step has one edge from each step that may lead to it. When a step ends, the edges to the steps it chose are
taken and its other edges are dead. A step is reached once all its incoming edges are settled and at least one
was taken; if none was, no path leads to it, and its own edges are dead in turn. An output is forgotten when all who
might read it have ended.

The functions change the workflow that they are given, which is a private copy of `evolve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archwright.language.graph import Targets
from archwright.language.model import ForEach, Loop, Switch
from archwright.language.plan import Body, Node, Plan
from services.engine.domain.events import Ref
from services.engine.domain.paths import FALLBACK, body_of, path_in
from services.engine.domain.workflow import Arrivals, KeptOutput, OpenFallback, OpenHolder, OpenScope, Workflow


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
    for left, chosen in ended:  # which grows by those that are found out of reach
        for edge in left.edges:
            successor = plan.nodes[edge]
            path = path_in(scope, successor.name)
            settled = taken = 0
            if successor.incoming > 1 and (before := workflow.waiting.get(path)) is not None:
                settled, taken = before
            taken += edge in chosen
            if settled + 1 < successor.incoming:
                workflow.waiting = workflow.waiting.set(path, Arrivals(settled + 1, taken))
                continue
            if settled:
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


def hand_outwards(plan: Plan, workflow: Workflow, scope: str, outer: str) -> None:
    """Hand the outputs that are read outside of a body that ended to the body around it."""
    outer_body = body_of(plan, outer)
    for name in body_of(plan, scope).exports:
        kept, path = workflow.outputs.get(path_in(scope, name)), path_in(outer, name)
        if kept is not None:
            _keep(plan, workflow, outer_body, path, name, kept.ref, kept.status)
        elif path in workflow.outputs:
            workflow.outputs = workflow.outputs.delete(path)  # of an earlier iteration


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
    if workflow.scopes[scope].live:
        _drop(plan, workflow, scope)
        return
    workflow.scopes = workflow.scopes.delete(scope)
    _forget_outputs(plan, workflow, scope)


def scopes_of(plan: Plan, workflow: Workflow, owner: str) -> Iterator[str]:
    """Yield the bodies of an open step that are under way, but not its compensation."""
    step, node = workflow.open.get(owner), plan.node(owner)
    match step, node.step.kind:
        case OpenFallback(), _:
            found = [owner + FALLBACK]
        case OpenHolder(begun=begun), Loop():
            found = [f"{owner}[{begun - 1}]"]
        case OpenHolder(begun=begun, results=results), ForEach():
            found = [f"{owner}[{number}]" for number in range(begun) if str(number) not in results]
        case OpenHolder(case=case), Switch():
            found = [f"{owner}.{case}"]
        case OpenHolder(), _:
            found = [owner + plan.bodies[body].label for body in node.bodies]
        case _:
            found = []
    yield from (scope for scope in found if scope in workflow.scopes)


def open_in(plan: Plan, workflow: Workflow, scope: str) -> Iterator[str]:
    """Yield the open steps of a body under way, and those inside of them."""
    for number in body_of(plan, scope).nodes:
        path = path_in(scope, plan.nodes[number].name)
        if path in workflow.open:
            yield path
            yield from open_beneath(plan, workflow, path)


def open_beneath(plan: Plan, workflow: Workflow, owner: str) -> Iterator[str]:
    """Yield the open steps inside of a step."""
    for scope in scopes_of(plan, workflow, owner):
        yield from open_in(plan, workflow, scope)


def drop_beneath(plan: Plan, workflow: Workflow, owner: str) -> None:
    """Forget everything inside of an open step."""
    for scope in list(scopes_of(plan, workflow, owner)):
        _drop(plan, workflow, scope)


def _drop(plan: Plan, workflow: Workflow, scope: str) -> None:
    """Forget a body that is called off, and everything in it."""
    for number in body_of(plan, scope).nodes:
        path = path_in(scope, plan.nodes[number].name)
        if path in workflow.open:
            drop_beneath(plan, workflow, path)
            workflow.open = workflow.open.delete(path)
        elif path in workflow.ready:
            workflow.ready = workflow.ready.delete(path)
        elif path in workflow.waiting:
            workflow.waiting = workflow.waiting.delete(path)
        elif path in workflow.given_up:
            forgive(workflow, path)
        if path in workflow.edited:
            workflow.edited = workflow.edited.delete(path)
    workflow.scopes = workflow.scopes.delete(scope)
    _forget_outputs(plan, workflow, scope)


def forgive(workflow: Workflow, path: str) -> None:
    """Forget that a step was given up, and why."""
    workflow.given_up = workflow.given_up.delete(path)
    if path in workflow.unhandled:
        workflow.unhandled = workflow.unhandled.delete(path)
    if path in workflow.exhausted:
        workflow.exhausted = workflow.exhausted.delete(path)


def _forget_outputs(plan: Plan, workflow: Workflow, scope: str) -> None:
    outputs = workflow.outputs
    for name in body_of(plan, scope).readers:
        path = path_in(scope, name)
        if path in outputs and name not in plan.pinned:
            outputs = outputs.delete(path)
    workflow.outputs = outputs


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
