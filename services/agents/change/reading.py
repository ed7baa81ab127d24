"""Reads a request for a change against the model of what exists: what is to be done to which elements.

The decision to know: what changes is what a verb of change acts on, or, where something must be otherwise from now on,
what must. Whatever a request names besides (who wants it, what takes the place, where it goes) is matched and reported,
and is no beginning of an impact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment
from services.agents.change.mentions import Mention, find
from services.agents.change.vocabulary import Kind, changes, kinds_by_stem
from services.agents.model.elements import JUNCTIONS
from services.agents.model.graph import Element, Model
from services.agents.naming import stem, stems

_CLAUSE = re.compile(r"[^.;!?\n]+(?:\.(?=\w)[^.;!?\n]+)*")
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_BEFORE_VERB = frozenset(
    {
        "to",
        "must",
        "shall",
        "should",
        "will",
        "can",
        "please",
        "and",
        "then",
        "also",
        "let",
        "we",
        "not",
        "now",
        "would",
        "could",
    }
)
_PASSIVE = frozenset({"be", "been", "being", "is", "are", "get", "gets"})
_MODALS = frozenset({"must", "shall", "should", "will", "can", "may", "needs", "need", "has", "have"})
_JOINING = frozenset({ChangeAssessment.MERGE, ChangeAssessment.INTEGRATE})
_NEW = re.compile(r"^(?:an?|the|one|our|some|new|its|their)\s+", re.IGNORECASE)
_NAME_WORDS_MAX = 6
_AKIN_MIN = 5


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Something that the request wants and the model does not have."""

    name: str
    type: str
    """Of ArchiMate's types, the one that its last word says; a component where it says none."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a request wants done to a model."""

    kind: Kind
    seeds: tuple[Mention, ...]
    """What is changed."""
    matched: tuple[Mention, ...]
    """What else is named."""
    related: tuple[Element, ...]
    """What is not named and is about the same things."""
    newcomers: tuple[Newcomer, ...]
    """What is to be there besides, or instead."""


@dataclass(frozen=True, slots=True)
class _Verb:
    kind: Kind
    start: int
    end: int
    until: int
    """Where the next verb or the end of the clause is."""
    clause_start: int
    is_passive: bool
    is_modal: bool


def read(text: str, model: Model) -> Change:
    """Return what `text` wants done to the model."""
    mentions = find(text, model)
    verbs = list(_verbs(text, mentions))
    of_verbs = [(verb, seeds) for verb in verbs if (seeds := _acted_on(text, verb, mentions))]
    if of_verbs:
        kind = of_verbs[0][0].kind
        seeds = tuple(dict.fromkeys(seed for _, found in of_verbs for seed in found))
    elif any(verb.kind == ChangeAssessment.ADD for verb in verbs) or _people_want(text, mentions):
        kind, seeds = ChangeAssessment.ADD, ()
    else:
        kind = verbs[0].kind if verbs else ChangeAssessment.EXTEND
        seeds = _subjects(text, mentions) or _best(mentions)
    matched = tuple(one for one in mentions if one not in seeds)
    named = {one.element.id for one in mentions}
    return Change(
        kind=kind,
        seeds=seeds,
        matched=matched,
        related=tuple(one for one in _about_the_same(text, model) if one.id not in named)
        if kind == ChangeAssessment.ADD
        else (),
        newcomers=tuple(_newcomers(text, kind, verbs, mentions)),
    )


def _verbs(text: str, mentions: Sequence[Mention]) -> Iterator[_Verb]:
    known = kinds_by_stem()
    for clause in _CLAUSE.finditer(text):
        words = [
            (match.group().lower(), match.start(), match.end())
            for match in _WORD.finditer(text, clause.start(), clause.end())
        ]
        found: list[tuple[int, Kind]] = []
        for at, (word, start, end) in enumerate(words):
            kind = known.get(stem(word))
            if kind is None or any(one.start <= start and end <= one.end and one.words > 1 for one in mentions):
                continue
            before = words[at - 1][0] if at else ""
            if at == 0 or before in _BEFORE_VERB or before in _PASSIVE or text[words[at - 1][2] : start].strip() == ",":
                found.append((at, kind))
        for place, (at, kind) in enumerate(found):
            until = words[found[place + 1][0]][1] if place + 1 < len(found) else clause.end()
            before = words[at - 1][0] if at else ""
            yield _Verb(
                kind=kind,
                start=words[at][1],
                end=words[at][2],
                until=until,
                clause_start=clause.start(),
                is_passive=before in _PASSIVE and words[at][0] != stem(words[at][0]),
                is_modal=before in _MODALS or (at > 1 and before == "to" and words[at - 2][0] in _MODALS),
            )


