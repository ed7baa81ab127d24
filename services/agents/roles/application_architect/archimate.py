"""The application layer of the shared model: components, what they offer and what they keep.

Directions are those that ArchiMate permits: a component realizes its service, its interface is assigned to that
service, and records are written by whoever owns them.
"""

from __future__ import annotations

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture, Component
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture
from archwright.agents.v1.model_pb2 import ModelOp, Trace
from services.agents.draft import Draft

_LAYER = "application"


def describe(draft: Draft, architecture: ApplicationArchitecture, business: BusinessArchitecture | None) -> None:
    """Add the architecture's elements, relations and traces to the draft."""
    _components(draft, architecture)
    _services(draft, architecture, business)
    _records(draft, architecture, business)
    _interfaces(draft, architecture)
    _externals(draft, architecture)


def _components(draft: Draft, architecture: ApplicationArchitecture) -> None:
    for component in architecture.components:
        draft.element(
            component.id,
            ModelOp(
                type="ApplicationComponent",
                name=component.name,
                layer=_LAYER,
                rationale=component.responsibility,
                trace_ids=component.req_ids,
                props={"kind": Component.Type.Name(component.type).lower()},
            ),
        )
        for req_id in component.req_ids:
            draft.relation("Realization", component.id, req_id)
            draft.trace(component.id, req_id, Trace.REALIZES)
        for capability in component.capability_ids:
            draft.trace(component.id, capability, Trace.REALIZES)
    for row in architecture.quality_tactics:
        for component_id in row.component_ids:
            draft.relation("Realization", component_id, row.req_id, rationale=row.tactic)
            draft.trace(component_id, row.req_id, Trace.SATISFIES)


def _services(draft: Draft, architecture: ApplicationArchitecture, business: BusinessArchitecture | None) -> None:
    components = {one.id: one for one in architecture.components}
    for service in architecture.services:
        provider = components[service.component_id]
        draft.element(
            service.id,
            ModelOp(
                type="ApplicationService",
                name=service.name,
                layer=_LAYER,
                rationale=f"What {provider.name} offers to others.",
                trace_ids=[provider.id],
            ),
        )
        draft.relation("Realization", provider.id, service.id)
        for process in business.processes if business is not None else ():
            if set(process.req_ids) & set(provider.req_ids):
                draft.relation("Serving", service.id, process.id)


def _records(draft: Draft, architecture: ApplicationArchitecture, business: BusinessArchitecture | None) -> None:
    objects: dict[str, list[str]] = {}
    for one in business.business_objects if business is not None else ():
        objects.setdefault(one.entity_id, []).append(one.id)
    for entity in architecture.data_entities:
        draft.element(
            entity.id,
            ModelOp(
                type="DataObject",
                name=entity.name,
                layer=_LAYER,
                rationale=f"Kept by {entity.owner_component_id}.",
                trace_ids=[entity.entity_id or entity.owner_component_id],
                props={"classification": entity.Classification.Name(entity.classification).lower()},
            ),
        )
        draft.trace(entity.owner_component_id, entity.id, Trace.REALIZES)
        if entity.entity_id:
            draft.trace(entity.id, entity.entity_id, Trace.REFINES)
            for object_id in objects.get(entity.entity_id, ()):
                draft.relation("Realization", entity.id, object_id)
    for row in architecture.crud_matrix:
        writes = bool(set(row.operations) & set("CUD"))
        reads = "R" in row.operations
        access = "ReadWrite" if writes and reads else "Write" if writes else "Read"
        draft.relation("Access", row.component_id, row.entity_id, access=access)


def _interfaces(draft: Draft, architecture: ApplicationArchitecture) -> None:
    service_of = {one.component_id: one.id for one in architecture.services}
    for interface in architecture.interfaces:
        draft.element(
            interface.id,
            ModelOp(
                type="ApplicationInterface",
                name=interface.name,
                layer=_LAYER,
                rationale=f"{len(interface.operations)} operations.",
                trace_ids=[interface.provider_id],
                props={"protocol": interface.Protocol.Name(interface.protocol).lower()},
            ),
        )
        service = service_of[interface.provider_id]
        draft.relation("Composition", interface.provider_id, interface.id)
        draft.relation("Assignment", interface.id, service)
        for consumer in interface.consumer_ids:
            if interface.sync:
                draft.relation("Serving", service, consumer)
            else:
                draft.relation("Flow", interface.provider_id, consumer)


def _externals(draft: Draft, architecture: ApplicationArchitecture) -> None:
    for system in architecture.external_systems:
        draft.element(
            system.id,
            ModelOp(
                type="ApplicationComponent",
                name=system.name,
                layer=_LAYER,
                rationale=system.purpose,
                trace_ids=[system.adapter_component_id],
                props={"kind": "external"},
            ),
        )
        draft.relation("Flow", system.adapter_component_id, system.id)
