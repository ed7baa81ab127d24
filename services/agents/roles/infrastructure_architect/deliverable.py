"""`produce`: requirements and application architecture in, infrastructure architecture out."""

from __future__ import annotations

from archwright.agents.v1.application_architect_pb2 import (
    ApplicationArchitecture,
    ArchitectureStyle,
    Component,
)
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import Draft
from services.agents.providers import provider
from services.agents.roles.infrastructure_architect import operations, placement
from services.agents.roles.infrastructure_architect.archimate import describe
from services.agents.roles.infrastructure_architect.availability import availability, redundancy, target_of
from services.agents.roles.infrastructure_architect.network import network
from services.agents.roles.infrastructure_architect.nodes import Demand, nodes
from services.agents.roles.infrastructure_architect.recovery import recovery
from services.agents.roles.infrastructure_architect.sizing import numbers, sizing


def produce(
    requirements: AgentOutput | None, application: AgentOutput | None = None, *, task_type: str = "design"
) -> AgentOutput:
    """Return the infrastructure architecture of a request.

    The same inputs give the same bytes. Without an application architecture it sizes one component, without
    requirements it sizes the usual small system, and says so.
    """
    draft = Draft("infrastructure_architect", task_type, "IA", (requirements, application))
    if requirements is None:
        draft.missing("requirements", "users, qualities and limits are all assumed.")
    if application is None:
        draft.missing("application", "one component stands for the whole system.")
    spec = requirements.requirements if requirements is not None else RequirementsSpec()
    parts = application.application if application is not None else _whole_system()
    architecture = design(spec, parts, draft)
    draft.output.infrastructure.CopyFrom(architecture)
    describe(draft, architecture, {one.id: one.name for one in parts.components})
    draft.output.metrics["nodes_total"] = len(architecture.nodes)
    draft.output.metrics["peak_rps"] = architecture.sizing.peak_rps
    draft.output.metrics["availability_percent"] = architecture.availability.computed
    return draft.output


def design(spec: RequirementsSpec, application: ApplicationArchitecture, draft: Draft) -> InfrastructureArchitecture:
    """Return the architecture; findings and assumptions go to `draft`."""
    facts = tuple(spec.facts)
    name = placement.choose_provider(facts, draft)
    chosen = provider(name)
    region = placement.choose_region(facts, name, draft)
    statements = tuple(one.statement for one in spec.requirements if one.priority != Requirement.WONT)
    found = numbers(facts, statements, draft)
    target = target_of(spec, draft)
    copies = redundancy(target)
    made = nodes(Demand(spec, application, chosen, found, copies))
    return InfrastructureArchitecture(
        provider=name,
        region=region,
        environments=operations.ENVIRONMENTS,
        sizing=sizing(found, draft),
        nodes=made,
        network=network(chosen.engine, max(2, copies.zones), copies.regions),
        availability=availability(target, copies, draft),
        dr=recovery(spec, copies.regions, draft),
        security_controls=operations.security_controls(spec, application, made),
        observability=operations.observability(spec, target),
        deployment_matrix=operations.deployments(made),
        iac_modules=operations.iac_modules(made, chosen),
    )


def _whole_system() -> ApplicationArchitecture:
    return ApplicationArchitecture(
        style=ArchitectureStyle(name="modular_monolith", rationale="Nothing is known about its parts."),
        components=[Component(id="CMP-core", name="Core Service", type=Component.SERVICE, rule_id="INF-WHOLE-SYSTEM")],
    )
