"""What every id in the deliverables is called, so that tables speak of things and link to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.agents.report.dossier import Dossier

_NOT_ANCHOR = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """How to speak of a thing: `label` in tables, `hint` where there is room or time."""

    label: str
    hint: str


class Index:
    """Names by id."""

    def __init__(self, dossier: Dossier) -> None:
        self._entries: dict[str, Entry] = {}
        for thing_id, entry in _entries(dossier):
            self._entries.setdefault(thing_id, entry)

    def __contains__(self, thing_id: str) -> bool:
        return thing_id in self._entries

    def label(self, thing_id: str) -> str:
        """Return what tables show for an id: the name, or the id if it has none."""
        entry = self._entries.get(thing_id)
        return entry.label if entry else thing_id

    def hint(self, thing_id: str) -> str:
        """Return what a reader learns on pointing at it."""
        entry = self._entries.get(thing_id)
        return entry.hint if entry else ""


def anchor(thing_id: str) -> str:
    """Return the fragment that the thing's own place on the page has."""
    return "at-" + _NOT_ANCHOR.sub("-", thing_id)


def _entries(dossier: Dossier) -> Iterator[tuple[str, Entry]]:
    for requirement in dossier.requirements.requirements:
        yield requirement.id, Entry(requirement.id, requirement.statement)
    for decision in dossier.solution.decisions:
        yield decision.id, Entry(decision.id, decision.title)
    for process in dossier.business.processes:
        for step in process.steps:
            yield step.id, Entry(step.name or f"{step.verb} {step.object_id}", step.id)
    for part in dossier.plan.wbs:
        yield part.id, Entry(f"{part.id} {part.name}", part.name)
    yield from _named(dossier)


def _named(dossier: Dossier) -> Iterator[tuple[str, Entry]]:
    """Yield everything that has an id and a name and needs no more than that."""
    business, application = dossier.business, dossier.application
    groups = (
        dossier.requirements.stakeholders,
        dossier.requirements.actors,
        dossier.requirements.entities,
        dossier.requirements.events,
        business.drivers,
        business.goals,
        business.principles,
        business.capabilities,
        business.value_streams,
        business.processes,
        business.business_services,
        business.roles,
        business.business_objects,
        application.components,
        application.services,
        application.interfaces,
        application.data_entities,
        application.external_systems,
        dossier.infrastructure.nodes,
        dossier.solution.plateaus,
        dossier.solution.gaps,
        dossier.solution.roadmap,
        dossier.plan.activities,
        dossier.plan.milestones,
    )
    for group in groups:
        for thing in group:
            yield thing.id, Entry(thing.name or thing.id, f"{thing.name} ({thing.id})")
