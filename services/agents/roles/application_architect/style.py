"""How to cut the system: a weighted table of points, from figures of the request.

The table is part of the deliverable, so a reader who disagrees can see which figure to change. One rule stands above
it: a small system that nothing forces apart stays in one piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import ArchitectureStyle, CriterionScore, StyleScore
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Fact
from services.agents.facts import deadline_months, largest
from services.agents.knowledge.load import table
from services.agents.naming import mentions, stems

MONOLITH = "modular_monolith"


@dataclass(frozen=True, slots=True)
class Band:
    """Points for figures up to a bound."""

    points: Mapping[str, int]
    reason: str
    up_to: float = float("inf")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question, and what each answer is worth."""

    name: str
    figure: str
    weight: float
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Styles:
    """The scoring table."""

    candidates: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    defaults: Mapping[str, float]
    scaling_words: tuple[str, ...]
    simple_entities_max: int


def decide(spec: RequirementsSpec, entities: int) -> ArchitectureStyle:
    """Return the style with the most points, and the table that says why."""
    rules = table("styles", Styles)
    figures, given = _figures(spec, entities, rules)
    scores = [_score(candidate, rules, figures, given) for candidate in rules.candidates]
    ranked = sorted(scores, key=lambda one: -one.total)
    simple = entities <= rules.simple_entities_max and not figures["scaling_pressure"]
    chosen = MONOLITH if simple else ranked[0].style
    if simple and ranked[0].style != MONOLITH:
        why = f"only {entities} kinds of records and nothing that must scale on its own: the simplest style wins"
    else:
        most = next(one.total for one in ranked if one.style == chosen)
        why = f"{chosen.replace('_', ' ')} scores {most:g} points, the most"
    runner = next(one for one in ranked if one.style != chosen)
    return ArchitectureStyle(
        name=chosen,
        score_table=ranked,
        rationale=f"{why[0].upper()}{why[1:]} (next: {runner.style.replace('_', ' ')}, {runner.total:g}).",
    )


def _score(candidate: str, rules: Styles, figures: Mapping[str, float], given: frozenset[str]) -> StyleScore:
    criteria = []
    for criterion in rules.criteria:
        value = figures[criterion.figure]
        band = next(one for one in criterion.bands if value <= one.up_to)
        source = "" if criterion.figure in given else ", assumed"
        criteria.append(
            CriterionScore(
                criterion=criterion.name,
                weight=criterion.weight,
                score=band.points[candidate],
                reason=f"{band.reason} ({value:g}{source})",
            )
        )
    return StyleScore(style=candidate, criteria=criteria, total=sum(one.weight * one.score for one in criteria))


def _figures(spec: RequirementsSpec, entities: int, rules: Styles) -> tuple[dict[str, float], frozenset[str]]:
    asked = [stems(one.statement) for one in spec.requirements if one.priority != Requirement.WONT]
    pressure = sum(any(mentions(statement, word) for statement in asked) for word in rules.scaling_words)
    stated = {
        "users": largest(spec.facts, Fact.USERS),
        "team": largest(spec.facts, Fact.TEAM),
        "deadline_months": deadline_months(spec.facts),
    }
    known = {name: value for name, value in stated.items() if value is not None}
    counted = {
        "entities": float(entities),
        "scaling_pressure": float(pressure),
        "regulations": float(sum(fact.kind == Fact.REGULATION for fact in spec.facts)),
    }
    return {**rules.defaults, **known, **counted}, frozenset({*known, *counted})
