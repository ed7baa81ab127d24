"""The view of a change: what is changed, what depends on it within a few steps, and by which ways."""

from __future__ import annotations

from services.agents.change.assessment import Assessment
from services.agents.model.elements import ElementType, Layer
from services.agents.model.graph import Element, Model
from services.agents.model.views import View, Viewpoint

STEPS_MAX = 3
ELEMENTS_MAX = 40
"""More than this nobody takes in at a glance; the table has them all."""

_LAYERS = (
    (Layer.MOTIVATION,),
    (Layer.STRATEGY,),
    (Layer.BUSINESS,),
    (Layer.APPLICATION,),
    (Layer.TECHNOLOGY, Layer.PHYSICAL),
    (Layer.IMPLEMENTATION, Layer.COMPOSITE),
)
_VIEWPOINT = Viewpoint(
    key="impact",
    title="What the change reaches",
    name="Layered",
    purpose=f"The changed elements and what depends on them within {STEPS_MAX} steps.",
    tiers=tuple(tuple(kind for kind in ElementType if kind.layer in layers) for layers in _LAYERS),
    columns_max=5,
)


def impact_view(found: Assessment, baseline: Model) -> View | None:
    """Return the view on the existing model; None where nothing that exists is changed."""
    changed = [one.element for one in found.change.seeds]
    if not changed:
        return None
    near = [one for one in found.impact.impacted if one.is_strong and one.distance <= STEPS_MAX]
    near = near[: max(0, ELEMENTS_MAX - len(changed))]
    shown = {one.id: one for one in (*changed, *(one.element for one in near))}
    ways = {step.relation.id for one in near for step in one.path}
    return View(
        id="view-impact",
        viewpoint=_VIEWPOINT,
        tiers=tuple(tier for types in _VIEWPOINT.tiers if (tier := _tier(shown, types))),
        parents=(),
        relations=tuple(baseline.relations[one] for one in baseline.relations if one in ways),
    )


def _tier(shown: dict[str, Element], types: tuple[ElementType, ...]) -> tuple[Element, ...]:
    return tuple(one for one in shown.values() if one.type in types)
