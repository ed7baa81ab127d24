"""`produce`: what was designed in, the project plan out."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import Estimation, Feasibility, ProjectPlan, WorkCalendar
from services.agents.draft import Draft
from services.agents.roles.project_manager import breakdown, staffing
from services.agents.roles.project_manager.archimate import describe
from services.agents.roles.project_manager.breakdown import Planned
from services.agents.roles.project_manager.critical_path import critical_path
from services.agents.roles.project_manager.estimate import estimate_of
from services.agents.roles.project_manager.evidence import Signals
from services.agents.roles.project_manager.feasibility import judge
from services.agents.roles.project_manager.gantt import mermaid
from services.agents.roles.project_manager.outlook import faster, in_weeks, milestones_of, outlook_of
from services.agents.roles.project_manager.packages import PackageList, packages
from services.agents.roles.project_manager.productivity import effort, usual_months
from services.agents.roles.project_manager.responsibility import raci
from services.agents.roles.project_manager.risks import risks
from services.agents.roles.project_manager.signals import signals
from services.agents.roles.project_manager.sources import Sources

_CONSEQUENCES = {
    "requirements": "deadline, team and priorities are unknown.",
    "application": "the size is counted from the requirements, and the system is planned as one piece.",
    "infrastructure": "no packages for its nodes, and the load is unknown.",
    "solution": "gaps and decisions have no packages of their own.",
}


def produce(
    requirements: AgentOutput | None,
    application: AgentOutput | None = None,
    infrastructure: AgentOutput | None = None,
    solution: AgentOutput | None = None,
    *,
    task_type: str = "plan",
) -> AgentOutput:
    """Return the project plan for what was designed.

    The same inputs give the same bytes. Whatever is missing makes the plan coarser, and the output says so.
    """
    earlier = (requirements, application, infrastructure, solution)
    draft = Draft("project_manager", task_type, "PM", earlier)
    for (key, consequence), output in zip(_CONSEQUENCES.items(), earlier, strict=True):
        if output is None:
            draft.missing(key, consequence)
    sources = Sources.of(*earlier)
    found = signals(sources, earlier)
    listed = packages(sources, found)
    _report_circles(draft, listed)
    estimation = estimate_of(sources, found, draft)
    planned = breakdown.cut(listed.packages, estimation.total_hours)
    plan = _plan(sources, found, estimation, planned, draft)
    draft.output.plan.CopyFrom(plan)
    describe(draft, plan, planned, sources)
    draft.output.metrics.update(
        {
            "function_points": estimation.fp,
            "hours_p50": estimation.total_hours.p50,
            "duration_days": plan.project_duration_days,
            "work_packages_total": len(planned),
            "people_total": sum(one.fte for one in plan.team),
            "risks_total": len(plan.risks),
        }
    )
    return draft.output


def estimated(
    requirements: AgentOutput | None, application: AgentOutput | None, *, task_type: str = "estimate"
) -> AgentOutput:
    """Return the effort alone: function points, and hours from the tenth to the ninetieth percentile."""
    draft = Draft("project_manager", task_type, "PM", (requirements, application))
    for key, output in (("requirements", requirements), ("application", application)):
        if output is None:
            draft.missing(key, _CONSEQUENCES[key])
    sources = Sources.of(requirements, application, None, None)
    estimation = estimate_of(sources, signals(sources, (requirements, application)), draft)
    draft.output.plan.estimation.CopyFrom(estimation)
    draft.output.metrics.update({"function_points": estimation.fp, "hours_p50": estimation.total_hours.p50})
    return draft.output


def _plan(
    sources: Sources, found: Signals, estimation: Estimation, planned: Sequence[Planned], draft: Draft
) -> ProjectPlan:
    workloads = breakdown.workloads(planned)
    usual = usual_months(estimation.total_hours.p50) * effort().calendar.days_per_month
    crew = staffing.choose(workloads, usual, sources.spec.facts)
    path = critical_path(crew.staffed.times, crew.staffed.links)
    numbers = {one.package.key: one.activity_id for one in planned}
    outlook = outlook_of(planned, crew.staffed, path)
    activities = breakdown.activities(planned, crew.staffed)
    milestones = milestones_of(planned, crew.staffed)
    calendar = effort().calendar
    plan = ProjectPlan(
        wbs=breakdown.entries(planned, "Project"),
        activities=activities,
        milestones=milestones,
        critical_path=[numbers[key] for key in path],
        project_duration_days=crew.staffed.end,
        p50_days=outlook.p50,
        p80_days=outlook.p80,
        p50_date=in_weeks(outlook.p50),
        p80_date=in_weeks(outlook.p80),
        calendar=WorkCalendar(hours_per_day=calendar.hours_per_day, days_per_week=calendar.days_per_week, start="T0"),
        team=staffing.roles(crew),
        resource_histogram=staffing.histogram(workloads, crew),
        raci=raci(planned, crew.heads.keys()),
        feasibility=judge(sources, outlook, lambda: faster(workloads, crew)),
        estimation=estimation,
        mermaid_gantt=mermaid(planned, activities, milestones),
    )
    plan.risks.extend(risks(sources, found, plan))
    _report_verdict(draft, plan.feasibility)
    return plan


def _report_circles(draft: Draft, listed: PackageList) -> None:
    for consumer, provider in listed.circles:
        draft.finding(
            Finding.WARNING,
            "CALLS_IN_A_CIRCLE",
            f"{consumer} and {provider} call each other, so neither can be built after the other; the plan builds "
            f"{consumer} without waiting.",
            [consumer, provider],
        )


def _report_verdict(draft: Draft, feasibility: Feasibility) -> None:
    match feasibility.verdict:
        case Feasibility.AT_RISK:
            draft.finding(Finding.WARNING, "DEADLINE_AT_RISK", feasibility.reason)
        case Feasibility.INFEASIBLE:
            draft.finding(Finding.ERROR, "DEADLINE_INFEASIBLE", feasibility.reason)
        case Feasibility.NO_DEADLINE:
            draft.ask("By when must the system be in use?", "deadline", feasibility.reason)
        case _:
            pass
