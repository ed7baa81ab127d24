"""`produce`: what was designed in, the project plan out."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from archwright.agents.v1.model_pb2 import Assumption, Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import (
    Estimation,
    Feasibility,
    FunctionCount,
    Milestone,
    Percentiles,
    ProjectPlan,
    WorkCalendar,
)
from services.agents.draft import Draft
from services.agents.roles.project_manager import breakdown, function_points, staffing
from services.agents.roles.project_manager.archimate import describe
from services.agents.roles.project_manager.breakdown import Planned
from services.agents.roles.project_manager.characteristics import degrees
from services.agents.roles.project_manager.crews import Effort, Staffed, staff
from services.agents.roles.project_manager.critical_path import critical_path
from services.agents.roles.project_manager.evidence import Signals, signals
from services.agents.roles.project_manager.feasibility import Outlook, judge
from services.agents.roles.project_manager.gantt import mermaid
from services.agents.roles.project_manager.packages import PackageList, packages, work
from services.agents.roles.project_manager.productivity import (
    P10_DEVIATIONS,
    P80_DEVIATIONS,
    adjustment,
    effort,
    total_hours,
    usual_months,
)
from services.agents.roles.project_manager.responsibility import raci
from services.agents.roles.project_manager.risks import risks
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
    estimation = _estimate(sources, found, draft)
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


def _plan(
    sources: Sources, found: Signals, estimation: Estimation, planned: Sequence[Planned], draft: Draft
) -> ProjectPlan:
    efforts = breakdown.efforts(planned)
    usual = usual_months(estimation.total_hours.p50) * effort().calendar.days_per_month
    crew = staffing.choose(efforts, usual, sources.spec.facts)
    path = critical_path(crew.staffed.times, crew.staffed.links)
    numbers = {one.package.key: one.activity_id for one in planned}
    outlook = _outlook(planned, crew.staffed, path)
    activities = breakdown.activities(planned, crew.staffed)
    milestones = _milestones(planned, crew.staffed)
    calendar = effort().calendar
    plan = ProjectPlan(
        wbs=breakdown.entries(planned, "Project"),
        activities=activities,
        milestones=milestones,
        critical_path=[numbers[key] for key in path],
        project_duration_days=crew.staffed.end,
        p50_days=outlook.p50,
        p80_days=outlook.p80,
        p50_date=_weeks(outlook.p50),
        p80_date=_weeks(outlook.p80),
        calendar=WorkCalendar(hours_per_day=calendar.hours_per_day, days_per_week=calendar.days_per_week, start="T0"),
        team=staffing.roles(crew),
        resource_histogram=staffing.histogram(efforts, crew),
        raci=raci(planned, crew.heads.keys()),
        feasibility=judge(sources, outlook, lambda: _faster(efforts, crew)),
        estimation=estimation,
        mermaid_gantt=mermaid(planned, activities, milestones),
    )
    plan.risks.extend(risks(sources, found, plan))
    _report_verdict(draft, plan.feasibility)
    return plan


def _estimate(sources: Sources, found: Signals, draft: Draft) -> Estimation:
    functions = function_points.count(sources)
    if not function_points.unadjusted(functions):
        functions = function_points.SMALLEST
        draft.finding(
            Finding.WARNING,
            "NOTHING_TO_COUNT",
            "Neither architecture nor requirements name a function; the plan is for a system with one kind of record.",
        )
    influence = degrees(sources, found)
    made = estimate(functions, tuple(influence.values()))
    rule, calendar = effort(), effort().calendar
    chosen = rule.hours_per_point
    others = ", ".join(f"{name} {one.p50:g}" for name, one in rule.datasets.items() if name != rule.chosen)
    draft.assume(
        Assumption(
            text=f"A function point takes as long as in {chosen.projects} finished projects (the {rule.chosen} set); "
            f"medians of other sets: {others}.",
            default_value=f"{chosen.p50:g}",
            unit="hours",
            impact=Assumption.HIGH,
            rule_id="PM-HOURS-PER-POINT",
        )
    )
    draft.assume(
        Assumption(
            text="The general system characteristics have these degrees of influence: "
            + ", ".join(f"{name.replace('_', ' ')} {degree}" for name, degree in influence.items())
            + ".",
            default_value=f"{made.vaf:.2f}",
            impact=Assumption.LOW,
            rule_id="PM-ADJUSTMENT",
        )
    )
    draft.assume(
        Assumption(
            text="A person works so many hours on a working day, once leave, illness and training are spread over the "
            "year.",
            default_value=f"{calendar.hours_per_day:g}",
            unit="hours",
            impact=Assumption.MEDIUM,
            rule_id="PM-CALENDAR",
        )
    )
    draft.assume(
        Assumption(
            text="The work is shared out by phase: "
            + ", ".join(f"{phase.name.lower()} {phase.share} %" for phase in work().phases)
            + ".",
            default_value="100",
            unit="percent",
            impact=Assumption.MEDIUM,
            rule_id="PM-PHASES",
        )
    )
    return made


def estimate(functions: FunctionCount, influence: Sequence[int]) -> Estimation:
    """Return the estimate for counted functions and the degrees of influence of the system characteristics."""
    total = function_points.unadjusted(functions)
    factor = round(adjustment(influence), 2)
    size = round(total * factor, 2)
    rate = effort().hours_per_point
    return Estimation(
        method="function_points",
        ufp=functions,
        ufp_total=total,
        vaf=factor,
        fp=size,
        hours_per_fp=Percentiles(p10=rate.p10, p50=rate.p50, p90=rate.p90),
        total_hours=total_hours(size),
    )


def _outlook(planned: Sequence[Planned], staffed: Staffed, path: Sequence[str]) -> Outlook:
    by_key = {one.package.key: one for one in planned}
    # All activities rest on the same hours per function point: if one is too low, all are. Deviations therefore add
    # up along the path, and do not cancel out as those of independent activities would.
    spread = 0.0
    for key in path:
        low, _, high = by_key[key].hours
        spread += (high - low) / 6 / (effort().calendar.hours_per_day * staffed.people[key])
    end = staffed.end
    return Outlook(
        optimistic=max(0.0, end + P10_DEVIATIONS * spread), p50=end, p80=round(end + P80_DEVIATIONS * spread, 2)
    )


def _faster(efforts: Sequence[Effort], crew: staffing.Team) -> tuple[int, float] | None:
    """Return how few people more save at least a day, and how many days."""
    for more in (1, 2, 3):
        ends = [staff(efforts, {**crew.heads, role: count + more}).end for role, count in crew.heads.items()]
        saved = crew.staffed.end - min(ends)
        if saved >= 1:
            return more, saved
    return None


def _milestones(planned: Sequence[Planned], staffed: Staffed) -> list[Milestone]:
    found = []
    for rule in work().milestones:
        after = [one for one in planned if rule.phase == one.package.phase or rule.package == one.package.key]
        if after:
            day = max(staffed.times[one.package.key].earliest_finish for one in after)
            found.append(Milestone(name=rule.name, day=day, after_ids=[one.activity_id for one in after]))
    found.sort(key=lambda one: one.day)
    for ordinal, one in enumerate(found, start=1):
        one.id = f"MS-{ordinal:02d}"
    return found


def _weeks(days: float) -> str:
    weeks = ceil(days / effort().calendar.days_per_week)
    return f"T0+{weeks} {'week' if weeks == 1 else 'weeks'}"


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
