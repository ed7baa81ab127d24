"""From a request to the analyst's output: read, name, number, ask.

The decision to know: rules only, no clock, no chance. The same text gives the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment, Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Fact, Finding, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.change.propagation import propagate
from services.agents.change.reading import read
from services.agents.change.telling import matched
from services.agents.draft import Draft
from services.agents.knowledge.industries import Industry, by_id
from services.agents.model.elements import ElementType
from services.agents.roles.business_analyst import (
    actors,
    archimate,
    business_rules,
    entities,
    facts,
    findings,
    problem,
    questions,
    requirements,
    sentences,
    stakeholders,
    statements,
)
from services.agents.roles.business_analyst.request import Request, change_kind, language
from services.agents.roles.business_analyst.statements import Statement

AGENT_TYPE = "business_analyst"
FUNCTIONS_MIN = 3
"""Below this many functions a request of a known industry is filled up with what is usual there."""
STATEMENTS_MAX = 250
"""More than this neither fits an answer of 1 MiB nor a reader's patience."""


def produce(request: Request, task_type: str = "analyze") -> AgentOutput:
    """Return the requirements of a request, and what is unknown or wrong about it."""
    text = request.text
    cut = sentences.split(text)
    known_facts = facts.find(text, cut)
    industry = _industry(known_facts)
    read = statements.find(cut, known_facts)
    explicit = read[:STATEMENTS_MAX]
    assumed = _expansion(text, explicit, industry)
    spoken = (*explicit, *assumed)
    cast = actors.find(text, cut, spoken, known_facts)
    vocabulary = entities.find(text, cut, spoken, industry)
    found = requirements.build(text, spoken, known_facts, cast, vocabulary)
    unknowns = questions.ask(text, known_facts, found, industry, is_expanded=bool(assumed))
    spoken_language = language(text)
    spec = RequirementsSpec(
        problem_statement=problem.statement(cut, known_facts, found),
        scope=problem.scope(found, vocabulary.entities),
        facts=known_facts,
        stakeholders=stakeholders.find(text, cut, cast.actors, known_facts, found),
        actors=cast.actors,
        requirements=found,
        business_rules=business_rules.find(text, cut, explicit),
        glossary=problem.glossary(known_facts, vocabulary.entities, cast.actors, industry),
        entities=vocabulary.entities,
        events=problem.events(found, vocabulary.entities),
        open_questions=[unknown.question for unknown in unknowns],
        request_type=request.type,
        language=spoken_language,
        change_assessment=_change(request, found),
    )
    draft = Draft(AGENT_TYPE, task_type, "BA", earlier=())
    draft.output.request_id = request.id
    draft.output.requirements.CopyFrom(spec)
    archimate.add(draft, spec)
    for unknown in unknowns:
        draft.assume(unknown.assumption)
        draft.output.open_questions.append(unknown.question)
    draft.output.findings.extend(
        findings.find(
            text,
            spoken_language,
            known_facts,
            found,
            industry,
            is_expanded=bool(assumed),
            left_out=len(read) - len(explicit),
        )
    )
    if request.type == RequirementsSpec.MODIFICATION and request.baseline is None:
        draft.finding(
            Finding.WARNING,
            "BASELINE_MISSING",
            "The request is a modification and no existing model came with it; it is read as the target's description.",
        )
    for name, value in _metrics(spec):
        draft.output.metrics[name] = value
    return draft.output


def _industry(known_facts: Sequence[Fact]) -> Industry | None:
    return next((by_id(fact.value) for fact in known_facts if fact.kind == Fact.INDUSTRY), None)


def _expansion(text: str, explicit: Sequence[Statement], industry: Industry | None) -> tuple[Statement, ...]:
    """Return what is usual in the industry, where the request itself names hardly any function."""
    functions = [one for one in explicit if one.quality is None and one.priority != Requirement.WONT]
    if industry is None or len(functions) >= FUNCTIONS_MIN:
        return ()
    pack = industry.pack(text)
    said = {(one.clause.verb, one.clause.object.lower()) for one in functions}
    usual = [
        statement
        for at, sentence in enumerate(pack.requirements, 1)
        for statement in statements.expand(
            sentence,
            f"industry.{industry.id}.{pack.id}.{at:02d}",
            f"Usual for {pack.id.replace('-', ' ')} in {industry.name.lower()}.",
        )
    ]
    return tuple(one for one in usual if (one.clause.verb, one.clause.object.lower()) not in said)


def _change(request: Request, found: Sequence[Requirement]) -> ChangeAssessment | None:
    if request.type != RequirementsSpec.MODIFICATION:
        return None
    new = [one.id for one in found if one.kind == Requirement.FUNCTIONAL]
    if request.baseline is None:
        return ChangeAssessment(change_kind=change_kind(request.text), new_requirements=new)
    change = read(request.text, request.baseline)
    return ChangeAssessment(
        change_kind=change.kind,
        matched_elements=[matched(one, request.text) for one in (*change.seeds, *change.matched)],
        new_requirements=new,
        affected_requirements=[
            one.element.id
            for one in propagate(request.baseline, [seed.element.id for seed in change.seeds]).impacted
            if one.element.type is ElementType.REQUIREMENT
        ],
    )


def _metrics(spec: RequirementsSpec) -> tuple[tuple[str, float], ...]:
    kinds = [requirement.kind for requirement in spec.requirements]
    explicit = sum(requirement.basis == Source.EXPLICIT for requirement in spec.requirements)
    return (
        ("requirements_total", len(kinds)),
        ("requirements_functional", kinds.count(Requirement.FUNCTIONAL)),
        ("requirements_quality", kinds.count(Requirement.QUALITY)),
        ("requirements_constraint", kinds.count(Requirement.CONSTRAINT)),
        ("requirements_explicit", explicit),
        ("entities_total", len(spec.entities)),
        ("actors_total", len(spec.actors)),
        ("open_questions_total", len(spec.open_questions)),
    )
