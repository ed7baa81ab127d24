"""Which layers of an architecture a requested change touches, and on whose words that rests.

With a model of what exists: those of the elements that change, that are new, and that depend on a changed one
directly, since those must be adapted; whoever is further away is reported and stays as it is. Without one, a coarse
answer from the requirements alone: a layer is touched when at least one requirement speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.change.assessment import Assessment, assess
from services.agents.change.telling import analysis
from services.agents.deliverables import to_json, to_payload
from services.agents.draft import Draft
from services.agents.model.elements import Layer
from services.agents.model.graph import Model

LAYERS = ("business", "application", "infrastructure")

_LAYER_OF: Mapping[Layer, str] = {
    Layer.STRATEGY: "business",
    Layer.BUSINESS: "business",
    Layer.APPLICATION: "application",
    Layer.TECHNOLOGY: "infrastructure",
    Layer.PHYSICAL: "infrastructure",
}

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


def impact_on(baseline: Model, text: str, requirements: AgentOutput | None) -> dict[str, Any]:
    """Return an agent's output about what the change that `text` asks for reaches in a model of what exists."""
    draft = Draft("solution_architect", "impact_analysis", "IA", (requirements,))
    found = assess(text, baseline)
    draft.output.impact.CopyFrom(analysis(found, baseline, text))
    draft.output.model_ops.extend(found.ops)
    draft.output.open_questions.extend(found.questions)
    for problem in baseline.problems:
        draft.finding(Finding.WARNING, problem.code, problem.message, problem.subject_ids)
    for element in found.impact.lost:
        message = f"Nobody realises “{element.name}” any more once the change is made."
        draft.finding(Finding.WARNING, "REALISATION_LOST", message, [element.id])
    reasons = list(_reasons(found, baseline))
    strong = [one for one in found.impact.impacted if one.is_strong]
    draft.output.metrics.update(
        impact_changed=len(found.change.seeds),
        impact_depending=len(strong),
        impact_connected=len(found.impact.impacted) - len(strong),
        impact_operations=len(found.ops),
    )
    return to_payload(draft.output) | {
        "affected": {layer: any(reason["layer"] == layer for reason in reasons) for layer in LAYERS},
        "reasons": reasons,
        "summary": _told(found, len(strong)),
    }


def _told(found: Assessment, depending: int) -> list[str]:
    changed = ", ".join(f"{one.element.name} ({one.element.type.words.lower()})" for one in found.change.seeds)
    return [
        f"changed: {changed or 'nothing that exists'}",
        f"depending on it: {depending}; only connected with it: {len(found.impact.impacted) - depending}",
        f"operations on the model: {len(found.ops)}",
        *(f"lost: {one.name}" for one in found.impact.lost),
    ]


def _reasons(found: Assessment, baseline: Model) -> Iterator[dict[str, str]]:
    """Yield what touches a layer: what changes, what is new, and what depends on a changed element directly."""
    changed = [(one.element, "is changed") for one in found.change.seeds]
    new = [(one, "is new") for own, one in found.result.elements.items() if own not in baseline.elements]
    direct = [
        (one.element, f"depends on it by {one.path[-1].relation.type.lower()}")
        for one in found.impact.impacted
        if one.is_strong and one.distance == 1
    ]
    for element, why in (*changed, *new, *direct):
        layer = _LAYER_OF.get(element.type.layer)
        if layer is not None:
            yield {"layer": layer, "element_id": element.id, "element": element.name, "why": why}


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
