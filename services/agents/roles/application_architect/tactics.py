"""How each quality requirement is reached: a tactic from the catalogue, and the components that carry it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import Component, DataEntity, QualityTactic
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from services.agents.knowledge.load import table
from services.agents.naming import mentions, stems
from services.agents.roles.application_architect.parts import Part

PERSONAL = frozenset({DataEntity.PERSONAL, DataEntity.SPECIAL})
LEGAL = "L"
"""The class of demands that come from a law or standard."""

_FALLBACK = "functional_suitability"


@dataclass(frozen=True, slots=True)
class Tactic:
    """Something that can be done for a quality."""

    key: str
    where: str
    words: tuple[str, ...]
    tactic: str


Catalogue = Mapping[str, tuple[Tactic, ...]]


def tactics(spec: RequirementsSpec, parts: Sequence[Part], entities: Sequence[DataEntity]) -> tuple[QualityTactic, ...]:
    """Return at least one tactic for each quality requirement, and one that protects every personal record."""
    catalogue: Catalogue = table("tactics", dict[str, tuple[Tactic, ...]])
    owners = {entity.owner_component_id for entity in entities if entity.classification in PERSONAL}
    found = []
    for requirement in spec.requirements:
        if requirement.kind == Requirement.QUALITY and requirement.priority != Requirement.WONT:
            found.extend(_for_requirement(requirement, catalogue, parts, owners))
    if owners:
        found.append(_protection(spec, catalogue, parts, owners))
    return tuple(found)


def _for_requirement(
    requirement: Requirement, catalogue: Catalogue, parts: Sequence[Part], owners: set[str]
) -> list[QualityTactic]:
    legal = requirement.quality.promise_class == LEGAL
    candidates = catalogue["legal"] if legal else catalogue.get(requirement.quality.iso25010, catalogue[_FALLBACK])
    text = stems(f"{requirement.statement} {requirement.measure.metric.replace('_', ' ')}")
    fitting = [one for one in candidates if any(mentions(text, word) for word in one.words)] or [candidates[0]]
    return [
        QualityTactic(
            req_id=requirement.id,
            tactic=one.tactic,
            component_ids=_places(one.where, parts, owners),
            rule_id=f"APP-TACTIC-{one.key.upper()}",
        )
        for one in fitting[:2]
    ]


def _protection(spec: RequirementsSpec, catalogue: Catalogue, parts: Sequence[Part], owners: set[str]) -> QualityTactic:
    """Return the tactic that protects personal records, for the requirement that is nearest to asking for it."""
    encryption = next(one for one in catalogue["security"] if one.key == "encryption")
    secure = [one.id for one in spec.requirements if one.quality.iso25010 == "security"]
    limits = [one.id for one in spec.requirements if one.kind == Requirement.CONSTRAINT]
    behind = [req_id for part in parts if part.id in owners for req_id in part.req_ids]
    return QualityTactic(
        req_id=next(iter([*secure, *limits, *behind]), ""),
        tactic=encryption.tactic,
        component_ids=sorted(owners),
        rule_id="APP-TACTIC-PERSONAL",
    )


def _places(where: str, parts: Sequence[Part], owners: set[str]) -> list[str]:
    """Return the components at a place of the system; all that keep records when the place is empty."""
    keepers = [part.id for part in parts if part.subjects]
    match where:
        case "entrance":
            wanted = {Component.GATEWAY}
            found = [part.id for part in parts if part.type in wanted or part.key == "identity"]
        case "channels":
            found = [part.id for part in parts if part.type == Component.UI]
        case "workers":
            found = [part.id for part in parts if part.type == Component.WORKER]
        case "records":
            found = sorted(owners)
        case _:
            found = [part.id for part in parts if part.is_business]
    return found or keepers
