"""What a plan must be to be right: it adds up, it has no circle, and every risk is answered."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from services.agents.validation.given import Given, wrong

HOURS, DAYS = 0.2, 0.05
"""How far figures may be apart by rounding."""


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with a plan."""
    made = output.plan
    yield from _order(made)
    yield from _sums(made)
    for risk in made.risks:
        if risk.score != risk.probability * risk.impact:
            yield wrong("SCORE_UNTRUE", f"{risk.id} scores {risk.score}, not probability times impact.", risk.id)
        if not risk.action.strip():
            yield wrong("RISK_UNANSWERED", f"Nothing is done about {risk.id}.", risk.id)


def _order(made: ProjectPlan) -> Iterator[Finding]:
    try:
        graphlib.TopologicalSorter(
            {one.id: [before.id for before in one.predecessors] for one in made.activities}
        ).prepare()
    except graphlib.CycleError as circle:
        yield wrong("PLAN_CIRCULAR", "Activities wait for each other: " + " → ".join(circle.args[1]))
    for one in made.activities:
        if abs(one.ef - one.es - one.duration_days) > DAYS or abs(one.total_float - (one.ls - one.es)) > DAYS:
            yield wrong("DATES_UNTRUE", f"The dates of {one.id} do not follow from its duration.", one.id)
        expected = (one.o_hours + 4 * one.m_hours + one.p_hours) / 6
        if abs(one.expected_hours - expected) > HOURS:
            yield wrong("HOURS_UNTRUE", f"{one.id} expects {one.expected_hours:g} hours, not {expected:.1f}.", one.id)
    finish = max((one.ef for one in made.activities), default=made.project_duration_days)
    if abs(finish - made.project_duration_days) > DAYS:
        yield wrong("END_UNTRUE", f"The last activity ends on day {finish:g}, not {made.project_duration_days:g}.")


def _sums(made: ProjectPlan) -> Iterator[Finding]:
    for parent in made.wbs:
        parts = [one.hours for one in made.wbs if one.parent == parent.id]
        if parts and abs(sum(parts) - parent.hours) > HOURS:
            yield wrong("SUM_UNTRUE", f"{parent.id} has {parent.hours:g} hours, its parts {sum(parts):g}.", parent.id)
