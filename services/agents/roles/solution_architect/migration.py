"""From what is there to what is wanted: plateaus, the gaps between them, and the order of building.

For a new system the baseline has none of the components; whatever the request names as existing stands on both
plateaus. Baseline, with what is added and without what is removed, is the target exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.application_architect_pb2 import Component
from archwright.agents.v1.solution_architect_pb2 import ArchitectureGap, Plateau, RoadmapStep
from services.agents.roles.solution_architect import calls
from services.agents.roles.solution_architect.sources import Sources

BASELINE, TARGET = "PLT-baseline", "PLT-target"


def plateaus(sources: Sources) -> list[Plateau]:
    """Return the two plateaus."""
    kept = [one.id for one in sources.application.external_systems]
    new = [one.id for one in sources.application.components]
    return [
        Plateau(
            id=BASELINE,
            name="Today",
            description="What is there before the project begins, as far as the request says.",
            element_ids=kept,
        ),
        Plateau(
            id=TARGET,
            name="Target",
            description="What is there when the project has delivered everything that it must.",
            element_ids=[*kept, *new],
        ),
    ]


def gaps(states: Sequence[Plateau]) -> list[ArchitectureGap]:
    """Return what is added, removed and kept between the two; a kind that is empty has no gap."""
    before, after = states
    sets = (
        (ArchitectureGap.ADD, "To be built", [one for one in after.element_ids if one not in before.element_ids]),
        (
            ArchitectureGap.REMOVE,
            "To be switched off",
            [one for one in before.element_ids if one not in after.element_ids],
        ),
        (ArchitectureGap.KEEP, "To be connected", [one for one in before.element_ids if one in after.element_ids]),
    )
    found = [(kind, name, members) for kind, name, members in sets if members]
    return [
        ArchitectureGap(
            id=f"GAP-{number:02d}",
            baseline_plateau=before.id,
            target_plateau=after.id,
            type=kind,
            element_ids=members,
            name=name,
        )
        for number, (kind, name, members) in enumerate(found, start=1)
    ]


def roadmap(sources: Sources) -> list[RoadmapStep]:
    """Return the order of building: each component after those that it calls, and what people see last."""
    names = {one.id: one.name for one in sources.application.components}
    faces = [one.id for one in sources.application.components if one.type == Component.UI]
    waves = _waves([one for one in names if one not in faces], sources)
    titles = ["Foundations", *(f"Core {number}" for number in range(1, len(waves)))][: len(waves)]
    if faces:
        waves.append(faces)
        titles.append("Channels")
    return [
        RoadmapStep(
            id=f"RMS-{number:02d}",
            name=title,
            order=number,
            component_ids=members,
            after_ids=[f"RMS-{number - 1:02d}"] if number > 1 else [],
            outcome=f"{', '.join(names[one] for one in members)} can be used from end to end.",
        )
        for number, (title, members) in enumerate(zip(titles, waves, strict=True), start=1)
    ]


def _waves(component_ids: Sequence[str], sources: Sources) -> list[list[str]]:
    """Return the components in the order of their calls. Those that call each other in a circle share a wave."""
    waves: list[list[str]] = []
    left = list(component_ids)
    while left:
        reach = calls.reach(sources, left)
        ready = [one for one in left if all(one in reach[other] for other in reach[one])]
        waves.append(ready)
        left = [one for one in left if one not in ready]
    return waves
