"""What a solution must be to be right: decided by its own points, and traced without gaps."""

from __future__ import annotations

from collections.abc import Iterator

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import Decision
from services.agents.validation.given import Given, wrong

SHARE = 1e-6


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with a solution architecture."""
    made = output.solution
    for decision in made.decisions:
        yield from _decision(decision)
    rows = {row.req_id: row for row in made.rtm}
    for one in given.of("requirements").requirements.requirements:
        if one.kind == Requirement.FUNCTIONAL and one.priority == Requirement.MUST:
            row = rows.get(one.id)
            if row is None or not row.component_ids:
                yield wrong("NOT_TRACED", f"{one.id} must be there and leads to no component.", one.id)
    for view in made.views:
        if not view.element_ids:
            yield wrong("VIEW_EMPTY", f"The view {view.id} shows nothing.", view.id)
        for box in view.layout:
            if min(box.x, box.y) < 0:
                yield wrong("BOX_OUTSIDE", f"{box.element_id} lies outside the view {view.id}.", view.id)


def _decision(decision: Decision) -> Iterator[Finding]:
    totals = {
        option.name: sum(decision.weights[name] * score for name, score in option.scores.items())
        for option in decision.options
    }
    if decision.chosen not in totals:
        yield wrong("CHOICE_UNKNOWN", f"{decision.id} chose {decision.chosen!r}, which is no option.", decision.id)
    elif totals[decision.chosen] < max(totals.values()) * (1 - SHARE) and not decision.override_reason:
        yield wrong("CHOICE_UNFOUNDED", f"{decision.id} chose {decision.chosen!r} against its own points.", decision.id)
    if not decision.drivers:
        yield wrong("DRIVER_MISSING", f"{decision.id} rests on no requirement.", decision.id)
