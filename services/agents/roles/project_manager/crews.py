"""Puts people on activities: nobody works on two at once.

Each person is a lane. An activity that takes a lane over from another waits for it, by an ordinary link: one plain
critical path calculation then knows about people too, and no week ever needs more of them than there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from services.agents.roles.project_manager.critical_path import Link, Links, Times, earliest_start, in_order, schedule
from services.agents.roles.project_manager.productivity import effort

STEP_DAYS = 0.5


@dataclass(frozen=True, slots=True)
class Workload:
    """How much work an activity is, who does it and how many of them can."""

    key: str
    role: str
    hours: float
    people: int
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Staffed:
    """Activities with people on them: when each happens, how many work on it, and what it waits for."""

    times: Mapping[str, Times]
    people: Mapping[str, int]
    durations: Mapping[str, float]
    links: Links

    @property
    def end(self) -> float:
        """The day on which all is done."""
        return max((one.earliest_finish for one in self.times.values()), default=0.0)


def staff(workloads: Sequence[Workload], heads: Mapping[str, int]) -> Staffed:
    """Return the schedule of the activities with so many people of each role.

    Whoever has the least time to spare is served first.
    """
    people = {one.key: max(1, min(one.people, heads.get(one.role, 1))) for one in workloads}
    durations = {one.key: days(one.hours, people[one.key]) for one in workloads}
    links = {one.key: list(one.links) for one in workloads}
    alone = schedule(durations, links)
    position = {key: at for at, key in enumerate(in_order(tuple(durations), links))}
    by_slack = sorted(workloads, key=lambda one: (alone[one.key].latest_start, position[one.key]))
    lanes = {role: [_Lane() for _ in range(max(1, count))] for role, count in heads.items()}
    finishes: dict[str, float] = {}
    starts: dict[str, float] = {}
    for one in by_slack:
        ready = earliest_start(durations[one.key], one.links, starts, finishes)
        taken = _choose(lanes.setdefault(one.role, [_Lane()]), people[one.key], ready)
        known = {link.before for link in one.links}
        for lane in taken:
            if lane.last and lane.last not in known:
                links[one.key].append(Link(lane.last))
                known.add(lane.last)
        starts[one.key] = max(ready, *(lane.free for lane in taken))
        finishes[one.key] = starts[one.key] + durations[one.key]
        for lane in taken:
            lane.free, lane.last = finishes[one.key], one.key
    return Staffed(schedule(durations, links), people, durations, {key: tuple(every) for key, every in links.items()})


def days(hours: float, people: int) -> float:
    """Return how many working days so many people need, to the next half day."""
    per_day = effort().calendar.hours_per_day * people
    return ceil(round(hours / per_day / STEP_DAYS, 9)) * STEP_DAYS


@dataclass(slots=True)
class _Lane:
    free: float = 0.0
    last: str = ""


def _choose(lanes: list[_Lane], count: int, ready: float) -> list[_Lane]:
    # Of those who are free in time, whoever became free last: the others stay free for work that comes earlier.
    in_time = sorted((lane for lane in lanes if lane.free <= ready), key=lambda lane: -lane.free)
    late = sorted((lane for lane in lanes if lane.free > ready), key=lambda lane: lane.free)
    return [*in_time, *late][:count]
