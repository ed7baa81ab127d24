"""Which laws and standards a request names, and what they demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from services.agents.knowledge.load import table


@dataclass(frozen=True, slots=True)
class MeasureKind:
    """How a quality is measured."""

    metric: str
    op: Literal["EQ", "LT", "LE", "GT", "GE", "APPROX"]
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that a law or standard asks of a system: a function, or a quality of a class."""

    statement: str
    verb: str = ""
    object: str = ""
    quality: str = ""
    measure: MeasureKind | None = None


@dataclass(frozen=True, slots=True)
class Regulation:
    """A law or standard."""

    id: str
    name: str
    terms: tuple[str, ...]
    authority: str
    definition: str
    demands: tuple[Demand, ...]
    residency: str = ""


@dataclass(frozen=True, slots=True)
class Regulations:
    """The table `regulations.yaml`."""

    regulations: tuple[Regulation, ...]


@cache
def regulations() -> Mapping[str, Regulation]:
    """Return every regulation that is known, by id."""
    return {one.id: one for one in table("regulations", Regulations).regulations}


@cache
def pattern() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Return a pattern that finds names of regulations, and the id that each name stands for."""
    ids = {term.lower(): one.id for one in regulations().values() for term in one.terms}
    names = "|".join(re.escape(term) for term in sorted(ids, key=lambda term: (-len(term), term)))
    return re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE), ids
