"""What lines of business have in common: their words, records, people, capabilities and usual needs.

The decision to know: one file per industry, and an industry is recognised by the weights of its words alone,
so adding one is adding a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from services.agents.knowledge.load import table
from services.agents.naming import mentions, slug, stems

GENERIC = "generic"
SCORE_MIN = 3.0
"""Below this sum of weights no industry is recognised."""


@dataclass(frozen=True, slots=True)
class EntityKind:
    """Something that businesses of an industry keep records of."""

    name: str
    definition: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lead:
    """Who works and who oversees, where a request does not say."""

    operations: str
    oversight: str


@dataclass(frozen=True, slots=True)
class Pack:
    """What a kind of system in this industry usually has to do, as plain sentences."""

    id: str
    terms: tuple[str, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CapabilityKind:
    """A capability of level 2, and the words that call for it."""

    name: str
    terms: tuple[str, ...]
    always: bool = False
    pattern: str = ""

    @property
    def key(self) -> str:
        """Its key in the reference map."""
        return slug(self.name)


@dataclass(frozen=True, slots=True)
class CapabilityGroup:
    """A capability of level 1."""

    name: str
    kind: str
    children: tuple[CapabilityKind, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a value stream, with the names of the capabilities that it needs."""

    name: str
    capabilities: tuple[str, ...]
    entry: str
    exit: str


@dataclass(frozen=True, slots=True)
class Stream:
    """How value usually comes to those it is for."""

    name: str
    terms: tuple[str, ...]
    beneficiary: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class DriverKind:
    """What makes such businesses act; `pattern` names a condition where words do not suffice."""

    name: str
    description: str
    terms: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class GoalKind:
    """What such businesses want to reach."""

    name: str
    metric: str
    target: str
    terms: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class IndustryQuestion:
    """What only somebody of the business can answer."""

    about: str
    text: str
    default: str


@dataclass(frozen=True, slots=True)
class Industry:
    """Everything that is known of a line of business."""

    id: str
    name: str
    terms: Mapping[str, float]
    entities: tuple[EntityKind, ...]
    actors: tuple[str, ...]
    lead: Lead
    packs: tuple[Pack, ...]
    capabilities: tuple[CapabilityGroup, ...]
    stream: Stream
    drivers: tuple[DriverKind, ...]
    goals: tuple[GoalKind, ...]
    questions: tuple[IndustryQuestion, ...]

    def pack(self, text: str) -> Pack:
        """Return the usual needs that fit `text` best; the first where none does."""
        found = stems(text)
        return max(self.packs, key=lambda pack: sum(mentions(found, term) for term in pack.terms))


@cache
def industries() -> tuple[Industry, ...]:
    """Return every industry, by id."""
    folder = files("services.agents.knowledge").joinpath("industries")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return tuple(table(f"industries/{name.removesuffix('.yaml')}", Industry) for name in names)


def by_id(industry_id: str) -> Industry | None:
    """Return the industry of this id, or None."""
    return next((industry for industry in industries() if industry.id == industry_id), None)


@dataclass(frozen=True, slots=True)
class Recognised:
    """An industry, how sure that is, and the word that says so first."""

    industry: Industry
    score: float
    confidence: float
    start: int
    end: int


def recognise(text: str) -> Recognised | None:
    """Return the industry whose words stand out in `text`, or None where none reaches `SCORE_MIN`.

    A word counts once however often it occurs: a long list of orders makes nobody a shop.
    """
    scored = [(_hits(text, industry), industry) for industry in industries()]
    ranked = sorted(
        ((sum(industry.terms[term] for term, _, _ in hits), industry, hits) for hits, industry in scored if hits),
        key=lambda entry: (-entry[0], entry[1].id),
    )
    if not ranked or ranked[0][0] < SCORE_MIN:
        return None
    best, industry, hits = ranked[0]
    others = ranked[1][0] if len(ranked) > 1 else 0.0
    weightiest = max(hits, key=lambda hit: (industry.terms[hit[0]], -hit[1]))
    return Recognised(industry, best, round(best / (best + others), 2), weightiest[1], weightiest[2])


def _hits(text: str, industry: Industry) -> list[tuple[str, int, int]]:
    first: dict[str, tuple[str, int, int]] = {}
    for match in _pattern(industry.id).finditer(text):
        first.setdefault(match.group().lower(), (match.group().lower(), match.start(), match.end()))
    return [hit for hit in first.values() if hit[0] in industry.terms]


@cache
def _pattern(industry_id: str) -> re.Pattern[str]:
    industry = by_id(industry_id)
    terms = sorted(industry.terms if industry else (), key=lambda term: (-len(term), term))
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, terms)) + r")(?!\w)", re.IGNORECASE)
