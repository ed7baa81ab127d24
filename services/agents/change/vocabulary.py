"""What verbs, type words and prepositions of a request for a change mean: the table `changes.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment
from services.agents.knowledge.load import table
from services.agents.naming import stem

Kind: TypeAlias = ChangeAssessment.ChangeKind.ValueType


@dataclass(frozen=True, slots=True)
class Changes:
    """The table."""

    kinds: Mapping[str, tuple[str, ...]]
    types: Mapping[str, tuple[str, ...]]
    meant_first: tuple[str, ...]
    people: frozenset[str]
    instead: frozenset[str]
    towards: frozenset[str]
    aside: frozenset[str]
    little: frozenset[str]


def changes() -> Changes:
    """Return the table."""
    return table("changes", Changes)


@cache
def kinds_by_stem() -> Mapping[str, Kind]:
    """Return what each verb does to what it is about, by the verb's stem."""
    return {
        stem(verb): ChangeAssessment.ChangeKind.Value(kind.upper())
        for kind, verbs in changes().kinds.items()
        for verb in verbs
    }
