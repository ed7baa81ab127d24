"""Finds who uses the system and which systems of others it talks to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Actor
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.naming import singular, slug
from services.agents.roles.business_analyst import lexicon, phrases
from services.agents.roles.business_analyst.facts import source
from services.agents.roles.business_analyst.sentences import Section, Sentence
from services.agents.roles.business_analyst.statements import Statement, is_mission

_INTEGRATION = re.compile(
    r"\b(?:integrat(?:e[sd]?|ion|ing)(?: required)?|interfac(?:e[sd]?|ing)|connect(?:s|ed|ing)?|"
    r"synchroni[sz](?:e[sd]?|ing)|communicat(?:e[sd]?|ing))"
    r"\s+(?:with|to)\s+(?P<name>(?:the |our |an? |its |their )?[\w'’&/-]+(?: [\w'’&/-]+){0,3})",  # noqa: RUF001 - as typed
    re.IGNORECASE,
)
_WANTING = re.compile(
    r"\b(?:wants?|needs?|wish(?:es)?|plans?|would like|design|build|develop|create|launch|replace|introduce|take)s?\b",
    re.IGNORECASE,
)
_PLAIN_WORD = re.compile(r"[^\W\d_][\w']*(?:-\w+)*")
_AFTER_PREPOSITION = re.compile(r"\b(?:to|for|from|by|with|between|among)\b")


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody and everything that acts, and how to find one by what a sentence calls it."""

    actors: tuple[Actor, ...]

    def id_of(self, phrase: str) -> str | None:
        """Return the id of the actor that `phrase` means, or None."""
        name = person_name(phrase)
        if not name:
            return None
        by_id = {actor.id for actor in self.actors}
        if (exact := f"ACT-{slug(name)}") in by_id:
            return exact
        longer = [actor.id for actor in self.actors if actor.name.lower().endswith(f" {name}")]
        shorter = [actor.id for actor in self.actors if name.endswith(f" {actor.name.lower()}")]
        return next(iter(longer + shorter), None)


def person_name(phrase: str, *, is_subject: bool = True) -> str:
    """Return the name of the people that a noun phrase means, in the singular; empty where it means none."""
    people = phrases.actors_of(phrase)
    if not people:
        return ""
    words = people[0].replace("’", "'").lower().split()  # noqa: RUF001 - as typed
    words = [word.removesuffix("'s") for word in words]
    words[-1] = singular(words[-1])
    if words[-1] in lexicon.grammar().pronouns:
        return ""
    keep = 3 if is_subject else 2 if words[-1] in lexicon.people().generic else 1
    return " ".join(words[-keep:])


def find(text: str, sentences: Sequence[Sentence], statements: Sequence[Statement], facts: Sequence[Fact]) -> Cast:
    """Return the actors of a request, people first, in the order in which they appear."""
    found: dict[str, Actor] = {}
    for statement in statements:
        _add(found, text, statement, statement.clause.actor, Actor.PRIMARY, is_subject=True)
    for fact in facts:
        if fact.kind in {Fact.USERS, Fact.CONCURRENT_USERS} and fact.unit not in {"user", "users"}:
            name = person_name(fact.unit, is_subject=False)
            if name:
                _keep(found, name, Actor.PRIMARY, fact.source, fact.basis, "actor.counted")
    for sentence in sentences:
        if sentence.section is Section.USERS:
            for one in phrases.actors_of(re.sub(r"[\d+]", " ", sentence.text)):
                _keep(
                    found,
                    person_name(one, is_subject=False),
                    Actor.PRIMARY,
                    _place(text, sentence),
                    Source.EXPLICIT,
                    "actor.listed",
                )
    for statement in statements:
        _add(found, text, statement, statement.clause.object, Actor.SUPPORTING, is_subject=False)
        for piece in _AFTER_PREPOSITION.split(statement.clause.rest)[1:]:
            _add(found, text, statement, phrases.noun_phrase(piece), Actor.SUPPORTING, is_subject=False)
    for sentence in sentences:
        for name in _of_mission(sentence) if is_mission(sentence) else ():
            _keep(found, name, Actor.SUPPORTING, _place(text, sentence), Source.EXPLICIT, "actor.mission")
    if len(found) > 1:
        found.pop("user", None)
    people = _without_short_forms(found)
    return Cast((*people, *_externals(text, sentences)))


