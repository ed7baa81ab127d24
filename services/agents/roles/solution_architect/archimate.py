"""The plateaus and gaps in the shared model."""

from __future__ import annotations

from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.solution_architect_pb2 import SolutionArchitecture
from services.agents.draft import Draft

_LAYER = "implementation"


def describe(draft: Draft, design: SolutionArchitecture) -> None:
    """Add plateaus, what stands on them, and the gaps between them."""
    for plateau in design.plateaus:
        element = ModelOp(
            type="Plateau",
            name=plateau.name,
            layer=_LAYER,
            rationale=plateau.description,
            trace_ids=plateau.element_ids,
        )
        draft.element(plateau.id, element)
        for element_id in plateau.element_ids:
            draft.relation("Aggregation", plateau.id, element_id)
    for gap in design.gaps:
        element = ModelOp(
            type="Gap", name=gap.name, layer=_LAYER, rationale="Between the plateaus.", trace_ids=gap.element_ids
        )
        draft.element(gap.id, element)
        for plateau_id in (gap.baseline_plateau, gap.target_plateau):
            draft.relation("Association", gap.id, plateau_id)
