"""What is true of a request that changes a plan: named signals, each with the items that show it.

Work packages and risks ask for signals by name; a signal that nothing shows is absent.
"""

from __future__ import annotations

from collections.abc import Iterable

from archwright.agents.v1.application_architect_pb2 import Component, DataEntity
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import DisasterRecovery
from archwright.agents.v1.model_pb2 import Fact, Finding, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import ArchitectureGap
from services.agents.facts import largest, of_kind
from services.agents.roles.project_manager.evidence import Evidence, Signals, listed, merged, named, several, spoken
from services.agents.roles.project_manager.sources import Sources

_HIGH_AVAILABILITY_PERCENT = 99.9
_TAKEOVER = ("migrate", "migration", "replace", "convert", "legacy", "mainframe", "decommission", "retire")
_ACCESSIBILITY = ("accessibility", "accessible", "screen reader", "older people", "disabled")
_ACCESSIBILITY_LAWS = frozenset({"WCAG", "EAA", "BITV", "ADA"})
_MANY = 5
_MANY_COMPONENTS = 14
_MANY_USERS = 50_000


def signals(sources: Sources, earlier: Iterable[AgentOutput | None]) -> Signals:
    """Return the signals of a request by name."""
    outputs = [one for one in earlier if one is not None]
    found = {
        **_of_requirements(sources.spec, sources),
        **_of_application(sources),
        **_of_infrastructure(sources),
        **_of_solution(sources),
        **_of_outputs(sources, outputs),
    }
    return {name: one for name, one in found.items() if one.ids}


