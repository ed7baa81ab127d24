"""What was found out about a change, as messages of the contract."""

from __future__ import annotations

from archwright.agents.v1.business_analyst_pb2 import MatchedElement
from archwright.agents.v1.model_pb2 import Finding, Source
from archwright.agents.v1.solution_architect_pb2 import ImpactAnalysis, ImpactedElement, ImpactStep, ModelElement
from services.agents.change.assessment import Assessment
from services.agents.change.mentions import Mention
from services.agents.change.propagation import Impacted
from services.agents.model.graph import Element, Model, Problem


def matched(mention: Mention, text: str) -> MatchedElement:
    """Return an element that a request names, with where it does."""
    element = mention.element
    return MatchedElement(
        id=element.id,
        name=element.name,
        type=element.type.value,
        score=mention.score,
        source=Source(span=[mention.start, mention.end], quote=text[mention.start : mention.end]),
    )


def analysis(found: Assessment, baseline: Model, text: str) -> ImpactAnalysis:
    """Return the deliverable."""
    change, impact = found.change, found.impact
    return ImpactAnalysis(
        model_name=baseline.name,
        change_kind=change.kind,
        changed=[matched(one, text) for one in change.seeds],
        matched=[
            *(matched(one, text) for one in change.matched),
            *(MatchedElement(id=one.id, name=one.name, type=one.type.value, score=0.5) for one in change.related),
        ],
        impacted=[_impacted(one) for one in impact.impacted],
        upstream=[_element(one) for one in impact.upstream],
        lost=[_element(one) for one in impact.lost],
        existing_violations=[_finding(one) for one in baseline.problems],
    )


def _impacted(one: Impacted) -> ImpactedElement:
    return ImpactedElement(
        element=_element(one.element),
        distance=one.distance,
        path=[
            ImpactStep(relation_id=step.relation.id, relation_type=step.relation.type.value, to_id=step.target_id)
            for step in one.path
        ],
        depends=one.is_strong,
        sole_provider=one.is_sole,
    )


def _element(one: Element) -> ModelElement:
    return ModelElement(id=one.id, name=one.name, type=one.type.value)


def _finding(problem: Problem) -> Finding:
    return Finding(
        severity=Finding.WARNING, code=problem.code, message=problem.message, subject_ids=problem.subject_ids
    )
