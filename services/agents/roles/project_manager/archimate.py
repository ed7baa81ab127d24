"""The implementation layer of the shared model: work packages, what they deliver, and the state that this leads to.

Packages that build a component stand for themselves; all others are shown by their phase, so that the view stays
readable. Work packages realize deliverables, and deliverables realize components and plateaus.
"""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.model_pb2 import ModelOp, Trace
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from services.agents.draft import Draft
from services.agents.roles.project_manager.breakdown import Planned
from services.agents.roles.project_manager.sources import Sources
from services.agents.roles.project_manager.work_table import work

_LAYER = "implementation"
_BUILD = "build"
_TARGET = "PLT-target"


def describe(draft: Draft, plan: ProjectPlan, planned: Sequence[Planned], sources: Sources) -> None:
    """Add the plan's elements, relations and traces to the draft."""
    target = _plateau(draft, sources)
    hours = {one.id: one.hours for one in plan.wbs}
    before = ""
    for phase in work().phases:
        members = [one for one in planned if one.package.phase == phase.key]
        if not members:
            continue
        package, delivered = f"WPK-{phase.key}", f"DLV-{phase.key}"
        number = members[0].wbs_id.rpartition(".")[0]
        draft.element(package, _package(phase.name, number, hours[number], f"Phase {number} of the plan."))
        draft.element(
            delivered,
            ModelOp(
                type="Deliverable",
                name=phase.outcome,
                layer=_LAYER,
                rationale=f"What {phase.name.lower()} ends with.",
                trace_ids=[number],
            ),
        )
        draft.relation("Realization", package, delivered)
        draft.relation("Realization", delivered, target)
        # Steering goes on beside the phases, it is not one of their row.
        if phase.key != work().phases[-1].key:
            if before:
                draft.relation("Triggering", before, package)
            before = package
    for one in planned:
        _trace(draft, one)
        if one.package.rule == _BUILD:
            _component(draft, one)


def _plateau(draft: Draft, sources: Sources) -> str:
    last = sources.solution.plateaus[-1].id if sources.solution.plateaus else _TARGET
    draft.element(
        last,
        ModelOp(
            type="Plateau",
            name="Target",
            layer=_LAYER,
            rationale="The state that the plan leads to.",
            trace_ids=[one.id for one in sources.application.components],
        ),
    )
    for component in sources.application.components:
        draft.relation("Aggregation", last, component.id)
    return last


def _component(draft: Draft, one: Planned) -> None:
    component = next(iter(one.package.delivers), "")
    if not component:
        return
    package = f"WPK-{component.removeprefix('CMP-')}"
    rationale = f"Work package {one.wbs_id} of the plan."
    draft.element(package, _package(one.package.name, one.wbs_id, one.expected_hours, rationale))
    draft.relation("Composition", f"WPK-{_BUILD}", package)
    draft.relation("Realization", f"DLV-{_BUILD}", component)


def _package(name: str, number: str, hours: float, rationale: str) -> ModelOp:
    return ModelOp(
        type="WorkPackage",
        name=name,
        layer=_LAYER,
        rationale=rationale,
        trace_ids=[number],
        props={"hours": f"{hours:.0f}", "wbs": number},
    )


def _trace(draft: Draft, one: Planned) -> None:
    draft.trace(one.activity_id, one.wbs_id, Trace.SCHEDULES)
    for delivered in one.package.delivers:
        draft.trace(one.wbs_id, delivered, Trace.SCHEDULES)
