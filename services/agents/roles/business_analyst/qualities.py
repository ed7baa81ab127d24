"""Tells functions from qualities, and which quality: the eleven classes of the PROMISE data set.

The decision to know: each class adds up the weights of its patterns, and a quality must outweigh what speaks for
a function; numbers with units weigh most, because nothing says "quality" more plainly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from services.agents.knowledge.load import table
from services.agents.roles.business_analyst.regulations import MeasureKind


@dataclass(frozen=True, slots=True)
class Quality:
    """A class of quality requirements."""

    id: str
    name: str
    iso25010: str
    measure: MeasureKind
    patterns: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Qualities:
    """The table `qualities.yaml`."""

    threshold: float
    classes: tuple[Quality, ...]
    functional: tuple[tuple[float, str], ...]


_ACTION_WEIGHT = 3.5
_Patterns = tuple[tuple[float, re.Pattern[str]], ...]


@cache
def qualities() -> Mapping[str, Quality]:
    """Return every class, by id."""
    return {quality.id: quality for quality in table("qualities", Qualities).classes}


def classify(text: str, *, is_action: bool = False) -> Quality | None:
    """Return the class of quality that a requirement is about; None for a function.

    `is_action` says that people are known to act in it, which speaks for a function.
    """
    low = " ".join(text.lower().split())
    classes, functional, threshold = _compiled()
    scores = {quality_id: _score(low, patterns) for quality_id, patterns in classes}
    best = max(scores, key=lambda quality_id: scores[quality_id])
    if scores[best] < max(threshold, _score(low, functional) + (_ACTION_WEIGHT if is_action else 0)):
        return None
    return qualities()[best]


def _score(text: str, patterns: _Patterns) -> float:
    return sum(weight for weight, pattern in patterns if pattern.search(text))


@cache
def _compiled() -> tuple[tuple[tuple[str, _Patterns], ...], _Patterns, float]:
    known = table("qualities", Qualities)
    classes = tuple((quality.id, _compile(quality.patterns)) for quality in known.classes)
    return classes, _compile(known.functional), known.threshold


def _compile(patterns: tuple[tuple[float, str], ...]) -> _Patterns:
    return tuple((weight, re.compile(pattern)) for weight, pattern in patterns)
