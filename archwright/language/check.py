"""What can be known to be wrong with a definition before it is ever started.

A definition without problems may be published. The rules are independent of each other, and each tells all that it
finds; only what would follow from a problem that was told already is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from archwright.errors import Violation

from .check_expressions import Checker, declared_fields
from .graph import Graph, build
from .model import RESERVED_NAMES, Definition, Place, Schema
from .parse import parse
from .refusal import VIOLATIONS_MAX, in_order, refusal
from .schema import SchemaInvalid, validator


def check(definition: Definition) -> tuple[Violation, ...]:
    """Return everything that keeps a definition from being published, in the order of its text."""
    graph, violations = build(definition.steps)
    found = chain(
        _names(definition),
        violations,
        _unreachable(definition, graph) if graph else (),
        _schemas(definition),
        _expressions(definition, graph),
        _default_inputs(definition, graph) if graph else (),
    )
    return in_order([_placed(violation, definition) for violation in islice(found, VIOLATIONS_MAX)])


def load(source: str) -> Definition:
    """Return the definition that `source` is, fit to be published.

    Raises DefinitionInvalid with every problem, and PayloadTooLarge.
    """
    definition = parse(source)
    if violations := check(definition):
        raise refusal(violations)
    return definition


def _names(definition: Definition) -> Iterator[Violation]:
    names: dict[str, int] = {}
    step_ids: dict[str, int] = {}
    for position, step in enumerate(definition.steps):
        if step.name in RESERVED_NAMES:
            yield Violation(f"steps[{position}].name", f"{step.name!r} has a meaning of its own; choose another name")
        elif step.name in names:
            yield Violation(
                f"steps[{position}].name", f"{step.name!r} is the name of steps[{names[step.name]}] already"
            )
        names.setdefault(step.name, position)
        if step.step_id and step.step_id in step_ids:
            first = step_ids[step.step_id]
            yield Violation(f"steps[{position}].step_id", f"{step.step_id!r} is the id of steps[{first}] already")
        step_ids.setdefault(step.step_id, position)


def _unreachable(definition: Definition, graph: Graph) -> Iterator[Violation]:
    for position in graph.unreachable():
        name = definition.steps[position].name
        before = definition.steps[position - 1].name
        yield Violation(
            f"steps[{position}]",
            f"no path leads to {name!r}; let a `next` lead to it, or take away what leads past it after {before!r}",
        )


def _schemas(definition: Definition) -> Iterator[Violation]:
    yield from _schema("input_schema", definition.input_schema)
    match definition.input_schema:
        case {"type": kind} if kind != "object" and not (isinstance(kind, list) and "object" in kind):
            yield Violation("input_schema", "a workflow's input is always an object, but `type` says otherwise")
    for position, step in enumerate(definition.steps):
        yield from _schema(f"steps[{position}].input_schema", step.input_schema)
        yield from _schema(f"steps[{position}].output_schema", step.output_schema)


def _schema(path: str, schema: Schema | None) -> Iterator[Violation]:
    if schema is None:
        return
    try:
        validator(schema)
    except SchemaInvalid as error:
        yield Violation(path + error.path, str(error))


def _expressions(definition: Definition, graph: Graph | None) -> Iterator[Violation]:
    checker = Checker(definition)
    everything = (1 << len(definition.steps)) - 1
    # Where targets are wrong nobody can say what comes before what, so every step may be read.
    earlier = graph.earlier() if graph else None
    for position, step in enumerate(definition.steps):
        before = everything if earlier is None else earlier[position]
        path = f"steps[{position}]"
        yield from checker.template(f"{path}.input", step.input, before)
        for number, condition in enumerate(step.conditions):
            yield from checker.condition(f"{path}.conditions[{number}].if", condition.if_, before | 1 << position)
    yield from checker.template("output", definition.output, everything)


def _default_inputs(definition: Definition, graph: Graph) -> Iterator[Violation]:
    declared = declared_fields(definition.input_schema) or frozenset()
    for position, step in enumerate(definition.steps):
        if step.input is not None:
            continue
        for predecessor in graph.predecessors[position]:
            name = definition.steps[predecessor].name
            if name in declared:
                description = f"{name!r} is both an input field and the step before; say by `input` which one is meant"
                yield Violation(f"steps[{position}]", description)


def _placed(violation: Violation, definition: Definition) -> Violation:
    """Return the violation with the place of its field, or of the nearest thing around it."""
    path = violation.field
    while path:
        place: Place | None = definition.places.get(path)
        if place is not None:
            return replace(violation, line=place.line, column=place.column)
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return violation
