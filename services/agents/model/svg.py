"""A diagram as one self-contained SVG: no scripts, no outside resources, no ids that could meet those of a neighbour.

Lines and titles take the surrounding text colour (`currentColor`), so a page decides how they look on dark ground.
"""

from __future__ import annotations

from html import escape

from services.agents.model.drawing.boxes import draw_container, draw_leaf
from services.agents.model.drawing.legend import draw_legend
from services.agents.model.drawing.lines import draw_wires
from services.agents.model.drawing.palette import LINE
from services.agents.model.graph import Model
from services.agents.model.layout.diagram import Diagram

FONTS = "'Inter','Segoe UI','Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif"


def draw(diagram: Diagram, model: Model) -> str:
    """Return the SVG of `diagram`, whose elements and relations are those of `model`."""
    boxes = list(diagram.walk())
    shown = (model.relations[wire.relation_id].type for wire in diagram.wires)
    legend, legend_height = draw_legend(shown, diagram.width, diagram.height)
    height = diagram.height + legend_height
    size = f'viewBox="0 0 {diagram.width} {height}" width="{diagram.width}" height="{height}"'
    look = f'role="img" aria-label="{escape(diagram.name)}" color="{LINE}" font-family="{FONTS}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" {size} {look}>',
        *(part for box in boxes if box.children for part in draw_container(box, model.elements[box.element_id])),
        '<g fill="none" stroke="currentColor" stroke-width="1.15" stroke-linejoin="round" pointer-events="stroke">',
        *draw_wires(diagram, model),
        *legend,
        "</g>",
        *(part for box in boxes if not box.children for part in draw_leaf(box, model.elements[box.element_id])),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)
