"""Turns packages into the work breakdown structure and activities: every hour of the estimate, and no other.

Hours are cut in tenths so that parts add up to their whole exactly, at each of the three points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.project_manager_pb2 import Activity, Percentiles, Predecessor, ResourceUse, WbsEntry
from services.agents.roles.project_manager.crews import Staffed, Workload
from services.agents.roles.project_manager.critical_path import Tie
from services.agents.roles.project_manager.packages import Package
from services.agents.roles.project_manager.productivity import deviation, expected, shares
from services.agents.roles.project_manager.work_table import work

_TIES: Mapping[Tie, Predecessor.Type.ValueType] = {
    Tie.FINISH_START: Predecessor.FS,
    Tie.START_START: Predecessor.SS,
    Tie.FINISH_FINISH: Predecessor.FF,
}
ROOT = "1"


@dataclass(frozen=True, slots=True)
class Planned:
    """A package with its place in the whole and its hours in tenths: optimistic, likely, pessimistic."""

    package: Package
    wbs_id: str
    activity_id: str
    tenths: tuple[int, int, int]

    @property
    def hours(self) -> tuple[float, float, float]:
        """Hours if all goes well, most likely, and if all goes badly."""
        low, likely, high = self.tenths
        return low / 10, likely / 10, high / 10

    @property
    def expected_hours(self) -> float:
        """The mean of PERT's three points."""
        return expected(*self.hours)


def cut(packages: Sequence[Package], total: Percentiles) -> tuple[Planned, ...]:
    """Return the packages with their shares of the estimate, numbered."""
    phases = [phase for phase in work().phases if any(one.phase == phase.key for one in packages)]
    by_point = []
    for point in (total.p10, total.p50, total.p90):
        hours: dict[str, int] = {}
        parts = shares(round(point * 10), [phase.share for phase in phases])
        for phase, tenths in zip(phases, parts, strict=True):
            members = [one for one in packages if one.phase == phase.key]
            for one, share in zip(members, shares(tenths, [one.weight for one in members]), strict=True):
                hours[one.key] = share
        by_point.append(hours)
    planned: list[Planned] = []
    for ordinal, phase in enumerate(phases, start=1):
        for at, one in enumerate((one for one in packages if one.phase == phase.key), start=1):
            low, likely, high = (hours[one.key] for hours in by_point)
            number = f"WORK-{len(planned) + 1:03d}"
            planned.append(
                Planned(one, f"{ROOT}.{ordinal}.{at}", number, (min(low, likely), likely, max(likely, high)))
            )
    return tuple(planned)


def workloads(planned: Sequence[Planned]) -> tuple[Workload, ...]:
    """Return what has to be staffed."""
    rules = work()
    return tuple(
        Workload(
            one.package.key,
            one.package.role,
            one.expected_hours,
            # Decided by size alone: a package is not cut finer because more people happen to be there.
            min(rules.roles[one.package.role].people_max, 1 + int(one.hours[1] // rules.hours_per_person)),
            one.package.links,
        )
        for one in planned
    )


def entries(planned: Sequence[Planned], title: str) -> list[WbsEntry]:
    """Return the work breakdown structure: the whole, its phases and their packages."""
    by_phase: dict[str, list[Planned]] = {}
    for one in planned:
        by_phase.setdefault(one.package.phase, []).append(one)
    found: list[WbsEntry] = []
    for phase in work().phases:
        members = by_phase.get(phase.key, [])
        if not members:
            continue
        number = members[0].wbs_id.rpartition(".")[0]
        found.append(
            WbsEntry(
                id=number,
                name=phase.name,
                parent=ROOT,
                kind=WbsEntry.PHASE,
                hours=_sum(members),
                deliverable_ids=[f"DLV-{phase.key}"],
                trace_ids=sorted({trace for one in members for trace in one.package.traces}),
            )
        )
        found.extend(
            WbsEntry(
                id=one.wbs_id,
                name=one.package.name,
                parent=number,
                kind=WbsEntry.WORK_PACKAGE,
                hours=one.expected_hours,
                deliverable_ids=one.package.delivers,
                trace_ids=one.package.traces,
            )
            for one in members
        )
    whole = WbsEntry(
        id=ROOT,
        name=title,
        kind=WbsEntry.SUMMARY,
        hours=_sum(planned),
        deliverable_ids=[one for entry in found if entry.kind == WbsEntry.PHASE for one in entry.deliverable_ids],
    )
    return [whole, *found]


def activities(planned: Sequence[Planned], staffed: Staffed) -> list[Activity]:
    """Return the activities with their times, one for each package."""
    numbers = {one.package.key: one.activity_id for one in planned}
    found = []
    for one in planned:
        key, times = one.package.key, staffed.times[one.package.key]
        low, likely, high = one.hours
        found.append(
            Activity(
                id=one.activity_id,
                wbs_id=one.wbs_id,
                name=one.package.name,
                o_hours=low,
                m_hours=likely,
                p_hours=high,
                expected_hours=one.expected_hours,
                variance=deviation(low, high) ** 2,
                duration_days=staffed.durations[key],
                role=one.package.role,
                resources=[ResourceUse(role=one.package.role, fte=float(staffed.people[key]))],
                predecessors=[
                    Predecessor(id=numbers[link.before], type=_TIES[link.tie], lag_days=link.lag)
                    for link in staffed.links[key]
                ],
                trace_ids=one.package.traces,
                es=times.earliest_start,
                ef=times.earliest_finish,
                ls=times.latest_start,
                lf=times.latest_finish,
                total_float=times.total_float,
                free_float=times.free_float,
                critical=times.is_critical,
            )
        )
    return found


def _sum(planned: Sequence[Planned]) -> float:
    # Added in whole tenths, divided once: sums of parts are sums of the whole.
    low, likely, high = (sum(one.tenths[at] for one in planned) for at in range(3))
    return expected(low / 10, likely / 10, high / 10)
