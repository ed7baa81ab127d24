"""The analyst's share of the model: stakeholders, requirements and constraints."""

from __future__ import annotations

from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec, Stakeholder
from archwright.agents.v1.model_pb2 import ModelOp, Trace
from services.agents.draft import Draft

_NAME_LENGTH_MAX = 90
_LAYER = "motivation"


def add(draft: Draft, spec: RequirementsSpec) -> None:
    """Add the elements of `spec` to the model, with who wants what, and the traces among them."""
    by_name = {one.name: one for one in spec.stakeholders}
    for stakeholder in spec.stakeholders:
        draft.element(stakeholder.id, _stakeholder(stakeholder))
    for requirement in spec.requirements:
        draft.element(requirement.id, _requirement(requirement))
    actors = {actor.id: actor.name for actor in spec.actors}
    for requirement in spec.requirements:
        wanting = by_name.get(actors.get(requirement.actor_id, ""))
        if wanting is not None:
            draft.relation("Association", wanting.id, requirement.id, rationale="Acts in it.")
        if requirement.kind == Requirement.QUALITY and requirement.rule_id.startswith("regulation."):
            constraint = next((one for one in spec.requirements if _is_source(one, requirement)), None)
            if constraint is not None:
                draft.trace(requirement.id, constraint.id, Trace.DERIVES)


def _stakeholder(stakeholder: Stakeholder) -> ModelOp:
    return ModelOp(
        type="Stakeholder",
        name=stakeholder.name,
        layer=_LAYER,
        props={"influence": stakeholder.influence, "interest": stakeholder.interest},
        rationale=stakeholder.interest,
        trace_ids=[stakeholder.id],
    )


def _requirement(requirement: Requirement) -> ModelOp:
    name = requirement.statement
    if len(name) > _NAME_LENGTH_MAX:
        name = name[: _NAME_LENGTH_MAX - 1].rstrip() + "…"
    return ModelOp(
        type="Constraint" if requirement.kind == Requirement.CONSTRAINT else "Requirement",
        name=f"{requirement.id} {name}",
        layer=_LAYER,
        props={"priority": Requirement.Priority.Name(requirement.priority).lower()},
        rationale=requirement.rationale,
        trace_ids=[requirement.id],
    )


def _is_source(constraint: Requirement, requirement: Requirement) -> bool:
    """Return whether `constraint` is the regulation that `requirement` follows from."""
    regulation = requirement.rule_id.split(".")[1]
    return constraint.kind == Requirement.CONSTRAINT and constraint.statement.endswith(f" {regulation}.")
