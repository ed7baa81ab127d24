"""How many people of each role: as many as bring the plan to the usual length of such a project.

The deadline plays no part, so that a tighter one changes the verdict and not the plan. What the request says about the
team is kept to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.model_pb2 import Fact, Source
from archwright.agents.v1.project_manager_pb2 import ResourceBar, TeamRole
from services.agents.facts import of_kind
from services.agents.naming import stems
from services.agents.roles.project_manager.crews import Staffed, Workload, staff
from services.agents.roles.project_manager.productivity import effort
from services.agents.roles.project_manager.work_table import work

_DEVELOPER = "developer"
_DEVELOPER_WORDS = frozenset(stems("developer developers engineer engineers programmer programmers dev devs"))
_PEOPLE_ADDED_MAX = 40


@dataclass(frozen=True, slots=True)
class Team:
    """People by role, the roles whose number the request gives, and what they do when."""

    heads: Mapping[str, int]
    stated: frozenset[str]
    staffed: Staffed


def choose(workloads: Sequence[Workload], usual_days: float, facts: Iterable[Fact]) -> Team:
    """Return the smallest team that is done in `usual_days`, with the developers that the request names."""
    heads = _grown(workloads, usual_days)
    stated = _stated_developers(facts)
    if stated is None or _DEVELOPER not in heads:
        return Team(heads, frozenset(), staff(workloads, heads))
    # A list schedule can be longer with more people; whoever would only be in the way is left free.
    trials = [staff(workloads, {**heads, _DEVELOPER: count}) for count in range(1, min(stated, _PEOPLE_ADDED_MAX) + 1)]
    return Team({**heads, _DEVELOPER: stated}, frozenset({_DEVELOPER}), min(trials, key=lambda one: one.end))


def roles(team: Team) -> list[TeamRole]:
    """Return the team as the deliverable shows it."""
    return [
        TeamRole(
            role=role,
            fte=float(team.heads[role]),
            rate_key=role,
            basis=Source.EXPLICIT if role in team.stated else Source.DERIVED,
        )
        for role in work().roles
        if role in team.heads
    ]


def histogram(workloads: Sequence[Workload], team: Team) -> list[ResourceBar]:
    """Return the hours of each role in each week in which it works, each activity spread evenly over its days."""
    calendar = effort().calendar
    week_days = calendar.days_per_week
    hours: dict[tuple[int, str], float] = {}
    for one in workloads:
        times = team.staffed.times[one.key]
        length = times.earliest_finish - times.earliest_start
        week = int(times.earliest_start // week_days)
        while length > 0 and week * week_days < times.earliest_finish:
            begin, end = week * week_days, (week + 1) * week_days
            inside = min(end, times.earliest_finish) - max(begin, times.earliest_start)
            key = (week + 1, one.role)
            hours[key] = hours.get(key, 0.0) + one.hours * inside / length
            week += 1
    return [
        ResourceBar(
            week=week,
            role=role,
            hours=round(spent, 2),
            capacity_hours=team.heads[role] * calendar.hours_per_day * week_days,
        )
        for (week, role), spent in sorted(hours.items())
    ]


def _grown(workloads: Sequence[Workload], usual_days: float) -> dict[str, int]:
    load: dict[str, float] = {}
    for one in workloads:
        load[one.role] = load.get(one.role, 0.0) + one.hours
    heads = {role: 1 for role in work().roles if role in load}
    shortest = staff(workloads, heads).end
    for _ in range(_PEOPLE_ADDED_MAX):
        if shortest <= usual_days:
            break
        # Of those that shorten it equally, the role with the most to do for each of its people.
        trials = [
            (staff(workloads, {**heads, role: count + 1}).end, -load[role] / count, role)
            for role, count in heads.items()
            if role != "project_manager"
        ]
        end, _, role = min(trials)
        if end >= shortest:
            break
        heads[role] += 1
        shortest = end
    return heads


def _stated_developers(facts: Iterable[Fact]) -> int | None:
    found = [
        max(1, round(fact.number))
        for fact in of_kind(facts, Fact.TEAM)
        if fact.HasField("number") and _DEVELOPER_WORDS & set(stems(f"{fact.unit} {fact.source.quote}"))
    ]
    return min(found, default=None)
