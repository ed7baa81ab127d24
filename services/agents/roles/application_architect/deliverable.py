"""`produce`: requirements and business architecture in, application architecture out.

The steps are the chapters of the deliverable: read what is used, decide the style, group things into parts, add what
the request triggers, let the parts meet, and write it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archwright.agents.v1.application_architect_pb2 import (
    ApplicationArchitecture,
    ApplicationService,
    Component,
    ComponentTech,
    ExternalSystem,
)
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture
from archwright.agents.v1.model_pb2 import Assumption, Finding, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import Draft
from services.agents.naming import mentions, nouns, stems, title
from services.agents.roles.application_architect import contracts, selection, style
from services.agents.roles.application_architect.archimate import describe
from services.agents.roles.application_architect.entities import data_entities
from services.agents.roles.application_architect.grouping import groups
from services.agents.roles.application_architect.parts import Part, business_parts, core_part, with_requirements
from services.agents.roles.application_architect.reading import Subject, Use, functional, subjects, uses
from services.agents.roles.application_architect.tactics import tactics
from services.agents.verbs import Kind
from services.agents.workload import daily_requests, domain, stated_users

ABSORB_USES_MAX = 2
"""A thing that more requirements are about than this is business, even if a supporting part keeps such things too."""


def produce(
    requirements: AgentOutput | None, business: AgentOutput | None = None, *, task_type: str = "design"
) -> AgentOutput:
    """Return the application architecture of a request.

    The same inputs give the same bytes. Works without a business architecture, and even without requirements, and then
    says what is missing.
    """
    draft = Draft("application_architect", task_type, "AA", (requirements, business))
    if requirements is None:
        draft.missing("requirements", "there is nothing to design for, so one component stands for the whole system.")
    if business is None:
        draft.missing("business", "components are grouped by requirements alone and serve no capabilities.")
    spec = requirements.requirements if requirements is not None else RequirementsSpec()
    view = business.business if business is not None else None
    architecture = design(spec, view, draft)
    draft.output.application.CopyFrom(architecture)
    describe(draft, architecture, view)
    _metrics(draft.output, spec)
    return draft.output


def design(spec: RequirementsSpec, business: BusinessArchitecture | None, draft: Draft) -> ApplicationArchitecture:
    """Return the architecture; findings and assumptions go to `draft`."""
    things = subjects(spec, business)
    read = uses(spec, things)
    chosen = style.decide(spec, len(things))
    parts = _parts(spec, business, things, read, draft)
    if chosen.name != style.MONOLITH:
        entrance = selection.gateway(
            parts, [one for part in parts if part.type == Component.UI for one in part.req_ids]
        )
        parts = (*(one for one in parts if one.type == Component.UI), *((entrance,) if entrance else ()),
                 *(one for one in parts if one.type != Component.UI))  # fmt: skip
    entities = data_entities(parts, read)
    by_id = {entity.id: entity for entity in entities}
    erasable = selection.has_privacy_law(spec)
    notifier = next((part for part in parts if part.key == selection.NOTIFIER), None)
    told = frozenset(
        use.req_id for use in read if notifier and use.kind is Kind.ANNOUNCE and use.req_id in notifier.req_ids
    )
    offered = {part.id: contracts.operations(part, read, by_id, erasable=erasable, told=told) for part in parts}
    asked = contracts.needs(parts, read)
    _report_turned(asked, draft)
    meeting = contracts.interfaces(parts, asked, offered)
    users = stated_users(spec.facts)
    load = None if users is None else daily_requests(users, domain(business.industry if business is not None else ""))
    return ApplicationArchitecture(
        style=chosen,
        components=[_component(part, business, monolith=chosen.name == style.MONOLITH) for part in parts],
        services=[
            ApplicationService(id=f"ASV-{part.key}", name=_service_name(part), component_id=part.id)
            for part in parts
            if any(one.provider_id == part.id for one in meeting)
        ],
        interfaces=meeting,
        data_entities=entities,
        flows=contracts.flows(meeting, parts, load),
        external_systems=_external_systems(spec, parts, draft),
        crud_matrix=contracts.crud_matrix(parts, asked, offered),
        quality_tactics=tactics(spec, parts, entities),
    )


def _parts(
    spec: RequirementsSpec,
    business: BusinessArchitecture | None,
    things: Sequence[Subject],
    read: Sequence[Use],
    draft: Draft,
) -> tuple[Part, ...]:
    """Return channels, business parts, supporting parts and adapters, in this order, with every requirement placed."""
    triggered = selection.supporting(spec)
    weight = {one.id: sum(use.subject_id == one.id for use in read) for one in things}
    core_things = {one.id for one in things if weight[one.id] > ABSORB_USES_MAX}
    triggered = tuple(_own_words(part, things, core_things) for part in triggered)
    absorbed = {subject.id for part in triggered for subject in part.subjects}
    own = business_parts(groups([one for one in things if one.id not in absorbed], read), read)
    extra = (*triggered, *selection.adapters(spec, triggered))
    homeless = _homeless(spec, (*own, *extra))
    placed, left = _place(homeless, own or extra, business)
    parts = with_requirements((*own, *extra), placed)
    if left or not parts:
        draft.assume(
            Assumption(
                text="Requirements that name nothing to keep are answered by one core service.",
                default_value="CMP-core",
                impact=Assumption.MEDIUM,
                rule_id="APP-CORE",
                affects=left,
            )
        )
        if not left:
            draft.finding(
                Finding.WARNING,
                "NO_FUNCTIONAL_REQUIREMENTS",
                "The request says nothing that the system must do, so its design is a placeholder for one service; "
                "answer the analyst's open questions to get more.",
                ["CMP-core"],
            )
        parts = (core_part("; ".join(left) or "the request as a whole", left), *parts)
    return (*selection.channels(spec), *parts)


def _own_words(part: Part, things: Sequence[Subject], core_things: set[str]) -> Part:
    """Let a supporting part keep the request's own things of its kind, unless the business is about them."""
    usual = part.subjects[0]
    named = [one for one in things if one.id == usual.id or (nouns(one.name) or ("",))[-1] in part.keeps]
    mine = tuple(one for one in named if one.id not in core_things)
    if mine:
        return replace(part, subjects=mine)
    if any(one.id == usual.id for one in things):
        return replace(part, subjects=(Subject(f"DAT-{part.key}-record", "", f"{part.name} Record"),))
    return part


