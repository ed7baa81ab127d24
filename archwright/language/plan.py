"""A definition made ready to be walked: names resolved, expressions compiled, and who reads whom worked out.

The engine knows steps only as nodes. A node stands in a body; a step that holds others has bodies of its own: its
branches, its cases, what it repeats, its fallback, its compensation. Within a body a step leads to others by edges.
Whatever the language grows into, it compiles to this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .expressions import Expression, ExpressionFailed
from .graph import Targets
from .model import Definition, Json, Step
from .scope import Scope
from .template import Template

__all__ = ["ROOT", "Body", "ExpressionFailed", "Node", "Plan", "Scope", "compile"]

ROOT = 0
"""The number of the body that the definition itself is."""


@dataclass(frozen=True, slots=True)
class Body:
    """Steps that are walked together.

    `owner` is the node that it is part of, None for the root; `label` is what its scope is called behind the owner's
    path: `.business`, `.else`, `.fallback`; empty where it is done several times and bears a number instead. `last`
    are the nodes with which a path through it may end. `readers` counts for each output that is kept here how often
    it will be read; `exports` are handed outwards when it ends.
    """

    index: int
    owner: int | None
    label: str
    depth: int
    nodes: tuple[int, ...]
    first: Targets
    last: tuple[int, ...]
    readers: Mapping[str, int]
    exports: frozenset[str]


@dataclass(frozen=True, slots=True)
class Node:
    """A step in its body.

    `incoming` counts the edges into it. `routes` are its conditions in order, with where each leads; `otherwise` is
    where it leads when none of them holds, `skipped` when it is passed over; `edges` are all nodes of these. `reads`
    names the steps whose output or status is read by it, or inside of it, in its own body; `lookups` those that its
    own expressions read, each with the depth of the body in which it is looked up. `locals` are names that stand for
    something of a body around it, with that body's depth. `template` is its input, or None for the default, which is
    the workflow's input, the locals and the outputs of those `predecessors` that were done; `shows_vars` says whether
    it holds named values.
    """

    index: int
    step: Step
    body: int
    bodies: tuple[int, ...]
    fallback: int | None
    compensation: int | None
    incoming: int
    routes: tuple[tuple[Expression, Targets], ...]
    otherwise: Targets
    skipped: Targets
    edges: Targets
    reads: frozenset[str]
    lookups: tuple[tuple[str, int], ...]
    locals: tuple[tuple[str, int], ...]
    when: Expression | None
    template: Template | None
    expressions: Mapping[str, Expression]
    templates: Mapping[str, Template]
    predecessors: tuple[str, ...]
    shows_vars: bool

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name

    def input(self, scope: Scope) -> Json:
        """Return what the step is given. Raises ExpressionFailed."""
        if self.template is not None:
            return self.template.fill_mapping(scope, "the input of a step")
        given = dict(scope.input) if isinstance(scope.input, Mapping) else {}
        given.update(scope.locals)
        given.update((name, scope.outputs[name]) for name in self.predecessors if name in scope.outputs)
        return given

    def route(self, scope: Scope) -> Targets:
        """Return where the step leads, now that it is done. Raises ExpressionFailed."""
        for condition, targets in self.routes:
            if condition.is_true(scope):
                return targets
        return self.otherwise


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition's bodies and nodes.

    `entered` gives for each node where a target of its name leads: to the group that it begins. `output_lookups`
    names the steps that the workflow's output reads. `pinned` outputs are kept to the end, for compensations.
    """

    definition: Definition
    content_hash: str
    bodies: tuple[Body, ...]
    nodes: tuple[Node, ...]
    index: Mapping[str, int]
    named: Mapping[str, Node]
    entered: tuple[Targets, ...]
    output_lookups: tuple[str, ...]
    output_template: Template | None
    pinned: frozenset[str]
    labels: Mapping[tuple[int, str], int]
    """The body of a node that is called by a label."""
    compensates: bool
    """Whether any step has a compensation."""
    shown_artifacts: tuple[str, ...] = ()
    """Patterns of the files that approvals show."""
    separates: frozenset[str] = frozenset()
    """Whose doings keep them from deciding: `requester`, and names of approval steps."""

    def node(self, path: str) -> Node:
        """Return the node of a step's path."""
        return self.named.get(path) or self.named[path[path.rfind("/") + 1 :]]

    def output(self, scope: Scope, ended: Iterable[str]) -> Json:
        """Return what the workflow came to. Raises ExpressionFailed.

        By default that is the outputs of the steps with which its paths `ended`, by name.
        """
        if self.output_template is not None:
            return self.output_template.fill_mapping(scope, "the output of a workflow")
        order = sorted(ended, key=self.index.__getitem__)
        return {name: scope.outputs[name] for name in order if name in scope.outputs}


def compile(definition: Definition) -> Plan:  # noqa: A001  # the word for it, and always called by its module
    """Return the plan of a definition that has passed the check.

    Raises DefinitionInvalid when it has not, as far as that shows here.
    """
    from .compilation import compile_definition  # noqa: PLC0415  # it makes these values, so it imports them

    return compile_definition(definition)
