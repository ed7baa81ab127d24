"""`produce`: the four designs in, the solution architecture out."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding, Trace
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import SolutionArchitecture
from services.agents.draft import Draft
from services.agents.providers import place
from services.agents.roles.solution_architect import consistency, migration, traceability
from services.agents.roles.solution_architect.archimate import describe
from services.agents.roles.solution_architect.decisions import decisions
from services.agents.roles.solution_architect.pictures import pictures, viewpoints
from services.agents.roles.solution_architect.risks import risks
from services.agents.roles.solution_architect.scenarios import scenarios
from services.agents.roles.solution_architect.sources import Sources

_CONSEQUENCES = {
    "requirements": "nothing can be traced and no quality weighs in the decisions.",
    "business": "no requirement is followed to capabilities and processes.",
    "application": "there are no components to decide about, to order or to trace to.",
    "infrastructure": "no requirement is followed to nodes, and platform and recovery are not decided.",
}


def produce(
    requirements: AgentOutput | None,
    business: AgentOutput | None,
    application: AgentOutput | None,
    infrastructure: AgentOutput | None,
    *,
    task_type: str = "design",
) -> AgentOutput:
    """Return the solution architecture of these designs.

    The same inputs give the same bytes. What is missing is said, and the rest is done without it.
    """
    earlier = (requirements, business, application, infrastructure)
    draft = Draft("solution_architect", task_type, "SA", earlier)
    for (key, consequence), output in zip(_CONSEQUENCES.items(), earlier, strict=True):
        if output is None:
            draft.missing(key, consequence)
    sources = Sources.of(*earlier)
    design = _design(sources, [one for one in earlier if one is not None])
    draft.output.solution.CopyFrom(design)
    describe(draft, design)
    _tell(draft, design, sources)
    draft.output.metrics["decisions_total"] = len(design.decisions)
    draft.output.metrics["rules_broken"] = sum(not one.passed for one in design.consistency_report)
    return draft.output


def _design(sources: Sources, outputs: Sequence[AgentOutput]) -> SolutionArchitecture:
    checks = consistency.report(sources)
    asked = scenarios(sources)
    states = migration.plateaus(sources)
    views = pictures(outputs)
    decided = decisions(sources)
    return SolutionArchitecture(
        summary=_summary(sources, len(decided), sum(not one.passed for one in checks), len(checks)),
        viewpoints=viewpoints(views, sources.spec),
        views=views,
        decisions=decided,
        quality_scenarios=asked,
        rtm=traceability.matrix(sources),
        consistency_report=checks,
        gaps=migration.gaps(states),
        plateaus=states,
        roadmap=migration.roadmap(sources),
        risks=risks(sources, checks, asked),
        model_exchange_xml_ref="model.xml",
    )


def _summary(sources: Sources, decided: int, broken: int, rules: int) -> str:
    parts, nodes = len(sources.application.components), len(sources.infrastructure.nodes)
    style = sources.application.style.name.replace("_", " ")
    cut = f" of a {style} design" if style else ""
    found = place(sources.infrastructure.provider, sources.infrastructure.region.id)
    where = f" in {found}" if found else ""
    fit = f"all {rules} rules across the designs hold" if not broken else f"{broken} of {rules} rules are broken"
    return (
        f"{parts} components{cut} run on {nodes} nodes{where}. {decided} decisions are recorded with the "
        f"points that speak for them; {fit}."
    )


def _tell(draft: Draft, design: SolutionArchitecture, sources: Sources) -> None:
    firm = {one.id for one in sources.wanted() if one.priority == Requirement.MUST}
    unmet = [row.req_id for row in design.rtm if row.req_id in firm and traceability.is_empty(row)]
    if unmet:
        message = f"{len(unmet)} requirements that must be met reach nothing in the design."
        draft.finding(Finding.WARNING, "MUST_NOT_TRACED", message, unmet)
    for check in design.consistency_report:
        if not check.passed:
            draft.finding(Finding.WARNING, check.rule_id, f"Not true: {check.description}.", check.subjects)
    for decision in design.decisions:
        for req_id in decision.drivers:
            draft.trace(decision.id, req_id, Trace.SATISFIES)
