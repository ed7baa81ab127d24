"""What single words mean: verbs and their place in an object's life; nouns for people, systems and nothing at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from services.agents.knowledge.load import table
from services.agents.naming import singular


@dataclass(frozen=True, slots=True)
class VerbClass:
    """Verbs that do the same to a thing."""

    id: str
    order: int
    crud: str
    outcome: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verbs:
    """The table `verbs.yaml`."""

    classes: tuple[VerbClass, ...]
    undertakings: tuple[str, ...]
    past: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExternalKind:
    """A system of others that requests often name."""

    name: str
    terms: tuple[str, ...]
    purpose: str


@dataclass(frozen=True, slots=True)
class People:
    """The table `people.yaml`."""

    people: frozenset[str]
    builders: frozenset[str]
    system: frozenset[str]
    abstract: frozenset[str]
    written: frozenset[str]
    generic: frozenset[str]
    groups: frozenset[str]
    own: frozenset[str]
    machines: frozenset[str]
    external: tuple[ExternalKind, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """The table `wording.yaml`."""

    vague: tuple[str, ...]
    unfinished: tuple[str, ...]
    languages: Mapping[str, frozenset[str]]
    steering: tuple[str, ...]
    out_of_scope: tuple[str, ...]
    later: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The table `grammar.yaml`."""

    determiners: frozenset[str]
    prepositions: frozenset[str]
    adverbs: frozenset[str]
    modifiers: frozenset[str]
    references: frozenset[str]
    pronouns: frozenset[str]
    subjects: frozenset[str]
    nouns_in_ly: frozenset[str]
    measures: frozenset[str]
    adjectives: frozenset[str]
    participles: frozenset[str]
    collectives: frozenset[str]
    unit_ends: frozenset[str]
    abbreviations: frozenset[str]
    frame_verbs: frozenset[str]
    project_verbs: frozenset[str]


_DOUBLING = re.compile(r"[^aeiou]*[aeiou][bdgklmnprt]")
"""Verbs of one short syllable: flag, scan, ship."""


def verbs() -> Verbs:
    """Return what verbs mean."""
    return table("verbs", Verbs)


def people() -> People:
    """Return words for people and for systems."""
    return table("people", People)


def grammar() -> Grammar:
    """Return the little words."""
    return table("grammar", Grammar)


def wording() -> Wording:
    """Return words that make sentences unclear."""
    return table("wording", Wording)


@cache
def _classes() -> Mapping[str, VerbClass]:
    known: dict[str, VerbClass] = {}
    for verb_class in verbs().classes:
        for verb in verb_class.verbs:
            known.setdefault(verb, verb_class)
    return known


def verb_class(verb: str) -> VerbClass:
    """Return what `verb`, a lemma, does; an unknown one updates."""
    known = _classes()
    return known.get(verb) or known["update"]


def lemma(word: str) -> str | None:
    """Return the plain form of a verb that the lexicon knows, else None."""
    known = _classes()
    low = word.lower()
    candidates = [low, _plain_of_past().get(low, low)]
    if low.endswith(("ies", "ied")):
        candidates.append(low[:-3] + "y")
    if low.endswith("es"):
        candidates.append(low[:-2])
    if low.endswith("s"):
        candidates.append(low[:-1])
    if low.endswith("ed"):
        candidates += [low[:-1], low[:-2], low[:-3]]
    if low.endswith("ing"):
        candidates += [low[:-3], low[:-3] + "e", low[:-4]]
    return next((candidate for candidate in candidates if candidate in known), None)


@cache
def _plain_of_past() -> Mapping[str, str]:
    return {past: verb for verb, past in verbs().past.items()}


def past(verb: str) -> str:
    """Return the past participle of `verb`."""
    irregular = verbs().past.get(verb)
    if irregular:
        return irregular
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + (verb[-1] if _DOUBLING.fullmatch(verb) else "") + "ed"


def is_person(phrase: str) -> bool:
    """Return whether a noun phrase names people: its last word does."""
    last = phrase.lower().split()[-1:] or [""]
    return singular(last[0]) in people().people


def is_system(phrase: str) -> bool:
    """Return whether a noun phrase means the system itself."""
    last = phrase.lower().split()[-1:] or [""]
    return singular(last[0]) in people().system
