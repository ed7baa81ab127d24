"""How the system is kept safe and in sight: controls, signals, and the infrastructure code that makes the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture, Component, DataEntity
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import (
    Deployment,
    Environment,
    IacModule,
    Node,
    Observability,
    SecurityControl,
)
from archwright.agents.v1.model_pb2 import Fact
from services.agents.facts import of_kind
from services.agents.knowledge.load import table
from services.agents.providers import Provider, resource_type

ENVIRONMENTS = (
    Environment(name="production", scale_factor=1.0),
    Environment(name="staging", scale_factor=0.3),
    Environment(name="development", scale_factor=0.2),
)
_MODULES = {
    "network": {Node.NETWORK},
    "edge": {Node.CDN, Node.LB, Node.WAF},
    "compute": {Node.VM, Node.CONTAINER, Node.K8S, Node.FUNCTION},
    "data": {Node.MANAGED_DB, Node.CACHE, Node.OBJECT_STORAGE},
    "messaging": {Node.QUEUE},
    "security": {Node.SECRETS},
    "observability": {Node.OBSERVABILITY},
}
_OPERATORS = {Fact.LT: "<", Fact.LE: "<=", Fact.GT: ">", Fact.GE: ">=", Fact.EQ: "="}


@dataclass(frozen=True, slots=True)
class Control:
    """A control of the catalogue."""

    when: str
    roles: tuple[str, ...]
    control: str


@dataclass(frozen=True, slots=True)
class Controls:
    """The catalogue."""

    controls: tuple[Control, ...]


def security_controls(
    spec: RequirementsSpec, application: ApplicationArchitecture, nodes: Sequence[Node]
) -> list[SecurityControl]:
    """Return the controls that this system needs, each with the nodes that carry it out."""
    needed = {
        "always": True,
        "public": any(one.type == Component.UI for one in application.components),
        "personal": any(one.classification >= DataEntity.PERSONAL for one in application.data_entities),
        "regulated": bool(of_kind(spec.facts, Fact.REGULATION)),
    }
    secure = [one.id for one in spec.requirements if one.quality.iso25010 == "security"]
    limits = [one.id for one in spec.requirements if one.kind == Requirement.CONSTRAINT and _is_law(one, spec)]
    chosen = [one for one in table("controls", Controls).controls if needed[one.when]]
    return [
        SecurityControl(
            id=f"SEC-{at:02d}",
            control=one.control,
            req_ids=secure + (limits if one.when in {"personal", "regulated"} else []),
            node_ids=[node.id for node in nodes if node.role in one.roles],
        )
        for at, one in enumerate(chosen, start=1)
    ]


def observability(spec: RequirementsSpec, target: float) -> Observability:
    """Return what is watched: the usual signals, and an objective for each quality that has a measure."""
    objectives = [f"availability >= {target:g} %"]
    for one in spec.requirements:
        if one.kind == Requirement.QUALITY and one.measure.metric and one.measure.metric != "availability":
            sign = _OPERATORS.get(one.measure.op, "~")
            objectives.append(
                f"{one.measure.metric} {sign} {one.measure.value:g} {one.measure.unit} ({one.id})".strip()
            )
    return Observability(
        signals=["requests, errors and duration of every operation", "saturation of hosts, database and queues",
                 "structured logs without personal values", "traces across components"],
        objectives=objectives,
        alerts=["the error budget of an objective burns 14 times too fast for an hour",
                "a queue grows for fifteen minutes", "a backup is older than a day",
                "a certificate ends within 21 days"],
    )  # fmt: skip


def deployments(nodes: Iterable[Node]) -> list[Deployment]:
    """Return every component on every node that hosts it, in each environment; smaller ones keep at least one copy."""
    return [
        Deployment(
            component_id=component,
            node_id=node.id,
            environment=environment.name,
            replicas=max(1, int(max(1, node.ha.replicas) * environment.scale_factor)),
        )
        for environment in ENVIRONMENTS
        for node in nodes
        for component in node.hosts_component_ids
    ]


def iac_modules(nodes: Sequence[Node], provider: Provider) -> list[IacModule]:
    """Return the pieces of infrastructure code, each with its nodes and the resource types that make them."""
    found = []
    for name, kinds in _MODULES.items():
        inside = [node for node in nodes if node.type in kinds]
        types = {resource_type(node.role, provider) for node in inside} - {""}
        if inside:
            found.append(IacModule(name=name, node_ids=[node.id for node in inside], resource_types=sorted(types)))
    return found


def _is_law(requirement: Requirement, spec: RequirementsSpec) -> bool:
    return any(law.value.lower() in requirement.statement.lower() for law in of_kind(spec.facts, Fact.REGULATION))
