"""Finds what the business keeps records of: nouns that things are done to, and nouns its industry knows.

The decision to know: two words at most name an entity, and where the industry knows the last of them, its word wins;
so "motor claim" is a claim, and "delivery slot" stays one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Entity, Requirement
from archwright.agents.v1.model_pb2 import Source
from services.agents.knowledge.industries import EntityKind, Industry
from services.agents.naming import names, nouns, singular, slug, snake
from services.agents.roles.business_analyst import lexicon, phrases
from services.agents.roles.business_analyst.clause import Clause
from services.agents.roles.business_analyst.facts import source
from services.agents.roles.business_analyst.sentences import Sentence
from services.agents.roles.business_analyst.statements import Statement, is_mission

ENTITIES_MAX = 24
"""More than a reader can keep apart; the first mentioned stay."""

_GENERAL_ATTRIBUTES = ("name", "status", "created_at")
_PEOPLE_RECORDS = frozenset({"register", "update", "delete"})
"""Classes of verbs that keep records of people rather than deal with them."""
_BY_MEANS_OF = re.compile(r"\b(?:via|by means of|with the help of) an? (?P<means>[\w' -]+)", re.IGNORECASE)
_WITH = re.compile(
    r"\bwith (?P<list>(?:an? |the |its |their |his |her )?[\w' -]+(?:, [\w' -]+)*(?:,? and [\w' -]+)?)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The entities of a request, and how to find those that a statement is about."""

    entities: tuple[Entity, ...]

    def of(self, statement: Statement) -> tuple[str, ...]:
        """Return the ids of the entities that a statement names, that of its object first."""
        in_object = self._in(statement.clause.object)
        return tuple(dict.fromkeys((*in_object, *self._in(statement.text))))

    def _in(self, text: str) -> tuple[str, ...]:
        words = nouns(text)
        hits = [entity for entity in self.entities if names(words, entity.name)]
        return tuple(entity.id for entity in sorted(hits, key=lambda entity: -len(entity.name.split())))


def find(
    text: str, sentences: Sequence[Sentence], statements: Sequence[Statement], industry: Industry | None
) -> Vocabulary:
    """Return the entities of a request, in the order in which they are named first."""
    found: dict[str, Entity] = {}
    known = industry.entities if industry else ()
    for sentence in sentences:
        words = nouns(sentence.text) if is_mission(sentence) else ()
        for kind in known:
            if names(words, kind.name) and not lexicon.is_person(kind.name):
                _add(
                    found,
                    kind.name,
                    source(text, sentence.start, sentence.end),
                    Source.EXPLICIT,
                    "entity.industry",
                    kind,
                )
    for statement in statements:
        if statement.quality is not None or statement.priority == Requirement.WONT:
            continue
        words = nouns(statement.text)
        for kind in known:
            if names(words, kind.name) and not (_is_person_only(statement, kind.name)):
                _keep(found, kind.name, statement, text, kind)
        for name in _objects(statement, known):
            _keep(found, name, statement, text, next((kind for kind in known if kind.name == name), None))
    return Vocabulary(tuple(found.values())[:ENTITIES_MAX])


def _is_person_only(statement: Statement, name: str) -> bool:
    """Return whether a person is only acting or being told, so that nothing is kept about them here."""
    return lexicon.is_person(name) and lexicon.verb_class(statement.clause.verb or "update").id not in _PEOPLE_RECORDS


def _objects(statement: Statement, known: Sequence[EntityKind]) -> Iterator[str]:
    clause = statement.clause
    if clause.verb in {"", "be", "have"} or lexicon.lemma(clause.verb) is None:
        return
    means = _BY_MEANS_OF.search(clause.rest)
    for piece in (*re.split(r",| and | or |/", clause.object), *([means.group("means")] if means else ())):
        name = _head(piece, known) or _written(piece, clause)
        if not name:
            continue
        if lexicon.is_person(name) and lexicon.verb_class(clause.verb).id not in _PEOPLE_RECORDS:
            continue
        yield name


def _written(phrase: str, clause: Clause) -> str:
    """Return what is a record because people write it, and else is what a system shows: a doctor's report."""
    last = singular(phrase.strip().lower().rpartition(" ")[2])
    is_made = lexicon.is_person(clause.actor) and lexicon.verb_class(clause.verb).id == "register"
    return last if is_made and last in lexicon.people().written else ""


def _head(phrase: str, known: Sequence[EntityKind]) -> str:
    """Return the noun that a phrase is about, in the singular and at most two words."""
    before, of, after = phrase.strip().partition(" of ")
    head_words = before.lower().split()
    if of and head_words and singular(head_words[-1]) in lexicon.grammar().measures:
        return _head(phrases.noun_phrase(after), known)
    words = [re.sub(r"[^a-z0-9à-ÿ-]", "", word.removesuffix("'s")) for word in head_words]
    words = [word for word in words if word]
    words = [word for word in words[:-1] if not _describes(word)] + words[-1:]
    if not words:
        return ""
    words = [*words[:-1], singular(words[-1])][-2:]
    name = " ".join(words)
    kinds = {kind.name for kind in known}
    if len(words) == 2 and words[1] in lexicon.grammar().measures and (words[0] in kinds or words[1] != "list"):
        words, name = words[:1], words[0]
    if name not in kinds and words[-1] in kinds:
        name = words[-1]
    last = name.split()[-1]
    if name in lexicon.grammar().participles or (name not in kinds and len(words) == 1 and name.endswith("ed")):
        return ""
    if (
        (last in lexicon.people().abstract and name != f"{words[0]} list")
        or last in lexicon.people().system
        or name in lexicon.grammar().measures
        or len(last) < 3
        or last.isdigit()
    ):
        return ""
    return name


def _describes(word: str) -> bool:
    return word in lexicon.grammar().adjectives or word.endswith(("ed", "ly", "able", "ible"))


def _keep(found: dict[str, Entity], name: str, statement: Statement, text: str, kind: EntityKind | None) -> None:
    place = source(text, statement.sentence.start, statement.sentence.end) if statement.sentence else None
    rule_id = statement.rule_id or ("entity.industry" if kind else "entity.object")
    entity = _add(found, name, place, statement.basis, rule_id, kind)
    for attribute in _attributes(statement, name):
        if attribute not in entity.attributes:
            entity.attributes.append(attribute)
    if kind is None:
        for attribute in _GENERAL_ATTRIBUTES:
            if attribute not in entity.attributes:
                entity.attributes.append(attribute)


def _add(
    found: dict[str, Entity],
    name: str,
    place: Source | None,
    basis: Source.Basis.ValueType,
    rule_id: str,
    kind: EntityKind | None,
) -> Entity:
    attributes = list(kind.attributes) if kind else []
    entity = Entity(
        id=f"ENT-{slug(name)}", name=name, attributes=attributes, source=place, basis=basis, rule_id=rule_id
    )
    return found.setdefault(slug(name), entity)


def _attributes(statement: Statement, name: str) -> Iterator[str]:
    """Yield what "register a claim with date, place and photos" says is known of a claim."""
    clause = statement.clause
    if lexicon.verb_class(clause.verb or "update").id != "register" or name not in " ".join(nouns(clause.object)):
        return
    match = _WITH.search(clause.rest)
    for piece in re.split(r",| and ", match.group("list")) if match else ():
        phrase = phrases.noun_phrase(piece)
        if phrase and len(phrase.split()) <= 3 and not lexicon.is_person(phrase):
            yield snake(" ".join(nouns(phrase)))
