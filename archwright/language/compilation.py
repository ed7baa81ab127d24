"""Makes a definition into a plan: first the bodies and their graphs, then the expressions, then who reads whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from archwright.errors import Violation

from .document import content_hash
from .expressions import Expression, ExpressionInvalid, compile_expression
from .graph import Graph, build
from .model import (
    AgentTask,
    Approval,
    Definition,
    Emit,
    Fail,
    ForEach,
    Json,
    Loop,
    Parallel,
    SetVars,
    Step,
    Switch,
    Wait,
)
from .plan import ROOT, Body, Node, Plan
from .reads import Reads
from .refusal import refusal
from .template import Template

COMPENSATION_LOCALS = ("failure", "outcome")
"""What compensations may read besides: why the workflow fails, and what became of the step."""

FALLBACK_LOCALS = ("failure",)
"""What fallbacks may read besides: the failure that they stand in for."""


@dataclass(frozen=True, slots=True)
class _Inner:
    """A body that a step has: how its scope is called, its steps, and what names it brings."""

    label: str
    steps: tuple[Step, ...]
    path: str
    locals: tuple[str, ...] = ()


@dataclass(slots=True)
class _BodyDraft:
    owner: int | None
    label: str
    depth: int
    graph: Graph
    nodes: tuple[int, ...]
    locals: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class _NodeDraft:
    step: Step
    body: int
    position: int
    bodies: list[int] = field(default_factory=list)
    fallback: int | None = None
    compensation: int | None = None


def inner_bodies(step: Step, path: str) -> list[_Inner]:
    """Return the bodies that a step holds by its kind, in the order written."""
    match step.kind:
        case Parallel(branches=branches):
            at = f"{path}.parallel.branches"
            return [_Inner(f".{branch.name}", branch.steps, f"{at}.{branch.name}") for branch in branches]
        case ForEach():
            return [_Inner("", step.kind.steps, f"{path}.foreach.steps", (step.kind.as_,))]
        case Loop():
            return [_Inner("", step.kind.steps, f"{path}.loop.steps")]
        case Switch(cases=cases, otherwise=otherwise):
            at = f"{path}.switch.cases"
            inner = [_Inner(f".{number}", case.steps, f"{at}[{number}].steps") for number, case in enumerate(cases)]
            if otherwise is not None:
                inner.append(_Inner(".else", otherwise, f"{path}.switch.else"))
            return inner
        case _:
            return []


def compile_definition(definition: Definition) -> Plan:
    """Return the plan of a definition. Raises DefinitionInvalid."""
    compiling = _Compiling()
    compiling.add_body(_Inner("", definition.steps, "steps"), None, 0, ())
    if compiling.violations:
        raise refusal(compiling.violations)
    try:
        return _finish(definition, compiling)
    except ExpressionInvalid as error:
        raise refusal([Violation("steps", str(error))]) from None


class _Compiling:
    """The bodies and nodes so far."""

    def __init__(self) -> None:
        self.bodies: list[_BodyDraft] = []
        self.nodes: list[_NodeDraft] = []
        self.violations: list[Violation] = []

    def add_body(self, inner: _Inner, owner: int | None, depth: int, around: tuple[tuple[str, int], ...]) -> int | None:
        """Add a body with all that is in it and return its number; None when it has no graph."""
        graph, violations = build(inner.steps, inner.path)
        self.violations.extend(violations)
        if graph is None:
            return None
        number = len(self.bodies)
        known = (*around, *((name, depth) for name in inner.locals))
        first = len(self.nodes)
        draft = _BodyDraft(owner, inner.label, depth, graph, tuple(range(first, first + len(inner.steps))), known)
        self.bodies.append(draft)
        self.nodes.extend(_NodeDraft(step, number, position) for position, step in enumerate(inner.steps))
        for position, step in enumerate(inner.steps):
            self._add_inner_bodies(first + position, step, f"{inner.path}[{position}]", depth + 1, known)
        return number

    def _add_inner_bodies(
        self, index: int, step: Step, path: str, depth: int, around: tuple[tuple[str, int], ...]
    ) -> None:
        node = self.nodes[index]
        for inner in inner_bodies(step, path):
            number = self.add_body(inner, index, depth, around)
            if number is not None:
                node.bodies.append(number)
        if isinstance(step.fallback, Step):
            fallback = _Inner(".fallback", (step.fallback,), f"{path}.fallback", FALLBACK_LOCALS)
            node.fallback = self.add_body(fallback, index, depth, around)
        if step.compensate is not None:
            compensation = _Inner(".compensate", (step.compensate,), f"{path}.compensate", COMPENSATION_LOCALS)
            node.compensation = self.add_body(compensation, index, depth, around)


def _finish(definition: Definition, compiling: _Compiling) -> Plan:
    """Compile the expressions, work out who reads whom, and put everything together."""
    drafts, bodies = compiling.nodes, compiling.bodies
    names = [draft.step.name for draft in drafts]
    index = {name: number for number, name in reversed(list(enumerate(names)))}
    reads = Reads(
        parents=[None if body.owner is None else (drafts[body.owner].body, body.owner) for body in bodies],
        bodies_of={name: drafts[number].body for name, number in index.items()},
    )
    output = None if definition.output is None else Template(definition.output)
    compensating = _within_compensations(compiling)
    pinned: set[str] = set()
    made: list[_Expressions] = []
    lookups: list[tuple[tuple[str, int], ...]] = []
    for number, draft in enumerate(drafts):
        graph = bodies[draft.body].graph
        before = tuple(names[bodies[draft.body].nodes[at]] for at in graph.predecessors[draft.position])
        expressions = _Expressions.of(draft.step, before)
        made.append(expressions)
        wanted = {(name, draft.body) for name in expressions.reads_outside} | {
            (name, body) for name in expressions.reads_inside for body in draft.bodies
        }
        found = set()
        for name, body in sorted(wanted):
            if name in index:
                shared = reads.read(name, body, number if body == draft.body else None)
                found.add((name, bodies[shared].depth))
                if draft.body in compensating:
                    pinned.add(name)
        lookups.append(tuple(sorted(found)))
    lasts = [
        tuple(number for number in body.nodes if body.graph.exits[drafts[number].position].may_end) for body in bodies
    ]
    for body, last in enumerate(lasts):
        if body != ROOT or output is None:
            for number in last:
                reads.read(names[number], body, None)
    output_names = _steps_of(output.expressions) & index.keys() if output else {names[each] for each in lasts[ROOT]}
    for name in sorted(output_names):
        reads.read(name, ROOT, None)
    nodes = tuple(
        _node(number, draft, bodies[draft.body], made[number], lookups[number], reads)
        for number, draft in enumerate(drafts)
    )
    approvals = [draft.step.kind for draft in drafts if isinstance(draft.step.kind, Approval)]
    return Plan(
        definition=replace(definition, places={}),
        content_hash=content_hash(definition),
        bodies=tuple(_body(number, body, lasts[number], reads) for number, body in enumerate(bodies)),
        nodes=nodes,
        index=index,
        named={name: nodes[number] for name, number in index.items()},
        entered=tuple(
            _placed(bodies[draft.body], bodies[draft.body].graph.entered[draft.position]) for draft in drafts
        ),
        output_lookups=tuple(sorted(output_names)),
        output_template=output,
        pinned=frozenset(pinned),
        compensates=bool(compensating),
        labels={(number, bodies[body].label): body for number, draft in enumerate(drafts) for body in draft.bodies},
        shown_artifacts=tuple(sorted({each for approval in approvals for each in approval.artifacts})),
        separates=frozenset(each for approval in approvals for each in approval.separate_from),
    )


@dataclass(frozen=True, slots=True)
class _Expressions:
    """A step's expressions, compiled; and the steps that they read, before it begins or inside of it."""

    when: Expression | None
    routes: tuple[Expression, ...]
    template: Template | None
    expressions: dict[str, Expression]
    templates: dict[str, Template]
    predecessors: tuple[str, ...]
    reads_outside: frozenset[str]
    reads_inside: frozenset[str]

    @classmethod
    def of(cls, step: Step, predecessors: tuple[str, ...]) -> _Expressions:
        """Compile the expressions of a step. Raises ExpressionInvalid."""
        when = None if step.when is None else compile_expression(step.when)
        routes = tuple(compile_expression(condition.if_) for condition in step.conditions)
        template = None if step.input is None else Template(step.input)
        expressions = {word: compile_expression(text) for word, text in _texts(step)}
        templates = {word: Template(source) for word, source in _sources(step)}
        inside = [
            expressions[word] for word in ("until", "while") if word in expressions and isinstance(step.kind, Loop)
        ]
        outside = [each for each in expressions.values() if each not in inside]
        outside += [*routes, *([when] if when else []), *(template.expressions if template else ())]
        outside += [each for made in templates.values() for each in made.expressions]
        by_default = frozenset(predecessors) if template is None else frozenset[str]()
        return cls(
            when=when,
            routes=routes,
            template=template,
            expressions=expressions,
            templates=templates,
            predecessors=predecessors,
            reads_outside=_steps_of(outside) | by_default,
            reads_inside=_steps_of(inside),
        )


