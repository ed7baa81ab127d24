"""Which layers of an architecture a requested change touches, and on whose words that rests.

A first, coarse answer from the requirements alone: what the change is about, not what hangs on it in an existing
model. A layer is touched when at least one requirement speaks of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import to_json
from services.agents.draft import Draft

LAYERS = ("business", "application", "infrastructure")

# By characteristic of ISO/IEC 25010:2023: what has to change in an architecture when such a quality is asked for.
_LAYERS_OF_QUALITY: Mapping[str, tuple[str, ...]] = {
    "performance_efficiency": ("application", "infrastructure"),
    "reliability": ("infrastructure",),
    "security": ("application", "infrastructure"),
    "flexibility": ("infrastructure",),
    "compatibility": ("application",),
    "interaction_capability": ("application",),
    "maintainability": ("application",),
    "functional_suitability": ("application",),
    "safety": ("business", "application"),
}


def impact(requirements: AgentOutput | None) -> dict[str, Any]:
    """Return an agent's output that says for each layer whether it is affected, and which requirements say so.

    Without requirements nothing is known, so everything counts as affected.
    """
    draft = Draft("solution_architect", "impact_analysis", "IA", (requirements,))
    if requirements is None:
        draft.missing("requirements", "every layer counts as affected.")
        return to_json(draft.output) | {
            "affected": dict.fromkeys(LAYERS, True),
            "reasons": [],
            "summary": ["No requirements were given, so every layer counts as affected."],
        }
    reasons = [
        {
            "layer": layer,
            "requirement_id": found.id,
            "statement": found.statement,
            # Empty where a rule concluded the requirement and the request has no words of its own for it.
            "quote": found.source.quote,
            "why": why,
        }
        for found in requirements.requirements.requirements
        for layer, why in _touched(found)
    ]
    touching = {layer: sum(reason["layer"] == layer for reason in reasons) for layer in LAYERS}
    told = [f"requirements that touch {layer}: {count}" for layer, count in touching.items()]
    draft.output.metrics.update({f"requirements_touching_{layer}": count for layer, count in touching.items()})
    return to_json(draft.output) | {
        "affected": {layer: count > 0 for layer, count in touching.items()},
        "reasons": reasons,
        "summary": told,
    }


def _touched(requirement: Requirement) -> list[tuple[str, str]]:
    """Return the layers that a requirement speaks of, each with why. What nobody asked for touches none."""
    if requirement.basis == Source.ASSUMED:
        return []
    if requirement.kind == Requirement.FUNCTIONAL:
        return [("business", "asks for something to be done"), ("application", "asks for something to be done")]
    characteristic = requirement.quality.iso25010
    found = _LAYERS_OF_QUALITY.get(characteristic, ("infrastructure",))
    what = characteristic.replace("_", " ") or "a limit"
    return [(layer, f"asks for {what}") for layer in found]
