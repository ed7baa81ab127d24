"""The plan as a Mermaid chart.

Mermaid needs dates, and a plan that counts from T0 has none: T0 is drawn as a Monday long ago, and the title says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil, floor

from archwright.agents.v1.project_manager_pb2 import Activity, Milestone
from services.agents.roles.project_manager.breakdown import Planned
from services.agents.roles.project_manager.productivity import effort
from services.agents.roles.project_manager.work_table import work

T0 = date(2001, 1, 1)
_SPECIAL = re.compile(r"[:;,#%\n\r]+")


def mermaid(planned: Sequence[Planned], activities: Sequence[Activity], milestones: Sequence[Milestone]) -> str:
    """Return the chart's source."""
    lines = [
        "gantt",
        f"    title Plan, with T0 drawn as {T0.isoformat()}",
        "    dateFormat YYYY-MM-DD",
        "    axisFormat %Y-%m-%d",
        "    excludes weekends",
    ]
    for phase in work().phases:
        members = [
            activity for one, activity in zip(planned, activities, strict=True) if one.package.phase == phase.key
        ]  # fmt: skip
        if members:
            lines.append(f"    section {phase.name}")
        for one in members:
            state = "crit, " if one.critical else ""
            start, finish = on(floor(one.es)), on(max(ceil(one.ef), floor(one.es) + 1))
            lines.append(f"    {_plain(one.name)} :{state}{one.id.lower()}, {start}, {finish}")
    lines.append("    section Milestones")
    lines += [f"    {_plain(one.name)} :milestone, {one.id.lower()}, {on(ceil(one.day))}, 0d" for one in milestones]
    return "\n".join(lines) + "\n"


def on(working_day: int) -> str:
    """Return the date of a working day, counted from T0."""
    week_days = int(effort().calendar.days_per_week)
    weeks, rest = divmod(working_day, week_days)
    return (T0 + timedelta(weeks=weeks, days=rest)).isoformat()


def _plain(name: str) -> str:
    return " ".join(_SPECIAL.sub(" ", name).split())
