"""A definition made ready to be walked: names resolved, expressions compiled, and who reads whom worked out.

The engine knows steps only as nodes of this graph. A step chooses one of its edges when it ends; the others are dead.
Whatever the language grows into, it compiles to the same graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from archwright.errors import Violation

from .document import content_hash
from .expressions import Expression, ExpressionFailed, ExpressionInvalid, compile_expression
from .graph import END_INDEX, Graph, build
from .model import Definition, Json, Step
from .refusal import refusal
from .scope import Scope
from .template import Template

__all__ = ["END_INDEX", "OUTPUT_INDEX", "ExpressionFailed", "Node", "Plan", "Scope", "compile"]

OUTPUT_INDEX = -2
"""As a reader: the output of the workflow."""


@dataclass(frozen=True, slots=True)
class Node:
    """A step in the graph.

    `incoming` counts the edges into it; a node with none starts at once. `routes` are its conditions in order, with
    the index of the node that each leads to, or END_INDEX; `otherwise` is where it leads when none of them holds.
    `edges` are the distinct nodes of all these, ascending. `reads` names the steps whose output or status its input
    or conditions use, itself among them if its conditions do; `readers` are the nodes that read this one, and
    OUTPUT_INDEX if the workflow's output does. `template` is its input, or None for the default, which is the
    workflow's input and the outputs of those `predecessors` that were done.
    """

    index: int
    step: Step
    incoming: int
    routes: tuple[tuple[Expression, int], ...]
    otherwise: int
    edges: tuple[int, ...]
    reads: frozenset[str]
    readers: tuple[int, ...]
    template: Template | None
    predecessors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition's graph. `output_reads` names the steps that the workflow's output reads."""

    definition: Definition
    content_hash: str
    nodes: tuple[Node, ...]
    index: Mapping[str, int]
    output_reads: frozenset[str]
    output_template: Template | None

    def route(self, node: Node, scope: Scope) -> int:
        """Return where a node leads, now that it is done. Raises ExpressionFailed."""
        for condition, target in node.routes:
            if condition.is_true(scope):
                return target
        return node.otherwise

    def task_input(self, node: Node, scope: Scope) -> Json:
        """Return what a node's agent is given. Raises ExpressionFailed."""
        if node.template is not None:
            return node.template.fill_mapping(scope, "the input of a step")
        given = dict(scope.input) if isinstance(scope.input, Mapping) else {}
        return given | {name: scope.outputs[name] for name in node.predecessors if name in scope.outputs}

    def output(self, scope: Scope) -> Json:
        """Return what the workflow came to. Raises ExpressionFailed.

        By default that is the outputs of the steps with which its paths ended, by name.
        """
        if self.output_template is not None:
            return self.output_template.fill_mapping(scope, "the output of a workflow")
        followed: set[int] = set()
        last: list[str] = []
        for node in reversed(self.nodes):
            is_done = node.step.name in self.output_reads and node.step.name in scope.outputs
            if is_done and not followed.intersection(node.edges):
                last.append(node.step.name)
            if is_done or followed.intersection(node.edges):
                followed.add(node.index)
        return {name: scope.outputs[name] for name in reversed(last)}


def compile(definition: Definition) -> Plan:  # noqa: A001  # the word for it, and always called by its module
    """Return the graph of a definition that has passed the check.

    Raises DefinitionInvalid when it has not, as far as that shows here.
    """
    graph, violations = build(definition.steps)
    if graph is None:
        raise refusal(violations)
    try:
        templates = [None if step.input is None else Template(step.input) for step in definition.steps]
        routes = [
            tuple(compile_expression(condition.if_) for condition in step.conditions) for step in definition.steps
        ]
        output = None if definition.output is None else Template(definition.output)
    except ExpressionInvalid as error:
        raise refusal([Violation("steps", str(error))]) from None
    names = [step.name for step in definition.steps]
    predecessors = [tuple(names[index] for index in before) for before in graph.predecessors]
    reads = [_reads(*of_step) for of_step in zip(templates, routes, predecessors, strict=True)]
    output_reads = _output_reads(output, graph, names)
    readers = _readers(names, reads, output_reads)
    return Plan(
        definition=replace(definition, places={}),
        content_hash=content_hash(definition),
        nodes=tuple(
            Node(
                index=index,
                step=step,
                incoming=graph.incoming[index],
                routes=tuple(zip(routes[index], graph.exits[index].conditions, strict=True)),
                otherwise=graph.exits[index].otherwise,
                edges=graph.exits[index].edges,
                reads=reads[index],
                readers=tuple(readers[step.name]),
                template=templates[index],
                predecessors=predecessors[index],
            )
            for index, step in enumerate(definition.steps)
        ),
        index={name: index for index, name in enumerate(names)},
        output_reads=output_reads,
        output_template=output,
    )


def _reads(template: Template | None, routes: tuple[Expression, ...], predecessors: tuple[str, ...]) -> frozenset[str]:
    by_input = frozenset(predecessors) if template is None else _steps_of(template.expressions)
    return by_input | _steps_of(routes)


def _output_reads(output: Template | None, graph: Graph, names: list[str]) -> frozenset[str]:
    if output is not None:
        return _steps_of(output.expressions)
    return frozenset(name for name, exits in zip(names, graph.exits, strict=True) if exits.may_end)


def _readers(names: list[str], reads: list[frozenset[str]], output_reads: frozenset[str]) -> dict[str, list[int]]:
    readers: dict[str, list[int]] = {name: [] for name in names}
    for index, read in [*enumerate(reads), (OUTPUT_INDEX, output_reads)]:
        for name in read & readers.keys():
            readers[name].append(index)
    return readers


def _steps_of(expressions: Iterable[Expression]) -> frozenset[str]:
    return frozenset().union(*(expression.steps for expression in expressions))
