"""What verbs mean for an interface: the operation they ask for, and the status they lead to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from services.agents.knowledge.load import table
from services.agents.naming import snake, stem

_VOWELS = "aeiou"
_SHORT = re.compile(r"[^aeiou]*[aeiou][^aeiouwxy]")


@dataclass(frozen=True, slots=True)
class VerbClass:
    """Verbs that mean the same for an object's life."""

    id: str
    crud: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verbs:
    """The analysts' table of verbs, as far as operations need it."""

    classes: tuple[VerbClass, ...]
    past: Mapping[str, str]


class Kind(StrEnum):
    """What an operation does to a thing."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    TRANSITION = "transition"
    ANNOUNCE = "announce"

    @property
    def letter(self) -> str:
        """The letter of CRUD that stands for it."""
        return {Kind.CREATE: "C", Kind.READ: "R", Kind.DELETE: "D", Kind.ANNOUNCE: "R"}.get(self, "U")


@dataclass(frozen=True, slots=True)
class OperationKinds:
    """What each class of verbs becomes at an interface."""

    kinds: Mapping[str, Kind]
    erasing: tuple[str, ...]
    otherwise: Kind


def classify(verb: str) -> tuple[Kind, str]:
    """Return what a verb does, and the status that it leads to where it moves a thing on."""
    rules = table("operations", OperationKinds)
    first = next(iter(verb.lower().split()), "")
    if first in rules.erasing:
        return Kind.DELETE, ""
    kind = rules.kinds.get(_class_of(first), rules.otherwise)
    return kind, past_participle(first) if kind is Kind.TRANSITION else ""


def past_participle(verb: str) -> str:
    """Return the status that something has after the verb was done to it: `approve` → `approved`."""
    irregular = table("verbs", Verbs).past.get(verb)
    if irregular:
        return snake(irregular)
    if verb.endswith("e"):
        return snake(verb + "d")
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return snake(verb[:-1] + "ied")
    # One short syllable that ends in a consonant doubles it: flag → flagged, scan → scanned.
    return snake(verb + verb[-1] + "ed" if _SHORT.fullmatch(verb) else verb + "ed")


def _class_of(verb: str) -> str:
    exact, by_stem = _classes()
    return exact.get(verb) or by_stem.get(stem(verb), "")


@cache
def _classes() -> tuple[Mapping[str, str], Mapping[str, str]]:
    exact: dict[str, str] = {}
    by_stem: dict[str, str] = {}
    for one in table("verbs", Verbs).classes:
        for verb in one.verbs:
            exact.setdefault(verb, one.id)
            by_stem.setdefault(stem(verb), one.id)
    return exact, by_stem
