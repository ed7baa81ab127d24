"""Whether the plan meets the deadline, and what could be done where it does not.

A date cannot be compared with a plan that counts from T0. Then the answer is the day on which the work has to start.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Fact
from archwright.agents.v1.project_manager_pb2 import Feasibility, FeasibilityOption
from services.agents.facts import deadline_months, of_kind
from services.agents.roles.project_manager.function_points import share_of
from services.agents.roles.project_manager.outlook import Outlook
from services.agents.roles.project_manager.productivity import effort
from services.agents.roles.project_manager.sources import Sources

_DATE = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})(?:-(\d{2}))?))?")


def judge(sources: Sources, outlook: Outlook, faster: Callable[[], tuple[int, float] | None]) -> Feasibility:
    """Return the verdict, with options unless it is good.

    `faster` tells how many people more, and how many days that saves; it is asked only when somebody has to know.
    """
    facts = sources.spec.facts
    months = deadline_months(facts)
    if months is not None:
        return _against(months * effort().calendar.days_per_month, sources, outlook, faster)
    dated = _dates(facts)
    if dated:
        latest = min(dated)
        start = latest - timedelta(days=_calendar_days(outlook.p80))
        hopeful = latest - timedelta(days=_calendar_days(outlook.p50))
        return Feasibility(
            verdict=Feasibility.AT_RISK,
            options=_options(sources, outlook, faster, None),
            reason=f"The deadline is {latest.isoformat()} and the plan counts from its start. To be done by then the "
            f"work has to start by {start.isoformat()} (chance of 80 %), and not after {hopeful.isoformat()} (50 %).",
        )
    unread = ", ".join(one.value for one in of_kind(facts, Fact.DEADLINE))
    known = (
        f"The deadline {unread!r} is neither a length of time nor a date" if unread else "The request sets no deadline"
    )
    return Feasibility(
        verdict=Feasibility.NO_DEADLINE,
        reason=f"{known}. The plan needs {outlook.p50:.0f} working days, {outlook.p80:.0f} with a chance of 80 %.",
    )


def _against(
    deadline: float, sources: Sources, outlook: Outlook, faster: Callable[[], tuple[int, float] | None]
) -> Feasibility:
    slack = deadline - outlook.p80
    known = f"The deadline is {deadline:.0f} working days after the start"
    if slack >= 0:
        verdict, options = Feasibility.FEASIBLE, []
        reason = f"{known}; with a chance of 80 % the plan is done after {outlook.p80:.0f}."
    elif deadline >= outlook.optimistic:
        verdict, options = Feasibility.AT_RISK, _options(sources, outlook, faster, deadline)
        reason = (
            f"{known}; the plan needs {outlook.p50:.0f} on average and {outlook.p80:.0f} with a chance of 80 %, "
            f"{-slack:.0f} too many."
        )
    else:
        verdict, options = Feasibility.INFEASIBLE, _options(sources, outlook, faster, deadline)
        reason = f"{known}; even if nine things of ten go well the plan needs {outlook.optimistic:.0f}."
    return Feasibility(deadline_days=deadline, verdict=verdict, slack_days=slack, options=options, reason=reason)


def _options(
    sources: Sources,
    outlook: Outlook,
    faster: Callable[[], tuple[int, float] | None],
    deadline: float | None,
) -> list[FeasibilityOption]:
    functional = [one for one in sources.requirements if one.kind == Requirement.FUNCTIONAL]
    later = [one for one in functional if one.priority != Requirement.MUST]
    found = []
    if later:
        saved = outlook.p80 * share_of(frozenset(one.id for one in later), sources)
        names = _ids(later)
        found.append(
            FeasibilityOption(
                kind="descope",
                text=f"Leave out what is not a must: {names}. That is {len(later)} of {len(functional)} functions.",
                saves_days=round(saved, 1),
            )
        )
        found.append(
            FeasibilityOption(
                kind="phase", text=f"Go live with the musts and deliver {names} in a second release afterwards."
            )
        )
    elif functional:
        found.append(
            FeasibilityOption(
                kind="prioritise",
                text=f"All {len(functional)} functions are musts: agree which ones the first release can do without.",
            )
        )
    more = faster()
    if more is not None:
        people, saves = more
        found.append(
            FeasibilityOption(
                kind="add_people",
                text=f"Add {people} {'person' if people == 1 else 'people'} to the team where the work waits for them.",
                saves_days=saves,
            )
        )
    if deadline is not None:
        weeks = -(-(outlook.p80 - deadline) // effort().calendar.days_per_week)
        found.append(FeasibilityOption(kind="extend", text=f"Move the deadline by {weeks:.0f} weeks."))
    return found


def _ids(requirements: Sequence[Requirement]) -> str:
    shown = ", ".join(one.id for one in requirements[:6])
    return shown if len(requirements) <= 6 else f"{shown} and {len(requirements) - 6} more"


def _calendar_days(working_days: float) -> int:
    return -int(-working_days * 7 // effort().calendar.days_per_week)


def _dates(facts: Iterable[Fact]) -> list[date]:
    """Return the last day of each deadline that is a date; a day that its month does not have is that month's last."""
    found = []
    for fact in of_kind(facts, Fact.DEADLINE):
        match = _DATE.fullmatch(fact.value)
        if match is None:
            continue
        year, quarter, month, day = (int(one or 0) for one in match.groups())
        last_month = quarter * 3 or month or 12
        if year >= 1 and 1 <= last_month <= 12:
            last_day = monthrange(year, last_month)[1]
            found.append(date(year, last_month, min(day or last_day, last_day)))
    return found
