"""What can be known to be wrong with a definition before it is ever started.

A definition without problems may be published. The rules are independent of each other, and each tells all that it
finds; only what would follow from a problem that was told already is left out. What is allowed but hardly meant is
told by `warnings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from archwright.errors import Violation

from . import check_structure, check_warnings
from .bodies import PlacedBody, bodies_of
from .check_expressions import Checker, declared_fields
from .model import AgentTask, Approval, ChildWorkflow, Definition, Place, Schema
from .parse import parse
from .refusal import VIOLATIONS_MAX, in_order, refusal
from .schema import SchemaInvalid, validator

_GIVEN_INPUT = (AgentTask, ChildWorkflow, Approval)


def check(definition: Definition) -> tuple[Violation, ...]:
    """Return everything that keeps a definition from being published, in the order of its text."""
    bodies = [*bodies_of(definition)]
    return _placed(
        chain(
            check_structure.names(bodies),
            check_structure.loop_names(bodies, declared_fields(definition.input_schema)),
            chain.from_iterable(check_structure.reach(body) for body in bodies),
            chain.from_iterable(check_structure.undoing(body) for body in bodies),
            check_structure.separations(bodies),
            chain.from_iterable(
                check_structure.step(step, body.step_path(position))
                for body in bodies
                for position, step in enumerate(body.steps)
            ),
            _schemas(definition, bodies),
            Checker(definition, bodies).violations(),
            _default_inputs(definition, bodies),
        ),
        definition,
    )


def warnings(definition: Definition) -> tuple[Violation, ...]:
    """Return what is allowed in a definition but hardly meant, in the order of its text."""
    return _placed(check_warnings.warnings(definition, [*bodies_of(definition)]), definition)


def load(source: str) -> Definition:
    """Return the definition that `source` is, fit to be published.

    Raises DefinitionInvalid with every problem, and PayloadTooLarge.
    """
    definition = parse(source)
    if violations := check(definition):
        raise refusal(violations)
    return definition


def _schemas(definition: Definition, bodies: Sequence[PlacedBody]) -> Iterator[Violation]:
    yield from _schema("input_schema", definition.input_schema)
    match definition.input_schema:
        case {"type": kind} if kind != "object" and not (isinstance(kind, list) and "object" in kind):
            yield Violation("input_schema", "a workflow's input is always an object, but `type` says otherwise")
    for body in bodies:
        for position, step in enumerate(body.steps):
            path = body.step_path(position)
            yield from _schema(f"{path}.input_schema", step.input_schema)
            yield from _schema(f"{path}.output_schema", step.output_schema)


def _schema(path: str, schema: Schema | None) -> Iterator[Violation]:
    if schema is None:
        return
    try:
        validator(schema)
    except SchemaInvalid as error:
        yield Violation(path + error.path, str(error))


def _default_inputs(definition: Definition, bodies: Sequence[PlacedBody]) -> Iterator[Violation]:
    """Yield the steps whose input, if nothing says what it is, would have two things of one name."""
    declared = declared_fields(definition.input_schema) or frozenset()
    for body in bodies:
        for position, step in enumerate(body.steps):
            if step.input is not None or body.graph is None or not isinstance(step.kind, _GIVEN_INPUT):
                continue
            for predecessor in body.graph.predecessors[position]:
                name = body.steps[predecessor].name
                if name in declared:
                    said = f"{name!r} is both an input field and the step before; say by `input` which one is meant"
                    yield Violation(body.step_path(position), said)


def _placed(violations: Iterable[Violation], definition: Definition) -> tuple[Violation, ...]:
    """Return the first violations, each with the place of its field, or of the nearest thing around it."""
    return in_order([_at_place(violation, definition) for violation in islice(violations, VIOLATIONS_MAX)])


def _at_place(violation: Violation, definition: Definition) -> Violation:
    path = violation.field
    while path:
        place: Place | None = definition.places.get(path)
        if place is not None:
            return replace(violation, line=place.line, column=place.column)
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return violation
