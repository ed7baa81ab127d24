"""The estimate: counted functions, adjusted, times the hours that finished projects needed for one."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.model_pb2 import Assumption, Finding
from archwright.agents.v1.project_manager_pb2 import Estimation, FunctionCount, Percentiles
from services.agents.draft import Draft
from services.agents.roles.project_manager import function_points
from services.agents.roles.project_manager.characteristics import degrees
from services.agents.roles.project_manager.evidence import Signals
from services.agents.roles.project_manager.productivity import adjustment, effort, total_hours
from services.agents.roles.project_manager.sources import Sources
from services.agents.roles.project_manager.work_table import work


def estimate_of(sources: Sources, found: Signals, draft: Draft) -> Estimation:
    """Return the estimate for what was designed; what it rests on goes to `draft`."""
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
