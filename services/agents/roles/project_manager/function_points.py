"""How big the system is: functions counted from the architecture, in the manner of IFPUG.

Kept records, inputs and queries are counted where they are designed; outputs where they are asked for. One query of a
record counts once, however many operations offer it. Without an architecture the requirements' verbs are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import Component, Interface
from archwright.agents.v1.business_analyst_pb2 import Actor, Requirement
from archwright.agents.v1.project_manager_pb2 import FunctionCount
from services.agents.naming import mentions, stems
from services.agents.roles.project_manager.productivity import Points, effort
from services.agents.roles.project_manager.sources import Sources
from services.agents.verbs import Kind, classify

_REPORTS = ("report", "statement", "invoice", "dashboard", "statistics", "letter")
SMALLEST = FunctionCount(ilf=1, eif=0, ei=3, eo=1, eq=1)
"""A system that keeps one kind of record: what is planned for when nothing is known."""


def count(sources: Sources) -> FunctionCount:
    """Return the functions of the system by kind; all zero when nothing is known of it."""
    if not sources.application.components:
        return _from_requirements(sources)
    application = sources.application
    inputs: set[tuple[str, str]] = set()
    queries: set[str] = set()
    for interface in application.interfaces:
        if interface.protocol == Interface.EVENT:
            continue
        for operation in interface.operations:
            if operation.crud in set("CUD"):
                inputs.add((operation.entity, operation.name))
            elif operation.crud == "R":
                queries.add(operation.entity or operation.name)
    return FunctionCount(
        ilf=len(application.data_entities),
        eif=len(application.external_systems),
        ei=len(inputs),
        eo=len(_outputs(sources)),
        eq=len(queries),
    )


def unadjusted(functions: FunctionCount) -> int:
    """Return the weighted count."""
    points = effort().points
    return (
        functions.ilf * points.ilf
        + functions.eif * points.eif
        + functions.ei * points.ei
        + functions.eo * points.eo
        + functions.eq * points.eq
    )


@dataclass(frozen=True, slots=True)
class ComponentSize:
    """How much of the system a component is, in unadjusted function points."""

    component: Component
    points: float


def component_sizes(sources: Sources) -> tuple[ComponentSize, ...]:
    """Return each component's size, in the architecture's order.

    Components that own nothing count by the requirements that show in them, and none is smaller than its type's least.
    """
    points, application = effort().points, sources.application
    own: dict[str, float] = {one.id: float(len(one.owns_entities) * points.ilf) for one in application.components}
    for interface in application.interfaces:
        if interface.protocol != Interface.EVENT and interface.provider_id in own:
            own[interface.provider_id] += _operations(interface, points)
    for system in application.external_systems:
        if system.adapter_component_id in own:
            own[system.adapter_component_id] += points.eif
    return tuple(ComponentSize(one, max(own[one.id], _least(one))) for one in application.components)


def share_of(req_ids: frozenset[str], sources: Sources) -> float:
    """Return which share of the system is there for these requirements alone, from 0 to 1."""
    sized = component_sizes(sources)
    if not sized:
        functional = sources.requirement_ids(Requirement.FUNCTIONAL)
        return len(req_ids & set(functional)) / len(functional) if functional else 0.0
    points = effort().points
    alone = {one.component.id for one in sized if one.component.req_ids and req_ids.issuperset(one.component.req_ids)}
    found = sum(one.points for one in sized if one.component.id in alone)
    for interface in sources.application.interfaces:
        if interface.protocol == Interface.EVENT or interface.provider_id in alone:
            continue
        for one in interface.operations:
            if one.req_ids and req_ids.issuperset(one.req_ids):
                found += points.ei if one.crud in set("CUD") else points.eq
    return found / sum(one.points for one in sized)


def _operations(interface: Interface, points: Points) -> float:
    changing = sum(one.crud in set("CUD") for one in interface.operations)
    reading = len({one.entity for one in interface.operations if one.crud == "R"})
    return float(changing * points.ei + reading * points.eq)


def _least(component: Component) -> float:
    rules = effort()
    kind = Component.Type.Name(component.type).lower().replace("_", "-")
    least = rules.component_points_min.get(kind, min(rules.component_points_min.values()))
    if component.type == Component.UI:
        return max(least, rules.points_per_requirement_shown * len(component.req_ids))
    return least


def _outputs(sources: Sources) -> set[tuple[str, str]]:
    found = set()
    for one in sources.requirements:
        if one.kind != Requirement.FUNCTIONAL:
            continue
        announces = classify(one.verb)[0] is Kind.ANNOUNCE
        if announces or any(mentions(stems(one.object), word) for word in _REPORTS):
            found.add((one.verb.lower(), one.object.lower()))
    return found


def _from_requirements(sources: Sources) -> FunctionCount:
    outputs = _outputs(sources)
    functional = {
        (one.verb.lower(), one.object.lower()) for one in sources.requirements if one.kind == Requirement.FUNCTIONAL
    } - outputs
    kinds = [classify(verb)[0] for verb, _ in functional]
    reading = sum(kind is Kind.READ for kind in kinds)
    return FunctionCount(
        ilf=len(sources.spec.entities),
        eif=sum(one.type == Actor.EXTERNAL_SYSTEM for one in sources.spec.actors),
        ei=len(kinds) - reading,
        eo=len(outputs),
        eq=reading,
    )