def _add(
    found: dict[str, Actor],
    text: str,
    statement: Statement,
    phrase: str,
    kind: Actor.Type.ValueType,
    *,
    is_subject: bool,
) -> None:
    for one in phrases.actors_of(phrase):
        place = _place(text, statement.sentence) if statement.sentence else None
        _keep(
            found,
            person_name(one, is_subject=is_subject),
            kind,
            place,
            statement.basis,
            statement.rule_id or "actor.acts",
        )


def _keep(
    found: dict[str, Actor],
    name: str,
    kind: Actor.Type.ValueType,
    place: Source | None,
    basis: Source.Basis.ValueType,
    rule_id: str,
) -> None:
    if name and name not in found:
        found[name] = Actor(
            id=f"ACT-{slug(name)}", name=name.capitalize(), type=kind, basis=basis, source=place, rule_id=rule_id
        )


def _of_mission(sentence: Sentence) -> Iterator[str]:
    """Yield the people whom a mission names after saying who wants the system."""
    _, _, wanted = sentence.text.partition(" ")
    lead = _WANTING.search(wanted)
    words = _PLAIN_WORD.findall(wanted[lead.end() :]) if lead else []
    for before, word in zip(["", *words], words, strict=False):
        if lexicon.is_person(word) and word.islower() and singular(word) not in lexicon.people().groups:
            name = singular(word)
            yield f"{before.lower()} {name}" if name in lexicon.people().generic and _qualifies(before) else name


def _qualifies(word: str) -> bool:
    words_of = lexicon.grammar()
    low = word.lower()
    return bool(low) and low not in words_of.determiners | words_of.prepositions | words_of.modifiers | {"and", "or"}


def _without_short_forms(found: dict[str, Actor]) -> Iterable[Actor]:
    """Leave out "handler" where exactly one "claims handler" is there."""
    return [
        actor
        for name, actor in found.items()
        if name in lexicon.people().own or sum(other.endswith(f" {name}") for other in found) != 1
    ]


def _externals(text: str, sentences: Sequence[Sentence]) -> list[Actor]:
    found: dict[str, Actor] = {}
    for sentence in sentences:
        known_here = False
        for kind in lexicon.people().external:
            match = _first_term(sentence.text, kind.terms)
            if match:
                known_here = True
                start = sentence.start + match.start()
                place = source(text, start, start + len(match.group()))
                # A product is called by its own name: "SAP" is an ERP, and the client knows it as SAP.
                name = match.group() if match.group()[:1].isupper() and match.start() else kind.name
                _external(found, name, place, "actor.external_known")
        match = _INTEGRATION.search(sentence.text)
        if match and not known_here:
            name = phrases.noun_phrase(match.group("name"))
            is_named = any(word[:1].isupper() for word in name.split()) or bool(
                lexicon.people().machines & set(name.lower().split())
            )
            if name and is_named and not lexicon.is_person(name):
                start = sentence.start + match.start("name")
                _external(found, name, source(text, start, start + len(match.group("name"))), "actor.external_named")
    return [actor for actor in found.values() if not _abbreviates(actor.name, found.values())]


def _abbreviates(name: str, actors: Iterable[Actor]) -> bool:
    """Return whether a name like "LMS" is made of the first letters of another one's words."""
    return any("".join(word[0] for word in actor.name.split()) == name for actor in actors if " " in actor.name)


def _external(found: dict[str, Actor], name: str, place: Source, rule_id: str) -> None:
    identifier = f"ACT-{slug(name)}"
    found.setdefault(
        identifier,
        Actor(
            id=identifier, name=name, type=Actor.EXTERNAL_SYSTEM, basis=Source.EXPLICIT, source=place, rule_id=rule_id
        ),
    )


def _first_term(text: str, terms: Iterable[str]) -> re.Match[str] | None:
    for term in terms:
        match = re.search(rf"(?<![\w-]){re.escape(term)}(?![\w-])", text, re.IGNORECASE)
        if match:
            return match
    return None


def _place(text: str, sentence: Sentence) -> Source:
    return source(text, sentence.start, sentence.end)


def is_organisation(actor: Actor) -> bool:
    """Return whether an actor is a group or a company rather than a person."""
    return actor.name.lower().split()[-1] in lexicon.people().groups
