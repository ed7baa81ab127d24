"""The views that the roles' model gives so far, and whom each is for."""

from __future__ import annotations

from collections.abc import Iterable

from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import View, ViewBox, Viewpoint
from services.agents.model.layout import Diagram, arrange
from services.agents.model.merge import merge
from services.agents.model.views import standard_views


def pictures(outputs: Iterable[AgentOutput]) -> list[View]:
    """Return the standard views of the merged model, laid out."""
    return [_view(arrange(view)) for view in standard_views(merge(outputs))]


def viewpoints(views: Iterable[View], spec: RequirementsSpec) -> list[Viewpoint]:
    """Return for each view what it answers and for whom: those with the most say first."""
    readers = sorted(spec.stakeholders, key=lambda one: (one.influence != "high", one.id))
    return [
        Viewpoint(
            name=view.viewpoint,
            concerns=[view.name],
            stakeholder_ids=[one.id for one in readers[:4]],
            view_id=view.id,
        )
        for view in views
    ]


def _view(diagram: Diagram) -> View:
    return View(
        id=diagram.id,
        name=diagram.name,
        viewpoint=diagram.viewpoint,
        element_ids=[box.element_id for box in diagram.walk()],
        relation_ids=[wire.relation_id for wire in diagram.wires],
        layout=[ViewBox(element_id=box.element_id, x=box.x, y=box.y, w=box.w, h=box.h) for box in diagram.walk()],
    )