def _homeless(spec: RequirementsSpec, parts: Sequence[Part]) -> list[Requirement]:
    covered = {req_id for part in parts for req_id in part.req_ids}
    return [one for one in functional(spec) if one.id not in covered]


def _place(
    homeless: Sequence[Requirement], parts: Sequence[Part], business: BusinessArchitecture | None
) -> tuple[dict[str, list[str]], list[str]]:
    """Give each requirement without a part to the one whose capability or words are nearest; return what is left."""
    rows = business.matrices.capability_requirement if business is not None else ()
    capability_of: dict[str, list[str]] = {}
    for row in rows:
        capability_of.setdefault(row.req_id, []).append(row.capability_id)
    placed: dict[str, list[str]] = {}
    left = []
    for requirement in homeless:
        wanted = set(capability_of.get(requirement.id, ()))
        text = stems(requirement.statement)
        near = next((part for part in parts if wanted & _capabilities(part, capability_of)), None)
        near = near or next(
            (part for part in parts if any(mentions(text, one) for one in part.name.split()[:-1])), None
        )
        if near is None:
            left.append(requirement.id)
        else:
            placed.setdefault(near.key, []).append(requirement.id)
    return placed, left


def _capabilities(part: Part, capability_of: Mapping[str, Sequence[str]]) -> set[str]:
    return {capability for req_id in part.req_ids for capability in capability_of.get(req_id, ())}


def _component(part: Part, business: BusinessArchitecture | None, *, monolith: bool) -> Component:
    rows = business.matrices.capability_requirement if business is not None else ()
    served = sorted({row.capability_id for row in rows if row.req_id in part.req_ids})
    apart = part.type in {Component.UI, Component.GATEWAY} or not monolith
    return Component(
        id=part.id,
        name=part.name,
        type=part.type,
        responsibility=part.responsibility,
        owns_entities=[one.id for one in part.subjects],
        capability_ids=served,
        req_ids=part.req_ids,
        tech=_tech(part),
        c4_level="container" if apart else "component",
        rationale=part.rationale,
        rule_id=part.rule_id,
        basis=part.basis,
    )


def _tech(part: Part) -> ComponentTech:
    match part.type:
        case Component.UI:
            return ComponentTech(lang="typescript", framework="web components")
        case Component.GATEWAY:
            return ComponentTech(lang="yaml", framework="envoy")
        case _:
            return ComponentTech(lang="python", framework="wsgi")


def _service_name(part: Part) -> str:
    return f"{part.name} Service" if not part.name.endswith("Service") else part.name


def _external_systems(spec: RequirementsSpec, parts: Sequence[Part], draft: Draft) -> list[ExternalSystem]:
    named = {f"EXT-{'-'.join(one.name.lower().split())}": one for one in selection.externals(spec)}
    found = []
    for part in parts:
        if not part.external_id:
            continue
        actor = named.get(part.external_id)
        name = actor.name if actor is not None else title(part.external_id.removeprefix("EXT-").replace("-", " "))
        if actor is None and part.rule_id != "APP-ADAPTER":
            draft.ask(
                f"Which {name.lower()} is used, and through which interface?", part.id, "Any with a REST interface."
            )
        found.append(
            ExternalSystem(
                id=part.external_id,
                name=title(name),
                purpose=part.responsibility,
                adapter_component_id=part.id,
                basis=part.basis if part.rule_id == "APP-ADAPTER" else Source.ASSUMED,
                source=actor.source if actor is not None else None,
            )
        )
    return found


def _report_turned(asked: contracts.Needs, draft: Draft) -> None:
    for need in asked.turned:
        draft.finding(
            Finding.INFO,
            "CALL_CYCLE_BROKEN",
            f"{need.consumer} would wait for {need.provider}, which already waits for it; it listens to its events "
            "and keeps a copy instead.",
            [need.consumer, need.provider],
        )


def _metrics(output: AgentOutput, spec: RequirementsSpec) -> None:
    architecture = output.application
    realised = {req_id for one in architecture.components for req_id in one.req_ids}
    wanted = [one.id for one in functional(spec)]
    output.metrics["components_total"] = len(architecture.components)
    output.metrics["entities_total"] = len(architecture.data_entities)
    output.metrics["interfaces_total"] = len(architecture.interfaces)
    output.metrics["operations_total"] = sum(len(one.operations) for one in architecture.interfaces)
    output.metrics["functional_requirements_realised"] = sum(one in realised for one in wanted)
    output.metrics["functional_requirements_total"] = len(wanted)
