"""Which layers of an architecture a requested change touches, and on whose words that rests.

With a model of what exists: those of the elements that change, that are new, and that depend on a changed one
directly, since those must be adapted; whoever is further away is reported and stays as it is. Without one, a coarse
answer from the requirements alone: a layer is touched when at least one requirement speaks of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding, Source
from archwright.agents.v1.output_pb2 import AffectedLayers, AgentOutput
from archwright.agents.v1.solution_architect_pb2 import ImpactAnalysis, ImpactReason
from archwright.payloads import Json
from services.agents.change.assessment import Assessment, assess
from services.agents.change.given import baseline_of
from services.agents.change.telling import analysis
from services.agents.draft import Draft
from services.agents.inputs import given, wish
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


@dataclass(frozen=True, slots=True)
class Asker:
    """The role that asks, and the layers that are its business."""

    agent_type: str
    layers: Sequence[str] = LAYERS


def impact_of(task_input: Json, asker: Asker) -> AgentOutput:
    """Return what the change of a step's input reaches: in the model that came with it, or by its requirements."""
    requirements = given(task_input, "requirements")
    baseline = baseline_of(task_input.get("request"))
    if baseline is None:
        return impact(requirements, asker)
    return impact_on(baseline, wish(task_input), requirements, asker)


def impact(requirements: AgentOutput | None, asker: Asker) -> AgentOutput:
    """Return an agent's output that says for each layer whether it is affected, and which requirements say so.

    Without requirements nothing is known, so everything counts as affected.
    """
    draft = Draft(asker.agent_type, "impact_analysis", "IA", (requirements,))
    draft.output.impact.SetInParent()
    if requirements is None:
        draft.missing("requirements", "every layer counts as affected.")
        _affect(draft.output, asker, asker.layers)
        draft.output.summary.append("No requirements were given, so every layer counts as affected.")
        return draft.output
    draft.output.impact.reasons.extend(
        ImpactReason(
            layer=layer,
            requirement_id=found.id,
            statement=found.statement,
            # Empty where a rule concluded the requirement and the request has no words of its own for it.
            quote=found.source.quote,
            why=why,
        )
        for found in requirements.requirements.requirements
        for layer, why in _touched(found)
        if layer in asker.layers
    )
    reasons = draft.output.impact.reasons
    touching = {layer: sum(reason.layer == layer for reason in reasons) for layer in asker.layers}
    draft.output.summary.extend(f"requirements that touch {layer}: {count}" for layer, count in touching.items())
    draft.output.metrics.update({f"requirements_touching_{layer}": count for layer, count in touching.items()})
    _affect(draft.output, asker, [layer for layer, count in touching.items() if count])
    return draft.output


def impact_on(baseline: Model, text: str, requirements: AgentOutput | None, asker: Asker) -> AgentOutput:
    """Return an agent's output about what the change that `text` asks for reaches in a model of what exists.

    What is not in the asker's layers is left out, and so are the operations on it.
    """
    draft = Draft(asker.agent_type, "impact_analysis", "IA", (requirements,))
    found = assess(text, baseline)
    draft.output.impact.CopyFrom(analysis(found, baseline, text))
    draft.output.model_ops.extend(found.ops)
    draft.output.open_questions.extend(found.questions)
    for problem in baseline.problems:
        draft.finding(Finding.WARNING, problem.code, problem.message, problem.subject_ids)
    for element in found.impact.lost:
        message = f"Nobody realises “{element.name}” any more once the change is made."
        draft.finding(Finding.WARNING, "REALISATION_LOST", message, [element.id])
    draft.output.impact.reasons.extend(_reasons(found, baseline))
    strong = [one for one in found.impact.impacted if one.is_strong]
    draft.output.metrics.update(
        impact_changed=len(found.change.seeds),
        impact_depending=len(strong),
        impact_connected=len(found.impact.impacted) - len(strong),
        impact_operations=len(found.ops),
    )
    draft.output.summary.extend(_told(found, len(strong)))
    _affect(draft.output, asker, {reason.layer for reason in draft.output.impact.reasons})
    if tuple(asker.layers) != LAYERS:
        _narrow(draft.output, asker, baseline, found)
    return draft.output


def _affect(output: AgentOutput, asker: Asker, layers: Collection[str]) -> None:
    output.affected.CopyFrom(AffectedLayers(**{layer: layer in layers for layer in asker.layers}))


def _narrow(output: AgentOutput, asker: Asker, baseline: Model, found: Assessment) -> None:
    """Leave only what is in the asker's layers."""
    elements = {**baseline.elements, **found.result.elements}
    mine = {own for own, one in elements.items() if _LAYER_OF.get(one.type.layer) in asker.layers}
    told = output.impact
    narrowed = ImpactAnalysis(
        model_name=told.model_name,
        change_kind=told.change_kind,
        changed=[one for one in told.changed if one.id in mine],
        matched=[one for one in told.matched if one.id in mine],
        impacted=[one for one in told.impacted if one.element.id in mine],
        upstream=[one for one in told.upstream if one.id in mine],
        lost=[one for one in told.lost if one.id in mine],
        existing_violations=told.existing_violations,
        reasons=[one for one in told.reasons if one.layer in asker.layers],
    )
    output.impact.CopyFrom(narrowed)
    ops = [op for op in output.model_ops if mine & {op.id, op.source_id, op.target_id}]
    del output.model_ops[:]
    output.model_ops.extend(ops)


def _told(found: Assessment, depending: int) -> list[str]:
    changed = ", ".join(f"{one.element.name} ({one.element.type.words.lower()})" for one in found.change.seeds)
    return [
        f"changed: {changed or 'nothing that exists'}",
        f"depending on it: {depending}; only connected with it: {len(found.impact.impacted) - depending}",
        f"operations on the model: {len(found.ops)}",
        *(f"lost: {one.name}" for one in found.impact.lost),
    ]


def _reasons(found: Assessment, baseline: Model) -> Iterator[ImpactReason]:
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
            yield ImpactReason(layer=layer, element_id=element.id, element=element.name, why=why)


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
