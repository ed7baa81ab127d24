"""How the graph of steps is walked: which steps are reached when one is done.

A step has one edge from each step that may lead to it. When a step ends, the edge to the step it chose is
taken and its other edges are dead. A step is reached once all its incoming edges are settled and at least one
was taken; if none was, no path leads to it, and its own edges are dead in turn.
"""

from __future__ import annotations

from collections.abc import Iterable

from immutables import Map

from archwright.language.plan import END_INDEX, Node, Plan
from services.engine.domain.workflow import Arrivals, KeptOutput, Workflow


def first_steps(plan: Plan) -> tuple[str, ...]:
    """Return the steps that are reached at the start."""
    return tuple(node.step.name for node in plan.nodes if node.incoming == 0)


def leave(
    plan: Plan, waiting: Map[str, Arrivals], node: Node, target: int
) -> tuple[Map[str, Arrivals], tuple[str, ...], tuple[Node, ...]]:
    """Settle the edges of a step that ended and chose `target`.

    Return the arrivals afterwards, the steps reached by it, and the steps that no path leads to any more.
    """
    reached: list[str] = []
    unreachable: list[Node] = []
    ended = [(node, target)]
    while ended:
        node, target = ended.pop()
        for edge in node.edges:
            successor = plan.nodes[edge]
            name = successor.step.name
            before = waiting.get(name, Arrivals())
            now = Arrivals(before.settled + 1, before.taken + (edge == target))
            if now.settled < successor.incoming:
                waiting = waiting.set(name, now)
                continue
            if name in waiting:
                waiting = waiting.delete(name)
            if now.taken:
                reached.append(name)
            else:
                unreachable.append(successor)
                ended.append((successor, END_INDEX))
    return waiting, tuple(reached), tuple(unreachable)


def forget_read(outputs: Map[str, KeptOutput], readers: Iterable[Node]) -> Map[str, KeptOutput]:
    """Return the outputs still to be read, now that these steps will read nothing more."""
    for reader in readers:
        for step in reader.reads:
            kept = outputs.get(step)
            if kept is None:
                continue
            if kept.readers > 1:
                outputs = outputs.set(step, KeptOutput(kept.seq, kept.readers - 1))
            else:
                outputs = outputs.delete(step)
    return outputs


def keep(outputs: Map[str, KeptOutput], node: Node, seq: int) -> Map[str, KeptOutput]:
    """Return the outputs still to be read, now that this step's stands at `seq`."""
    readers = len(node.readers)
    return outputs.set(node.step.name, KeptOutput(seq, readers)) if readers else outputs


def is_over(workflow: Workflow) -> bool:
    """Return whether nothing is left to be done."""
    return not workflow.open and not workflow.ready
