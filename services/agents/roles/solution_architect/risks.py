"""Risks that lie in the design itself: rules that it breaks, qualities in doubt, and parts that others hold."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.model_pb2 import Source
from archwright.agents.v1.solution_architect_pb2 import ArchitectureRisk, ConsistencyCheck, QualityScenario
from services.agents.roles.solution_architect.sources import Sources


def risks(
    sources: Sources, checks: Sequence[ConsistencyCheck], asked: Sequence[QualityScenario]
) -> list[ArchitectureRisk]:
    """Return the risks, the gravest first."""
    found = [
        *(_broken(one) for one in checks if not one.passed),
        *_in_doubt(asked),
        *_held_by_others(sources),
        *_alone(sources),
    ]
    found.sort(key=lambda one: -one.probability * one.impact)
    for number, one in enumerate(found, start=1):
        one.id = f"ARK-{number:02d}"
        one.basis = Source.DERIVED
    return found


def _broken(check: ConsistencyCheck) -> ArchitectureRisk:
    return ArchitectureRisk(
        text=f"The designs do not fit together: not true that {check.description[:1].lower()}{check.description[1:]}.",
        probability=4,
        impact=3,
        mitigation="Settle it with the roles concerned before work on these parts begins.",
        trace_ids=check.subjects,
    )


def _in_doubt(asked: Sequence[QualityScenario]) -> list[ArchitectureRisk]:
    unmeasured = [one.req_id for one in asked if one.risk]
    if not unmeasured:
        return []
    return [
        ArchitectureRisk(
            text=f"{len(unmeasured)} of {len(asked)} qualities lack a measure or a tactic: are they met?",
            probability=3,
            impact=3,
            mitigation="Agree on a measure for each, and test it in the first release.",
            trace_ids=unmeasured,
        )
    ]


def _held_by_others(sources: Sources) -> list[ArchitectureRisk]:
    return [
        ArchitectureRisk(
            text=f"{one.name} is not ours: it may be late, slow or changed without notice.",
            probability=3,
            impact=3,
            mitigation="Agree on the interface early, test against a stand-in, and let work queue while it is away.",
            trace_ids=[one.id, *([one.adapter_component_id] if one.adapter_component_id else [])],
        )
        for one in sources.application.external_systems
    ]


def _alone(sources: Sources) -> list[ArchitectureRisk]:
    single = [one.node_id for one in sources.infrastructure.availability.chain if one.replicas == 1]
    if not single:
        return []
    return [
        ArchitectureRisk(
            text="Some nodes stand alone on the way of every request; the loss of one stops the system.",
            probability=2,
            impact=4,
            mitigation="Take them from the provider with a promise of their own, and watch them from outside.",
            trace_ids=single,
        )
    ]