def _acted_on(text: str, verb: _Verb, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions that a verb of change acts on."""
    before = [one for one in mentions if verb.clause_start <= one.start and one.end <= verb.start]
    subjects = tuple(one for one in before if not _is_people(one))
    if verb.is_passive:
        return subjects or tuple(before)
    if verb.is_modal and subjects and verb.kind in {ChangeAssessment.EXTEND, ChangeAssessment.ADD}:
        return subjects
    found = []
    for one in mentions:
        if verb.end <= one.start and one.end <= verb.until:
            role = _preposition(text[verb.end : one.start])
            is_joined = verb.kind in _JOINING and role in changes().instead | changes().towards
            is_extended = verb.kind == ChangeAssessment.ADD and role in changes().towards
            if (not role and verb.kind != ChangeAssessment.ADD) or is_joined or is_extended:
                found.append(one)
    return tuple(found)


def _preposition(between: str) -> str:
    """Return the last word between a verb and a name that says the name is no object of it; empty where none does."""
    known = changes().instead | changes().towards | changes().aside
    return next((word for word in reversed(between.lower().split()) if word.strip(",") in known), "")


def _subjects(text: str, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return what must be otherwise: what stands before the modal of a clause."""
    found = []
    for clause in _CLAUSE.finditer(text):
        modal = next((one for one in _WORD.finditer(text, *clause.span()) if one.group().lower() in _MODALS), None)
        if modal is not None:
            found += [one for one in mentions if clause.start() <= one.start and one.end <= modal.start()]
    return tuple(one for one in found if not _is_people(one))


def _people_want(text: str, mentions: Sequence[Mention]) -> bool:
    """Return whether the request only says what people shall be able to do."""
    return not _subjects(text, mentions) and bool(
        re.search(r"\b(?:be able to|can|may|want to|wants to)\b", text, re.IGNORECASE)
    )


def _best(mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mention that says most, where nothing says which one is meant."""
    things = [one for one in mentions if not _is_people(one)] or list(mentions)
    return (max(things, key=lambda one: (one.words * one.score, -one.start)),) if things else ()


def _is_people(mention: Mention) -> bool:
    return mention.element.type in changes().people


def _about_the_same(text: str, model: Model) -> Iterator[Element]:
    """Yield the elements of whose names every telling word is in the text, in one form or another."""
    said = frozenset(stems(text))
    types = {stem(word) for word in changes().types}
    for element in model.elements.values():
        telling = [word for word in stems(element.name) if word not in types]
        if element.type not in JUNCTIONS and len(telling) > 1 and all(_is_said(word, said) for word in telling):
            yield element


def _is_said(word: str, said: frozenset[str]) -> bool:
    """Return whether a stem is among those of a text, or one that it was formed from: `registration`, `register`."""
    return word in said or any(
        len(one) >= _AKIN_MIN and len(word) >= _AKIN_MIN and (one.startswith(word) or word.startswith(one))
        for one in said
    )


def _newcomers(text: str, kind: Kind, verbs: Sequence[_Verb], mentions: Sequence[Mention]) -> Iterator[Newcomer]:
    """Yield what the request wants that is not in the model yet."""
    words = changes()
    seen: set[str] = set()
    for verb in verbs:
        where = {
            ChangeAssessment.REPLACE: words.instead | words.towards,
            ChangeAssessment.MOVE: words.towards,
            ChangeAssessment.MERGE: words.towards,
            ChangeAssessment.SPLIT: words.towards,
            ChangeAssessment.INTEGRATE: words.instead | words.towards,
        }.get(verb.kind)
        if verb.kind == ChangeAssessment.ADD and not verb.is_passive:
            pieces = [_until_preposition(text[verb.end : verb.until])]
        else:
            pieces = _after(text[verb.end : verb.until], where) if where else []
        for piece in pieces:
            yield from _named(piece, mentions, text, seen)
    if kind == ChangeAssessment.ADD and not seen:
        for piece in _after(text, frozenset({"from", "via", "through", "with", "using"})):
            yield from _named(piece, mentions, text, seen)


def _after(text: str, prepositions: frozenset[str]) -> list[str]:
    pattern = rf"\b(?:{'|'.join(sorted(prepositions))})\s+(?P<rest>[^,;.!?\n]+)"
    return [_until_preposition(match.group("rest")) for match in re.finditer(pattern, text, re.IGNORECASE)]


def _until_preposition(text: str) -> str:
    ends = changes().instead | changes().towards | changes().aside | {"that", "which", "who", "where"}
    kept = []
    for word in text.split():
        if word.lower().strip(",") in ends:
            break
        kept.append(word)
        if word.endswith((",", ";", ".")):
            break
    return " ".join(kept).strip(" ,.;")


def _named(piece: str, mentions: Sequence[Mention], text: str, seen: set[str]) -> Iterator[Newcomer]:
    """Yield the things that a noun phrase names and that no element of the model is."""
    there = {text[one.start : one.end].lower() for one in mentions}
    for part in re.split(r"\s+and\s+|\s*,\s*", piece):
        name = part.strip()
        while _NEW.match(name):
            name = _NEW.sub("", name)
        if (
            not name
            or name.lower() in changes().types
            or len(name.split()) > _NAME_WORDS_MAX
            or name.lower() in there
            or name.lower() in seen
        ):
            continue
        seen.add(name.lower())
        types = changes().types.get(name.lower().split()[-1], ("ApplicationComponent",))
        yield Newcomer(name[:1].upper() + name[1:], types[0])
