"""From requirements to the business architect's output: choose, group, order, relate."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.business_architect_pb2 import (
    BusinessArchitecture,
    BusinessMatrices,
    BusinessObject,
    CrudEntry,
)
from archwright.agents.v1.model_pb2 import Assumption, Finding, ModelOp, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import Draft, element_id
from services.agents.knowledge.industries import GENERIC
from services.agents.roles.business_architect import (
    archimate,
    capabilities,
    motivation,
    organisation,
    processes,
    streams,
)
from services.agents.roles.business_architect.reading import Reading

AGENT_TYPE = "business_architect"


def produce(requirements: AgentOutput | None, text: str = "", task_type: str = "design") -> AgentOutput:
    """Return how the business works that these requirements speak of; `text` is the client's own request.

    Without requirements the output is empty but sound, and says so.
    """
    draft = Draft(AGENT_TYPE, task_type, "BZ", earlier=(requirements,))
    spec = requirements.requirements if requirements is not None else RequirementsSpec()
    if requirements is None:
        draft.missing("requirements", "there are no capabilities, processes or roles to derive.")
    reading = Reading.of(spec, text)
    chosen = capabilities.choose(reading)
    people = organisation.find(reading)
    work = processes.find(reading, chosen, people)
    things = processes.objects(reading, chosen)
    reasons = motivation.drivers(reading)
    business = BusinessArchitecture(
        drivers=reasons,
        goals=motivation.goals(reading, reasons),
        principles=motivation.principles(reading),
        capabilities=chosen.capabilities,
        value_streams=streams.find(reading, chosen.capabilities, work),
        processes=work,
        business_services=processes.services(work),
        roles=people.roles,
        business_objects=things,
        org_impact=organisation.impact(people, work),
        matrices=BusinessMatrices(
            capability_requirement=chosen.assignments,
            raci=processes.raci(work, people),
            crud=processes.crud(reading, work, things),
            not_process_bound=processes.unbound(reading),
        ),
        industry=reading.industry.id if reading.industry else GENERIC,
    )
    draft.output.business.CopyFrom(business)
    archimate.add(draft, business, reading)
    _unknowns(draft, business)
    _lifecycle_findings(draft, things, business.matrices.crud)
    for name, count in (
        ("capabilities_total", len(business.capabilities)),
        ("processes_total", len(business.processes)),
        ("goals_total", len(business.goals)),
        ("roles_total", len(business.roles)),
        ("business_objects_total", len(business.business_objects)),
    ):
        draft.output.metrics[name] = count
    return draft.output


def capabilities_alone(output: AgentOutput) -> AgentOutput:
    """Return an output with its motivation and capabilities, and without what was designed on them."""
    kept = output.business
    for field in ("value_streams", "processes", "business_services", "roles", "business_objects", "org_impact"):
        del getattr(kept, field)[:]
    for matrix in ("raci", "crud", "not_process_bound"):
        del getattr(kept.matrices, matrix)[:]
    known = {one.id for one in kept.drivers} | {one.id for one in kept.goals}
    known |= {one.id for one in kept.principles} | {one.id for one in kept.capabilities}
    known = {element_id(own) for own in known}
    made = {op.id for op in output.model_ops if op.op == ModelOp.ADD_ELEMENT}
    gone = made - known
    ops = [op for op in output.model_ops if not gone & {op.id, op.source_id, op.target_id}]
    traces = [one for one in output.traces if not gone & {element_id(one.from_id), element_id(one.to_id)}]
    del output.model_ops[:], output.traces[:]
    output.model_ops.extend(ops)
    output.traces.extend(traces)
    return output


def _unknowns(draft: Draft, business: BusinessArchitecture) -> None:
    """Record what was taken to be so: who answers for the work, and what the goals' targets are."""
    for role in business.roles:
        if role.basis == Source.ASSUMED and not role.actor_ids:
            draft.assume(
                Assumption(
                    text=f"The role {role.name} answers for steps that nobody else answers for.",
                    default_value=role.name,
                    impact=Assumption.LOW,
                    rule_id=role.rule_id,
                    affects=[entry.step_id for entry in business.matrices.raci if entry.accountable_id == role.id],
                )
            )
            draft.ask(f"Who answers for the work that {role.name} is named for?", role.id, role.name)
    for goal in business.goals:
        if goal.rule_id in {"goal.industry", "goal.stated"} and goal.kpi.basis == Source.ASSUMED:
            target = f"{goal.kpi.metric}: {goal.kpi.target}"
            draft.ask(f"By which number is “{goal.name}” reached?", goal.id, target)
            draft.assume(
                Assumption(
                    text=f"{goal.name} is reached at {target}.",
                    default_value=goal.kpi.target,
                    impact=Assumption.MEDIUM,
                    rule_id=goal.rule_id,
                    affects=[goal.id],
                )
            )
    if business.capabilities:
        draft.ask("How good is the business at each of the capabilities today, from 0 to 5?", "capabilities", "unknown")


def _lifecycle_findings(draft: Draft, things: Sequence[BusinessObject], crud: Sequence[CrudEntry]) -> None:
    """Say which objects nobody creates or nobody reads: a gap in the request or a system of others."""
    for one in things:
        letters = {letter for entry in crud if entry.object_id == one.id for letter in entry.operations}
        for letter, code, word in (("C", "NEVER_CREATED", "creates"), ("R", "NEVER_READ", "reads")):
            if letter not in letters:
                draft.finding(
                    Finding.INFO,
                    f"OBJECT_{code}",
                    f"No process {word} {one.name}. Either a function is missing or another system does it.",
                    [one.id],
                )
