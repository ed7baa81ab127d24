"""Chooses what the business must be able to do: from the industry's map, the general map, or the request itself.

The decision to know: only what a requirement or a stated condition calls for is chosen. Every function gets its best
fitting capability; one that fits none gets a capability named after what it is about, so nothing is left unowned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.business_architect_pb2 import Capability, CapabilityRequirement
from archwright.agents.v1.model_pb2 import Source
from services.agents.knowledge.industries import (
    CapabilityGroup,
    CapabilityKind,
    DriverKind,
    GoalKind,
    by_id,
)
from services.agents.knowledge.load import table
from services.agents.naming import nouns, slug, stems, title
from services.agents.roles.business_architect.reading import Reading, contains


@dataclass(frozen=True, slots=True)
class PrincipleKind:
    """A principle, and the words that make it matter; none means always."""

    name: str
    statement: str
    rationale: str
    implications: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneralMap:
    """The table `capabilities.yaml`: what businesses of every kind have."""

    groups: tuple[CapabilityGroup, ...]
    principles: tuple[PrincipleKind, ...]
    goals: tuple[GoalKind, ...]
    drivers: tuple[DriverKind, ...]


@dataclass(frozen=True, slots=True)
class CapabilityMap:
    """The chosen capabilities, and which of them answers for which requirement."""

    capabilities: tuple[Capability, ...]
    assignments: tuple[CapabilityRequirement, ...]
    by_requirement: Mapping[str, str]
    """The capability of each assigned requirement."""


@dataclass(slots=True)
class _Choice:
    group: CapabilityGroup
    kind: CapabilityKind
    basis: Source.Basis.ValueType
    rule_id: str
    requirements: list[Requirement] = field(default_factory=list)


_KINDS = {"core": Capability.CORE, "supporting": Capability.SUPPORTING, "management": Capability.MANAGEMENT}
_OWN_GROUP = CapabilityGroup("Capabilities of This Business", "core", ())
_INDUSTRY_WEIGHT = 1.25
_OBJECT_BONUS = 1.5
_VERB_BONUS = 2.0
_SCORE_MIN = 1.0
_SCORE_SURE = 6.0
"""The score from which a fit counts as certain."""
_PRIVACY = frozenset({"GDPR", "CCPA", "HIPAA", "FERPA", "COPPA"})
_BY_QUALITY = {
    "A": "Service Continuity",
    "FT": "Service Continuity",
    "PE": "Service Continuity",
    "SC": "Service Continuity",
    "SE": "Identity and Access Management",
    "L": "Compliance Management",
    "US": "Self-Service Access",
    "LF": "Self-Service Access",
    "O": "Partner Integration",
    "PO": "Service Continuity",
    "MN": "Service Continuity",
}
_IMPORTANCE = {Requirement.MUST: 4, Requirement.SHOULD: 3, Requirement.COULD: 2}


def general() -> GeneralMap:
    """Return what businesses of every kind have."""
    return table("capabilities", GeneralMap)


def choose(reading: Reading) -> CapabilityMap:
    """Return the capabilities that the requirements call for, in a forest of two levels."""
    chosen: dict[str, _Choice] = {}
    scores: dict[str, float] = {}
    for requirement in reading.wanted:
        group, kind, score, basis, rule_id = _best(reading, requirement)
        _choice(chosen, group, kind, basis, rule_id).requirements.append(requirement)
        scores[requirement.id] = score
    for requirement in reading.spec.requirements:
        name = _BY_QUALITY.get(requirement.quality.promise_class, "")
        if requirement.kind == Requirement.QUALITY and name:
            group, kind = _general_kind(name)
            _choice(chosen, group, kind, Source.DERIVED, "capability.quality").requirements.append(requirement)
            scores[requirement.id] = 1.0
    for group, kind, rule_id in _mandatory(reading):
        _choice(chosen, group, kind, Source.DERIVED, rule_id)
    return _build(chosen, scores)


def _best(
    reading: Reading, requirement: Requirement
) -> tuple[CapabilityGroup, CapabilityKind, float, Source.Basis.ValueType, str]:
    """Return the capability that fits a function best; one of its own where none fits."""
    words, in_object, verb = reading.stems[requirement.id], stems(requirement.object), stems(requirement.verb)
    best: tuple[float, CapabilityGroup, CapabilityKind, str] | None = None
    for group, kind, terms, is_industry in _candidates(reading.industry.id if reading.industry else ""):
        score = 0.0
        for term in terms:
            if contains(words, term):
                score += 2.0 * len(term) - 1.0
                score += _OBJECT_BONUS if contains(in_object, term) else 0.0
                score += _VERB_BONUS if term == verb else 0.0
        score *= _INDUSTRY_WEIGHT if is_industry else 1.0
        if score >= _SCORE_MIN and (best is None or score > best[0]):
            best = (score, group, kind, "capability.industry" if is_industry else "capability.general")
    if best is None:
        kind = CapabilityKind(f"Manage {_thing(reading, requirement)}", ())
        return _OWN_GROUP, kind, 1.0, Source.DERIVED, "capability.own"
    score, group, kind, rule_id = best
    return group, kind, min(1.0, round(score / _SCORE_SURE, 2)), Source.DERIVED, rule_id


def _thing(reading: Reading, requirement: Requirement) -> str:
    entity = reading.entities.get(next(iter(requirement.entity_ids), ""))
    name = entity.name if entity else " ".join(nouns(requirement.object)[-2:])
    return title(name or requirement.verb or "Other Work")


@cache
def _candidates(
    industry_id: str,
) -> tuple[tuple[CapabilityGroup, CapabilityKind, tuple[tuple[str, ...], ...], bool], ...]:
    industry = by_id(industry_id)
    maps = [(group, True) for group in industry.capabilities] if industry else []
    maps += [(group, False) for group in general().groups]
    return tuple(
        (group, kind, tuple(dict.fromkeys(stems(term) for term in kind.terms)), is_industry)
        for group, is_industry in maps
        for kind in group.children
    )


def _general_kind(name: str) -> tuple[CapabilityGroup, CapabilityKind]:
    return next((group, kind) for group in general().groups for kind in group.children if kind.name == name)


def _mandatory(reading: Reading) -> Iterable[tuple[CapabilityGroup, CapabilityKind, str]]:
    """Yield what a condition demands, whatever the words of the functions."""
    if not reading.spec.requirements:
        return
    for group in general().groups:
        for kind in group.children:
            if kind.always:
                yield group, kind, "capability.always"
            elif kind.pattern == "regulation" and reading.has_regulation():
                yield group, kind, "capability.regulation"
            elif kind.pattern == "privacy" and any(fact.value in _PRIVACY for fact in reading.spec.facts):
                yield group, kind, "capability.privacy"


def _choice(
    chosen: dict[str, _Choice],
    group: CapabilityGroup,
    kind: CapabilityKind,
    basis: Source.Basis.ValueType,
    rule_id: str,
) -> _Choice:
    return chosen.setdefault(kind.key, _Choice(group, kind, basis, rule_id))


def _build(chosen: Mapping[str, _Choice], scores: Mapping[str, float]) -> CapabilityMap:
    groups: dict[str, list[_Choice]] = {}
    for choice in chosen.values():
        groups.setdefault(choice.group.name, []).append(choice)
    capabilities: list[Capability] = []
    assignments: list[CapabilityRequirement] = []
    for name, choices in groups.items():
        parent_id = f"CAP-{slug(name)}"
        # A group and its only child may share a name; the child keeps it.
        parent_id += "-group" if any(choice.kind.key == slug(name) for choice in choices) else ""
        children = [_capability(choice, parent_id) for choice in choices]
        capabilities.append(_parent(parent_id, choices[0].group, children))
        capabilities.extend(children)
        assignments.extend(
            CapabilityRequirement(capability_id=child.id, req_id=req_id, score=scores.get(req_id, 1.0))
            for child in children
            for req_id in child.req_ids
        )
    return CapabilityMap(
        tuple(capabilities), tuple(assignments), {one.req_id: one.capability_id for one in assignments}
    )


def _capability(choice: _Choice, parent_id: str) -> Capability:
    importance = max((_IMPORTANCE.get(one.priority, 2) for one in choice.requirements), default=2)
    if len(choice.requirements) >= 3 and choice.group.kind == "core":
        importance += 1
    return Capability(
        id=f"CAP-{choice.kind.key}",
        name=choice.kind.name,
        level=2,
        parent_id=parent_id,
        kind=_KINDS[choice.group.kind],
        reference_key="" if choice.rule_id == "capability.own" else choice.kind.key,
        importance=min(5, importance),
        maturity_target=max(2, min(5, importance)),
        req_ids=[one.id for one in choice.requirements],
        basis=choice.basis,
        rule_id=choice.rule_id,
    )


def _parent(parent_id: str, group: CapabilityGroup, children: Iterable[Capability]) -> Capability:
    below = list(children)
    return Capability(
        id=parent_id,
        name=group.name,
        level=1,
        kind=_KINDS[group.kind],
        reference_key="" if group is _OWN_GROUP else slug(group.name),
        importance=max(child.importance for child in below),
        maturity_target=max(child.maturity_target for child in below),
        basis=Source.DERIVED,
        rule_id="capability.group",
    )
