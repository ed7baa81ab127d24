"""What is allowed in a definition but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archwright.errors import Violation

from . import template
from .bodies import PlacedBody, Role
from .expressions import ExpressionInvalid, compile_expression
from .model import (
    END,
    AgentTask,
    ChildWorkflow,
    Definition,
    Emit,
    Fail,
    Json,
    OnFailure,
    OnUnavailable,
    SetVars,
    Step,
    Wait,
)
from .written import Wanted, Written, written

_NOT_KEPT = ("workflow_id", "created_at", "created_by")


def warnings(definition: Definition, bodies: Sequence[PlacedBody]) -> Iterator[Violation]:
    """Yield all warnings, in no order."""
    for word in _NOT_KEPT:
        if word in definition.places:
            yield Violation(word, "is not kept; the engine knows who published what, and when")
    has_compensation = any(body.role is Role.COMPENSATION for body in bodies)
    if definition.error_handling.on_failure is OnFailure.COMPENSATE and not has_compensation:
        yield Violation("error_handling.on_failure", "there is nothing to do: no step has a `compensate`")
    for body in bodies:
        yield from _falling_through(body)
        for position, step in enumerate(body.steps):
            yield from _step(definition, body, position, step, has_compensation=has_compensation)
    yield from _unused_vars(definition, bodies)


def _step(
    definition: Definition, body: PlacedBody, position: int, step: Step, *, has_compensation: bool
) -> Iterator[Violation]:
    path = body.step_path(position)
    if step.fallback is not None:
        is_used = step.on_failure is OnFailure.FALLBACK or (
            getattr(step.kind, "on_unavailable", None) is OnUnavailable.FALLBACK
        )
        if not is_used:
            yield Violation(f"{path}.fallback", "would never be used; add `on_failure: fallback`")
        elif _cannot_fail(step):
            yield Violation(f"{path}.fallback", "would never be used, since this step cannot fail")
    if step.on_failure is OnFailure.COMPENSATE and not has_compensation:
        yield Violation(f"{path}.on_failure", "there is nothing to do: no step has a `compensate`")
    if step.compensate is not None and isinstance(step.kind, Fail):
        yield Violation(f"{path}.compensate", "would never be used, since this step never does anything")
    if step.parallel_execution and step.depends_on is None and not _has_parallel_neighbour(body, position):
        yield Violation(f"{path}.parallel_execution", "no step beside this one says so too, so it changes nothing")
    if isinstance(step.kind, AgentTask | ChildWorkflow) and step.input is None and _is_of_elements(body):
        said = "is given the whole input of the workflow, once for each element; say what it needs with `input`"
        yield Violation(path, said)
    if isinstance(step.kind, ChildWorkflow) and step.kind.definition == definition.name:
        yield Violation(f"{path}.workflow", "starts the same definition again; make sure that this ends")


def _cannot_fail(step: Step) -> bool:
    match step.kind:
        case SetVars(values=values):
            source: Json = dict(values)
        case Emit(payload=payload):
            source = payload
        case Wait(signal=None, seconds=seconds, until=until):
            source = [seconds, until]
        case _:
            return False
    has_expressions = any("${" in text for _, text in template.texts(source, ""))
    return not has_expressions and step.when is None and step.output_schema is None and not step.conditions


def _is_of_elements(body: PlacedBody) -> bool:
    """Return whether a body is done for each element of a list, be it as a part of another."""
    return body.role is Role.ELEMENT or (body.around is not None and _is_of_elements(body.around))


def _has_parallel_neighbour(body: PlacedBody, position: int) -> bool:
    beside = [at for at in (position - 1, position + 1) if 0 <= at < len(body.steps)]
    return any(body.steps[at].parallel_execution for at in beside)


def _falling_through(body: PlacedBody) -> Iterator[Violation]:
    """Yield the alternatives of one choice that lead on to another one, only because it is written next."""
    positions = {step.name: position for position, step in enumerate(body.steps)}
    for step in body.steps:
        targets = sorted({positions[each.next] for each in step.conditions if each.next in positions})
        for target in targets[1:]:
            before = body.steps[target - 1]
            is_by_order = before.next is None and not before.conditions and body.steps[target].depends_on is None
            if is_by_order and any(earlier <= target - 1 for earlier in targets):
                yield Violation(
                    body.step_path(target - 1),
                    f"goes on to {body.steps[target].name!r}, which is another alternative of {step.name!r}; "
                    f"add `next: {END}` if it should not",
                )


def _unused_vars(definition: Definition, bodies: Sequence[PlacedBody]) -> Iterator[Violation]:
    texts = [*written(definition, bodies)]
    used: set[str] = set()
    for text in texts:
        for mention in _mentions(text):
            match mention:
                case ("vars", str(name), *_):
                    used.add(name)
                case ("vars", *_):
                    return  # as a whole, so nobody can say
    for text in texts:
        for name in text.sets:
            if name not in used:
                said = "no expression reads it; agents are given it as context"
                yield Violation(f"{text.path}.{name}", said)


def _mentions(text: Written) -> Iterator[tuple[str | int, ...]]:
    pieces = [text.source]
    try:
        if text.wanted is Wanted.JSON:
            parts = [part for _, part in template.texts(text.source, "")]
            pieces = [piece for part in parts for is_expression, piece in template.split(part) if is_expression]
        for piece in pieces:
            yield from (mention.path for mention in compile_expression(piece).syntax.mentions)
    except ExpressionInvalid:
        return  # it keeps the definition from being published, which is told elsewhere
