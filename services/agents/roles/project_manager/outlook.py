"""When the plan reaches its end, and with what chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from archwright.agents.v1.project_manager_pb2 import Milestone
from services.agents.roles.project_manager.breakdown import Planned
from services.agents.roles.project_manager.crews import Staffed, Workload, staff
from services.agents.roles.project_manager.productivity import P10_DEVIATIONS, P80_DEVIATIONS, deviation, effort
from services.agents.roles.project_manager.staffing import Team
from services.agents.roles.project_manager.work_table import work


@dataclass(frozen=True, slots=True)
class Outlook:
    """When the plan ends: with luck, on average and with a chance of four fifths, in working days."""

    optimistic: float
    p50: float
    p80: float


def outlook_of(planned: Sequence[Planned], staffed: Staffed, path: Sequence[str]) -> Outlook:
    """Return when the plan ends, from the uncertainty along its critical path."""
    by_key = {one.package.key: one for one in planned}
    # All activities rest on the same hours per function point: if one is too low, all are. Deviations therefore add
    # up along the path, and do not cancel out as those of independent activities would.
    spread = 0.0
    for key in path:
        low, _, high = by_key[key].hours
        spread += deviation(low, high) / (effort().calendar.hours_per_day * staffed.people[key])
    end = staffed.end
    return Outlook(
        optimistic=max(0.0, end + P10_DEVIATIONS * spread), p50=end, p80=round(end + P80_DEVIATIONS * spread, 2)
    )


def faster(workloads: Sequence[Workload], crew: Team) -> tuple[int, float] | None:
    """Return how few people more save at least a day, and how many days."""
    for more in (1, 2, 3):
        ends = [staff(workloads, {**crew.heads, role: count + more}).end for role, count in crew.heads.items()]
        saved = crew.staffed.end - min(ends)
        if saved >= 1:
            return more, saved
    return None


def milestones_of(planned: Sequence[Planned], staffed: Staffed) -> list[Milestone]:
    """Return the points to reach, in the order of their days."""
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


def in_weeks(days: float) -> str:
    """Return a number of working days as calendar weeks after T0."""
    weeks = ceil(days / effort().calendar.days_per_week)
    return f"T0+{weeks} {'week' if weeks == 1 else 'weeks'}"
