"""A requested change, worked out on the model of what exists: meaning, impact, operations, result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment
from archwright.agents.v1.model_pb2 import ModelOp, Question
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.change.operations import operations
from services.agents.change.propagation import Impact, propagate
from services.agents.change.reading import Change, read
from services.agents.model.elements import RelationType
from services.agents.model.graph import Model
from services.agents.model.merge import merge

_PARTS = frozenset({RelationType.COMPOSITION, RelationType.AGGREGATION})


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that is known of a change before anybody designs it."""

    change: Change
    impact: Impact
    ops: tuple[ModelOp, ...]
    result: Model
    """The model after the operations; its problems are those of the operations, not those that were there before."""
    questions: tuple[Question, ...]


def assess(request: str, baseline: Model) -> Assessment:
    """Return what `request` means for the model. Never fails: what cannot be told becomes a question."""
    change = read(request, baseline)
    ops = operations(change, baseline, request)
    return Assessment(
        change=change,
        impact=propagate(baseline, [one.element.id for one in change.seeds]),
        ops=ops,
        result=merge([AgentOutput(model_ops=ops)], name=baseline.name, baseline=baseline),
        questions=tuple(_questions(request, change, baseline)),
    )


def _questions(request: str, change: Change, baseline: Model) -> Iterator[Question]:
    number = 0
    for mention in (*change.seeds, *change.matched):
        if len(mention.candidates) > 1:
            number += 1
            said = request[mention.start : mention.end]
            meant = ", or ".join(f"the {one.type.words.lower()} ({one.id})" for one in mention.candidates)
            yield Question(
                id=f"IA-Q-{number:02d}",
                text=f"Several elements are called “{said}”: {meant}. Which one is meant?",
                about=mention.element.id,
                default_assumption=f"the {mention.element.type.words.lower()}",
                blocking=mention in change.seeds,
            )
    if not change.seeds and not change.matched:
        yield Question(
            id="IA-Q-01",
            text=f"Which elements of “{baseline.name}” does the change concern? The request names none of them.",
            about="request",
            default_assumption="none, so nothing is impacted",
            blocking=True,
        )
    if change.kind == ChangeAssessment.REMOVE:
        seeds = {one.element.id for one in change.seeds}
        for relation in baseline.relations.values():
            if relation.type in _PARTS and relation.source_id in seeds and relation.target_id in baseline.elements:
                number += 1
                whole, part = baseline.elements[relation.source_id], baseline.elements[relation.target_id]
                yield Question(
                    id=f"IA-Q-{number:02d}",
                    text=f"What becomes of “{part.name}”, which is part of “{whole.name}”?",
                    about=part.id,
                    default_assumption="it stays",
                )
