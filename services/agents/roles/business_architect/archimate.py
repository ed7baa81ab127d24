"""The business architect's share of the model: motivation, strategy and business layers.

The decision to know: the relations used are those that ArchiMate 3.2 permits between these types; each is one of the
patterns that the model's legality check knows.
"""

from __future__ import annotations

from archwright.agents.v1.business_analyst_pb2 import Actor, Stakeholder
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture, Process
from archwright.agents.v1.model_pb2 import ModelOp, Trace
from services.agents.draft import Draft
from services.agents.roles.business_architect.reading import Reading

_ACCESS = {"R": "Read"}


def add(draft: Draft, business: BusinessArchitecture, reading: Reading) -> None:
    """Add everything of `business` to the model."""
    _motivation(draft, business, reading)
    _strategy(draft, business)
    _organisation(draft, business, reading)
    for process in business.processes:
        _process(draft, process)
    for service in business.business_services:
        draft.element(service.id, _op("BusinessService", service.name, "business", service.id))
        draft.relation("Realization", service.process_id, service.id)
        for role_id in service.role_ids:
            draft.relation("Serving", service.id, role_id)
    for one in business.business_objects:
        draft.element(one.id, _op("BusinessObject", one.name, "business", one.id, one.entity_id))
    for entry in business.matrices.crud:
        access = "Read" if entry.operations == "R" else "ReadWrite" if "R" in entry.operations else "Write"
        draft.relation("Access", entry.process_id, entry.object_id, access=access)


def _motivation(draft: Draft, business: BusinessArchitecture, reading: Reading) -> None:
    clients = [
        one.id for one in reading.spec.stakeholders if one.influence == "high" and one.kind == Stakeholder.ORGANIZATION
    ]
    for driver in business.drivers:
        draft.element(driver.id, _op("Driver", driver.name, "motivation", driver.id, rationale=driver.description))
        for stakeholder_id in clients[:1]:
            draft.relation("Association", stakeholder_id, driver.id)
    for goal in business.goals:
        draft.element(
            goal.id, _op("Goal", goal.name, "motivation", goal.id, rationale=f"{goal.kpi.metric}: {goal.kpi.target}")
        )
        for driver_id in goal.driver_ids:
            draft.relation("Influence", driver_id, goal.id)
        for req_id in goal.req_ids:
            draft.relation("Realization", req_id, goal.id)
            draft.trace(req_id, goal.id, Trace.SATISFIES)
    for principle in business.principles:
        draft.element(
            principle.id, _op("Principle", principle.name, "motivation", principle.id, rationale=principle.statement)
        )
        for goal in business.goals[:1]:
            draft.relation("Realization", principle.id, goal.id)


def _strategy(draft: Draft, business: BusinessArchitecture) -> None:
    for capability in business.capabilities:
        element = _op("Capability", capability.name, "strategy", capability.id)
        element.props["importance"] = str(capability.importance)
        draft.element(capability.id, element)
        if capability.HasField("parent_id"):
            draft.relation("Composition", capability.parent_id, capability.id)
        for req_id in capability.req_ids:
            draft.relation("Realization", capability.id, req_id)
            draft.trace(capability.id, req_id, Trace.REALIZES)
    for stream in business.value_streams:
        draft.element(stream.id, _op("ValueStream", stream.name, "strategy", stream.id))
        for before, stage in zip([None, *stream.stages], stream.stages, strict=False):
            draft.element(stage.id, _op("ValueStream", stage.name, "strategy", stage.id))
            draft.relation("Composition", stream.id, stage.id)
            for capability_id in stage.capability_ids:
                draft.relation("Serving", capability_id, stage.id)
            if before is not None:
                draft.relation("Triggering", before.id, stage.id)


def _organisation(draft: Draft, business: BusinessArchitecture, reading: Reading) -> None:
    for role in business.roles:
        draft.element(role.id, _op("BusinessRole", role.name, "business", role.id))
        for actor_id in role.actor_ids:
            actor: Actor = reading.actors[actor_id]
            draft.element(actor_id, _op("BusinessActor", actor.name, "business", actor_id))
            draft.relation("Assignment", actor_id, role.id)


def _process(draft: Draft, process: Process) -> None:
    draft.element(process.id, _op("BusinessProcess", process.name, "business", process.id, *process.req_ids))
    draft.relation("Realization", process.id, process.capability_id)
    for role_id in dict.fromkeys(step.actor_role_id for step in process.steps):
        draft.relation("Assignment", role_id, process.id)
    event_id = f"{process.id}-EVENT"
    draft.element(event_id, _op("BusinessEvent", process.trigger_event, "business", process.id))
    draft.relation("Triggering", event_id, process.id)
    for req_id in process.req_ids:
        draft.relation("Realization", process.id, req_id)
        draft.trace(process.id, req_id, Trace.REALIZES)


def _op(concept: str, name: str, layer: str, *trace_ids: str, rationale: str = "") -> ModelOp:
    return ModelOp(
        type=concept, name=name, layer=layer, rationale=rationale, trace_ids=[one for one in trace_ids if one]
    )