def _texts(step: Step) -> Iterable[tuple[str, str]]:
    """Yield the expressions of a step's kind, each with the word that it stands behind."""
    match step.kind:
        case ForEach(items=items):
            yield "items", items
        case Switch(cases=cases):
            for number, case in enumerate(cases):
                yield f"case.{number}", case.if_
        case Loop(until=until, while_=while_):
            if until is not None:
                yield "until", until
            if while_ is not None:
                yield "while", while_
        case _:
            pass


def _sources(step: Step) -> Iterable[tuple[str, Json]]:
    """Yield the templates of a step's kind, each with the word that it stands behind."""
    match step.kind:
        case AgentTask(cache=cache, idempotency_key=idempotency_key):
            if cache is not None:
                yield "cache", cache.key
            if idempotency_key:
                yield "idempotency_key", idempotency_key
        case Wait(seconds=seconds, until=until):
            if seconds is not None:
                yield "seconds", seconds
            if until is not None:
                yield "until", until
        case SetVars(values=values):
            yield "set", dict(values)
        case Emit(payload=payload):
            yield "payload", payload
        case Fail(message=message):
            yield "message", message
        case _:
            pass


def _within_compensations(compiling: _Compiling) -> frozenset[int]:
    """Return the bodies that are compensations, and those inside of these."""
    found: set[int] = set()
    for number, body in enumerate(compiling.bodies):
        if body.owner is not None:
            owner = compiling.nodes[body.owner]
            if owner.compensation == number or owner.body in found:
                found.add(number)
    return frozenset(found)


