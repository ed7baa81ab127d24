"""From what is there to what is wanted: plateaus, the gaps between them, and the order of building.

For a new system the baseline has none of the components; whatever the request names as existing stands on both
plateaus. Baseline, with what is added and without what is removed, is the target exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.application_architect_pb2 import Component
from archwright.agents.v1.solution_architect_pb2 import ArchitectureGap, Plateau, RoadmapStep
from services.agents.roles.solution_architect.sources import Sources

BASELINE, TARGET = "PLT-baseline", "PLT-target"

_GROUND = frozenset({Component.GATEWAY, Component.INTEGRATION, Component.SAAS})
_FACE = frozenset({Component.UI})


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
    """Return the order of building: the ground first, then each component after those that it calls, faces last."""
    steps: list[RoadmapStep] = []
    for name, outcome, members in _waves(sources):
        if members:
            number = len(steps) + 1
            steps.append(
                RoadmapStep(
                    id=f"RMP-{number:02d}",
                    name=name,
                    order=number,
                    component_ids=members,
                    after_ids=[steps[-1].id] if steps else [],
                    outcome=outcome,
                )
            )
    return steps


def _waves(sources: Sources) -> list[tuple[str, str, list[str]]]:
    parts = sources.application.components
    ground = [one.id for one in parts if one.type in _GROUND]
    faces = [one.id for one in parts if one.type in _FACE]
    middle = [one.id for one in parts if one.id not in {*ground, *faces}]
    calls = {one: _called_by(one, sources) & set(middle) for one in middle}
    waves: list[tuple[str, str, list[str]]] = [
        ("Ground", "Users can sign in, other systems can be reached, releases reach every environment.", ground)
    ]
    done: set[str] = set()
    while len(done) < len(middle):
        # Components that call each other in a circle are built together.
        ready = [one for one in middle if one not in done and calls[one] <= done] or [
            one for one in middle if one not in done
        ]
        number = len(waves)
        names = ", ".join(one.name for one in parts if one.id in ready)
        waves.append((f"Core {number}", f"{names} work end to end.", ready))
        done.update(ready)
    waves.append(("Channels", "Everybody works with it, through every channel.", faces))
    return waves


def _called_by(component_id: str, sources: Sources) -> set[str]:
    return {
        one.provider_id
        for one in sources.application.interfaces
        if component_id in one.consumer_ids and one.sync and one.provider_id != component_id
    }
