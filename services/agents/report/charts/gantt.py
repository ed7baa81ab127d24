"""The schedule as a Gantt chart: weeks across, activities down, what must not be late in its own colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archwright.agents.v1.project_manager_pb2 import Activity, ProjectPlan
from services.agents.model.text import shorten
from services.agents.report.charts.marks import bar, figure, picture, rule, step, text
from services.agents.report.words import number

WIDTH = 1060
LABEL = 300
RIGHT = 46
HEAD = 42
ROW = 21
BAR = 11
ROWS_MAX = 90


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the chart; days count from the start of the project."""

    label: str
    start: float
    finish: float
    latest: float
    critical: bool
    hint: str
    is_group: bool = False


def gantt(plan: ProjectPlan) -> str:
    """Return the chart of the plan's activities under their work packages' phases, with milestones and deadline."""
    lines = _lines(plan)
    deadline = plan.feasibility.deadline_days if plan.feasibility.HasField("deadline_days") else 0.0
    last = max([plan.project_duration_days, plan.p80_days, deadline, *(line.finish for line in lines)], default=0.0)
    milestones = sorted(plan.milestones, key=lambda one: (one.day, one.id))
    days = max(last, 1.0)
    scale = (WIDTH - LABEL - RIGHT) / days
    bottom = HEAD + ROW * (len(lines) + len(milestones)) + 6
    parts = list(_axis(days, plan.calendar.days_per_week or 5.0, scale, bottom))
    for ordinal, line in enumerate(lines):
        parts.extend(_row(line, HEAD + ROW * ordinal, scale))
    for ordinal, milestone in enumerate(milestones):
        y = HEAD + ROW * (len(lines) + ordinal)
        x = LABEL + milestone.day * scale
        parts.append(text(LABEL - 8, y + 14, shorten(milestone.name, LABEL - 20, 11), anchor="end", style="strong"))
        hint = f"<title>Day {number(milestone.day)}</title>"
        parts.append(f'<path d="M{figure(x)} {y + 4}l6 6l-6 6l-6-6z" fill="var(--ink)">{hint}</path>')
    for day, name, colour in ((plan.p80_days, "P80", "var(--warn)"), (deadline, "Deadline", "var(--bad)")):
        if day > 0:
            x = LABEL + day * scale
            parts.append(rule(x, HEAD - 14, x, bottom, colour=colour, dashes="4 3"))
            parts.append(text(x - 3, HEAD - 5, name, anchor="end", size=9.5, style="strong"))
    return picture(parts, WIDTH, bottom + 6, "Schedule")


def _axis(days: float, days_per_week: float, scale: float, bottom: float) -> Iterator[str]:
    weeks = days / days_per_week
    distance = max(1.0, step(weeks, 14))
    week = 0.0
    while week <= weeks:
        x = LABEL + week * days_per_week * scale
        yield rule(x, HEAD - 8, x, bottom)
        yield text(x, 14, f"W{week + 1:.0f}" if week == 0 else f"W{week:.0f}", anchor="middle", size=9.5, style="faint")
        week += distance


def _row(line: Line, y: float, scale: float) -> Iterator[str]:
    x = LABEL + line.start * scale
    style = "strong" if line.is_group else ""
    indent = 0 if line.is_group else 6
    yield text(LABEL - 8, y + 14, shorten(line.label, LABEL - 20 - indent, 11), anchor="end", style=style)
    if line.is_group:
        yield bar(x, y + 8, (line.finish - line.start) * scale, 5, fill="var(--ink)", hint=line.hint, radius=1)
        return
    if line.latest > line.finish:
        yield bar(x, y + 8, (line.latest - line.start) * scale, 5, fill="var(--grid)", hint=line.hint)
    fill = "var(--c2)" if line.critical else "var(--c1)"
    yield bar(x, y + 5, (line.finish - line.start) * scale, BAR, fill=fill, hint=line.hint)


def _lines(plan: ProjectPlan) -> list[Line]:
    """Return the rows: all activities under their phases, or the phases' work packages where that is too much."""
    activities = sorted(plan.activities, key=lambda one: (one.es, one.ef, one.id))
    phases = _phases(plan)
    grouped: dict[str, list[Activity]] = {}
    for activity in activities:
        grouped.setdefault(phases.get(activity.wbs_id, ""), []).append(activity)
    names = {part.id: part.name for part in plan.wbs}
    lines: list[Line] = []
    for phase, members in grouped.items():
        if len(grouped) > 1 and phase in names:
            lines.append(_summary(f"{phase} {names[phase]}", members, is_group=True))
        if len(activities) <= ROWS_MAX:
            lines += [_line(member) for member in members]
        else:
            lines += _packages(members, names)
    return lines


def _phases(plan: ProjectPlan) -> dict[str, str]:
    """Return the outermost part below the whole for each part of the work breakdown."""
    parent_of = {part.id: part.parent for part in plan.wbs if part.HasField("parent")}
    phases: dict[str, str] = {}
    for part in plan.wbs:
        phase, seen = part.id, {part.id}
        while phase in parent_of and parent_of[phase] in parent_of and parent_of[phase] not in seen:
            phase = parent_of[phase]
            seen.add(phase)
        phases[part.id] = phase
    return phases


def _packages(members: Iterable[Activity], names: dict[str, str]) -> list[Line]:
    packages: dict[str, list[Activity]] = {}
    for member in members:
        packages.setdefault(member.wbs_id, []).append(member)
    return [_summary(f"{one} {names.get(one, '')}", inside, is_group=False) for one, inside in packages.items()]


def _summary(label: str, members: Sequence[Activity], *, is_group: bool) -> Line:
    start, finish = min(one.es for one in members), max(one.ef for one in members)
    hint = f"{label}: day {number(start)} to {number(finish)}"
    critical = any(one.critical for one in members)
    return Line(label, start, finish, finish, critical, hint, is_group=is_group)


def _line(activity: Activity) -> Line:
    hint = (
        f"{activity.name}: day {number(activity.es)} to {number(activity.ef)}, "
        f"{number(activity.expected_hours)} hours, float {number(activity.total_float)} days"
    )
    return Line(activity.name, activity.es, activity.ef, activity.lf, activity.critical, hint)