def _body(number: int, draft: _BodyDraft, last: tuple[int, ...], reads: Reads) -> Body:
    found = reads.of_body(number)
    return Body(
        index=number,
        owner=draft.owner,
        label=draft.label,
        depth=draft.depth,
        nodes=draft.nodes,
        first=_placed(draft, draft.graph.first),
        last=last,
        readers=found.readers,
        exports=found.exports,
    )


def _node(
    number: int,
    draft: _NodeDraft,
    body: _BodyDraft,
    made: _Expressions,
    lookups: tuple[tuple[str, int], ...],
    reads: Reads,
) -> Node:
    exits = body.graph.exits[draft.position]
    return Node(
        index=number,
        step=draft.step,
        body=draft.body,
        bodies=tuple(draft.bodies),
        fallback=draft.fallback,
        compensation=draft.compensation,
        incoming=body.graph.incoming[draft.position],
        routes=tuple(
            (condition, _placed(body, targets))
            for condition, targets in zip(made.routes, exits.conditions, strict=True)
        ),
        otherwise=_placed(body, exits.otherwise),
        skipped=_placed(body, exits.skipped),
        edges=_placed(body, exits.edges),
        reads=reads.of_node(number),
        lookups=lookups,
        locals=body.locals,
        when=made.when,
        template=made.template,
        expressions=made.expressions,
        templates=made.templates,
        predecessors=made.predecessors,
        shows_vars=made.template is not None and any("vars" in each.names for each in made.template.expressions),
    )


def _placed(body: _BodyDraft, positions: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of the nodes at positions of a body."""
    return tuple(body.nodes[position] for position in positions)


def _steps_of(expressions: Iterable[Expression]) -> frozenset[str]:
    return frozenset().union(*(expression.steps for expression in expressions))