def _of_requirements(spec: RequirementsSpec, sources: Sources) -> dict[str, Evidence]:
    quality: dict[str, list[Requirement]] = {}
    for one in sources.requirements:
        if one.kind == Requirement.QUALITY:
            quality.setdefault(one.quality.promise_class, []).append(one)
    fast = [*quality.get("PE", ()), *quality.get("SC", ())]
    legal = of_kind(spec.facts, Fact.REGULATION)
    vague = [one for one in sources.requirements if any(issue.code in {"VAGUE", "TBD"} for issue in one.issues)]
    unmeasured = [
        one for one in sources.requirements if one.kind == Requirement.QUALITY and one.measure.basis == Source.ASSUMED
    ]
    derived = [one for one in sources.requirements if one.kind == Requirement.FUNCTIONAL and not one.source.quote]
    users = largest(spec.facts, Fact.USERS) or 0.0
    must = [
        one for one in sources.requirements if one.kind == Requirement.FUNCTIONAL and one.priority == Requirement.MUST
    ]
    functional = sources.requirement_ids(Requirement.FUNCTIONAL)
    return {
        "performance": named(fast, _quoted, most=1),
        "availability": named(quality.get("A", ()), _quoted, most=1),
        "regulation": Evidence(
            tuple(one.id for one in legal) or tuple(one.id for one in quality.get("L", ())),
            listed(one.value for one in legal) or "legal requirements",
        ),
        "several_regulations": several(tuple(one.id for one in legal), 2, listed(one.value for one in legal)),
        "vague_wording": named(vague, lambda one: one.id),
        "unmeasured_qualities": named(unmeasured, lambda one: one.id),
        "unsaid_functions": several(
            tuple(one.id for one in derived),
            max(3, len(functional) // 3),
            f"{len(derived)} of {len(functional)} functions",
        ),
        "everything_is_must": several(
            tuple(one.id for one in must) if len(must) >= 0.8 * len(functional) else (),
            _MANY,
            f"{len(must)} of {len(functional)} functions",
        ),
        "many_users": Evidence(
            tuple(one.id for one in of_kind(spec.facts, Fact.USERS)) if users >= _MANY_USERS else (), f"{users:,.0f}"
        ),
        "growth": _facts(spec, Fact.GROWTH),
        "budget": _facts(spec, Fact.BUDGET),
        "deadline": _facts(spec, Fact.DEADLINE),
        "team": _facts(spec, Fact.TEAM),
        "accessibility": merged(
            named(
                [one for one in legal if _ACCESSIBILITY_LAWS & set(one.value.upper().split())], lambda one: one.value
            ),
            spoken(sources, _ACCESSIBILITY),
        ),
    }


def _of_application(sources: Sources) -> dict[str, Evidence]:
    application = sources.application
    faces = [one for one in application.components if one.type == Component.UI]
    sensitive = [one for one in application.data_entities if one.classification >= DataEntity.PERSONAL]
    special = [one for one in sensitive if one.classification == DataEntity.SPECIAL]
    outside = application.external_systems
    ids = tuple(one.id for one in application.components)
    owners: dict[str, int] = {}
    for entity in application.data_entities:
        owners[entity.owner_component_id] = owners.get(entity.owner_component_id, 0) + 1
    heavy = [one for one in application.components if owners.get(one.id, 0) >= _MANY]
    return {
        "people_interface": named(faces, lambda one: one.name),
        "several_channels": several(tuple(one.id for one in faces), 2, listed(one.name for one in faces)),
        "sensitive_records": named(sensitive, lambda one: one.name),
        "special_records": named(special, lambda one: one.name),
        "external_systems": named(outside, lambda one: one.name),
        "many_external_systems": several(tuple(one.id for one in outside), 3, listed(one.name for one in outside)),
        "many_components": several(ids, _MANY_COMPONENTS, f"{len(ids)} components"),
        "microservices": Evidence(ids if application.style.name == "microservices" else (), f"{len(ids)} services"),
        "heavy_component": named(heavy, lambda one: one.name),
        "rented_software": named(
            [one for one in application.components if one.type == Component.SAAS], lambda one: one.name
        ),
    }


def _of_infrastructure(sources: Sources) -> dict[str, Evidence]:
    infrastructure = sources.infrastructure
    nodes = infrastructure.nodes
    target = infrastructure.availability.target
    high = [one.node_id for one in infrastructure.availability.chain] if target >= _HIGH_AVAILABILITY_PERCENT else []
    short = target and infrastructure.availability.computed < target
    region = infrastructure.region
    return {
        "high_availability": Evidence(tuple(dict.fromkeys(high)), f"{target:g} %"),
        "availability_missed": Evidence(
            tuple(one.node_id for one in infrastructure.availability.chain) if short else (),
            f"{infrastructure.availability.computed:.3f} % instead of {target:g} %",
        ),
        "second_region": Evidence(
            tuple(one.id for one in nodes if one.ha.azs > 1)
            if infrastructure.dr.strategy in {DisasterRecovery.WARM, DisasterRecovery.ACTIVE_ACTIVE}
            else (),
            f"{infrastructure.dr.rto_minutes:g} minutes",
        ),
        "one_provider": Evidence(
            tuple(one.id for one in nodes) if infrastructure.provider in {"aws", "azure", "gcp"} else (),
            infrastructure.provider.upper() if infrastructure.provider in {"aws", "gcp"} else "Azure",
        ),
        "own_premises": Evidence(
            tuple(one.id for one in nodes) if infrastructure.provider == "onprem" else (), "own premises"
        ),
        "residency": Evidence(tuple(one.id for one in nodes) if region.residency else (), region.residency),
        "high_load": Evidence(
            tuple(one.id for one in nodes if one.hosts_component_ids) if infrastructure.sizing.peak_rps >= 200 else (),
            f"{infrastructure.sizing.peak_rps:,.0f} requests a second",
        ),
    }


def _of_solution(sources: Sources) -> dict[str, Evidence]:
    solution = sources.solution
    going = [one for one in solution.gaps if one.type in {ArchitectureGap.REMOVE, ArchitectureGap.CHANGE}]
    failed = [one for one in solution.consistency_report if not one.passed]
    grave = [one for one in solution.risks if one.probability * one.impact >= 12]
    return {
        "gaps_in_use": named(going, lambda one: one.name),
        "failed_checks": Evidence(tuple(one.rule_id for one in failed), listed(one.rule_id for one in failed)),
        "design_risks": named(grave, lambda one: one.text, most=1),
    }


def _of_outputs(sources: Sources, outputs: list[AgentOutput]) -> dict[str, Evidence]:
    questions = [question for output in outputs for question in output.open_questions]
    questions += [one for one in sources.spec.open_questions if one.id not in {known.id for known in questions}]
    blocking = [one for one in questions if one.blocking]
    errors = [
        finding for output in outputs for finding in output.findings if finding.severity == Finding.ERROR
    ]  # fmt: skip
    conflicts = [one for output in outputs for one in output.findings if "CONTRADICT" in one.code]
    degraded = [output.agent_type for output in outputs if output.degraded]
    changing = sources.spec.request_type == RequirementsSpec.MODIFICATION
    touched = tuple(one.id for one in sources.spec.change_assessment.matched_elements) if changing else ()
    takeover = merged(spoken(sources, _TAKEOVER), Evidence(touched, "what is already in use"))
    gaps = [one for one in sources.solution.gaps if one.type in {ArchitectureGap.REMOVE, ArchitectureGap.CHANGE}]
    return {
        "open_questions": Evidence(tuple(one.id for one in questions), f"{len(questions)} questions"),
        "many_open_questions": several(tuple(one.id for one in questions), 8, f"{len(questions)} questions"),
        "blocking_questions": named(blocking, lambda one: f'"{one.text}"', most=1),
        "design_errors": Evidence(
            tuple(dict.fromkeys(subject for one in errors for subject in one.subject_ids or [one.code])),
            listed(dict.fromkeys(one.code for one in errors)),
        ),
        "contradictions": Evidence(
            tuple(dict.fromkeys(subject for one in conflicts for subject in one.subject_ids or [one.code])),
            listed(one.message for one in conflicts[:1]),
        ),
        "earlier_gaps": Evidence(tuple(degraded), listed(name.replace("_", " ") for name in degraded)),
        "migration": merged(takeover, named(gaps, lambda one: one.name)),
    }


def _quoted(requirement: Requirement) -> str:
    # What stands in brackets after a statement only says which of its measures is meant.
    return f'"{requirement.statement.partition(" [")[0]}"'


def _facts(spec: RequirementsSpec, kind: Fact.Kind.ValueType) -> Evidence:
    return named(of_kind(spec.facts, kind), lambda one: one.source.quote or f"{one.value} {one.unit}".strip())
