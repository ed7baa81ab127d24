"""What a modeller would frown at in a sound model: the checks that Archi's validator makes, apart from the table.

Relations that are not permitted never get this far: `merge` leaves them out and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.agents.model.elements import JUNCTIONS, RelationType
from services.agents.model.graph import Element, Model, Problem, Severity
from services.agents.model.layout.diagram import Box, Diagram

_NESTING = frozenset(
    {
        RelationType.COMPOSITION,
        RelationType.AGGREGATION,
        RelationType.ASSIGNMENT,
        RelationType.REALIZATION,
        RelationType.SPECIALIZATION,
        RelationType.ACCESS,
    }
)
NAMED_MAX = 8


def lint(model: Model, diagrams: Sequence[Diagram]) -> tuple[Problem, ...]:
    """Return what is untidy in the model and its diagrams."""
    return (
        *_duplicates(model),
        *_mixed_junctions(model),
        *_unused_elements(model, diagrams),
        *_empty_diagrams(diagrams),
        *_unfounded_nesting(model, diagrams),
    )


def _duplicates(model: Model) -> Iterator[Problem]:
    """Find elements of one type with one name: one thing said twice."""
    seen: dict[tuple[str, str], Element] = {}
    for element in model.elements.values():
        first = seen.setdefault((element.type, element.name.casefold()), element)
        if first is not element and element.type not in JUNCTIONS:
            message = f"There are two elements {element.name!r} of type {element.type.words.lower()}."
            yield Problem(Severity.WARNING, "MODEL_ELEMENT_TWICE", message, (first.id, element.id))


def _mixed_junctions(model: Model) -> Iterator[Problem]:
    """Find junctions whose relations are not all of one type."""
    for junction in model.of_type(*JUNCTIONS):
        kinds = {one.type for one in model.relations.values() if junction.id in {one.source_id, one.target_id}}
        if len(kinds) > 1:
            message = f"The junction {junction.id!r} joins relations of different types."
            yield Problem(Severity.WARNING, "MODEL_JUNCTION_MIXED", message, (junction.id,))


def _unused_elements(model: Model, diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    shown = {box.element_id for diagram in diagrams for box in diagram.walk()}
    hidden = [element for element in model.elements.values() if element.id not in shown]
    if hidden:
        names = ", ".join(element.name for element in hidden[:NAMED_MAX])
        more = f" and {len(hidden) - NAMED_MAX} more" if len(hidden) > NAMED_MAX else ""
        message = f"No view shows {names}{more}."
        yield Problem(Severity.INFO, "MODEL_ELEMENT_UNSEEN", message, tuple(element.id for element in hidden))


def _empty_diagrams(diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    for diagram in diagrams:
        if not diagram.boxes:
            yield Problem(Severity.INFO, "MODEL_VIEW_EMPTY", f"The view {diagram.name!r} shows nothing.", (diagram.id,))


def _unfounded_nesting(model: Model, diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    """Find boxes that stand in another although no relation says that they belong there."""
    founded = {(one.source_id, one.target_id) for one in model.relations.values() if one.type in _NESTING}
    for diagram in diagrams:
        for outer, inner in _nested(diagram.boxes):
            if (outer, inner) not in founded:
                message = (
                    f"In the view {diagram.name!r}, {inner!r} stands in {outer!r} without a relation that says so."
                )
                yield Problem(Severity.WARNING, "MODEL_NESTING_UNFOUNDED", message, (outer, inner))


def _nested(boxes: Sequence[Box]) -> Iterator[tuple[str, str]]:
    for box in boxes:
        for child in box.children:
            yield box.element_id, child.element_id
        yield from _nested(box.children)
