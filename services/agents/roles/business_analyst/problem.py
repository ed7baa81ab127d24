"""Says in a few sentences what is to be solved, what belongs to it, and what the words mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archwright.agents.v1.business_analyst_pb2 import Actor, DomainEvent, Entity, GlossaryEntry, Requirement, Scope
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.knowledge.industries import Industry
from services.agents.naming import names as mentioned
from services.agents.naming import nouns, slug
from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.regulations import regulations
from services.agents.roles.business_analyst.requirements import event_name
from services.agents.roles.business_analyst.sentences import Section, Sentence
from services.agents.roles.business_analyst.statements import is_mission

_EVENT_CLASSES = frozenset({"register", "decide", "pay", "assess", "assign", "fulfil", "delete"})
_FRAME = (Fact.USERS, Fact.REGULATION, Fact.CLOUD, Fact.BUDGET, Fact.DEADLINE)
_QUOTE_LENGTH_MAX = 400


def statement(sentences: Sequence[Sentence], facts: Sequence[Fact], requirements: Sequence[Requirement]) -> str:
    """Return the problem in the client's words, with its frame and what people want to do."""
    parts = []
    missions = [one for one in sentences if is_mission(one)] or [
        one for one in sentences if one.section is Section.BODY
    ][:1]
    if missions:
        parts.append(missions[0].text[:_QUOTE_LENGTH_MAX].rstrip(".!") + ".")
    frame = [fact.source.quote for fact in facts if fact.kind in _FRAME]
    if frame:
        parts.append(f"The frame: {', '.join(dict.fromkeys(frame))}.")
    wishes = [
        f"{one.verb} {_inside(one.object)}"
        for one in requirements
        if one.kind == Requirement.FUNCTIONAL and one.verb and one.object
    ]
    if wishes:
        parts.append(f"People and the system have to {', '.join(dict.fromkeys(wishes[:6]))}.")
    return " ".join(parts) or "The request does not say what is to be solved."


def _inside(phrase: str) -> str:
    """Return a phrase as it stands inside a sentence: a lone capital at its front goes."""
    return phrase[0].lower() + phrase[1:] if phrase[1:2].islower() else phrase


def scope(requirements: Sequence[Requirement], entities: Sequence[Entity]) -> Scope:
    """Return what belongs to the work, by entity, and what the request leaves out."""
    inside = []
    for entity in entities:
        verbs = [one.verb for one in requirements if one.entity_ids[:1] == [entity.id] and _is_wanted(one)]
        if verbs:
            inside.append(f"{entity.name}: {', '.join(dict.fromkeys(verbs))}")
    outside = [one.statement for one in requirements if one.priority == Requirement.WONT]
    return Scope(in_scope=inside, out_of_scope=outside)


def _is_wanted(requirement: Requirement) -> bool:
    return (
        requirement.kind == Requirement.FUNCTIONAL
        and requirement.priority != Requirement.WONT
        and bool(requirement.verb)
    )


def events(requirements: Sequence[Requirement], entities: Sequence[Entity]) -> tuple[DomainEvent, ...]:
    """Return what happens to entities that somebody may have to react to."""
    names = {entity.id: entity.name for entity in entities}
    found: dict[str, DomainEvent] = {}
    for one in requirements:
        if one.kind != Requirement.FUNCTIONAL or not one.entity_ids or not one.verb or one.priority == Requirement.WONT:
            continue
        if lexicon.verb_class(one.verb).id not in _EVENT_CLASSES:
            continue
        entity_id = one.entity_ids[0]
        if not mentioned(nouns(one.object), names[entity_id]):
            continue
        name = event_name(names[entity_id], one.verb)
        identifier = f"EVT-{slug(name)}"
        event = found.setdefault(identifier, DomainEvent(id=identifier, name=name.capitalize(), entity_id=entity_id))
        event.req_ids.append(one.id)
    return tuple(found.values())


def glossary(
    facts: Sequence[Fact], entities: Sequence[Entity], actors: Sequence[Actor], industry: Industry | None
) -> tuple[GlossaryEntry, ...]:
    """Return the words that readers may not know, with their meaning."""
    return tuple(sorted(_glossary(facts, entities, actors, industry), key=lambda entry: entry.term.lower()))


def _glossary(
    facts: Sequence[Fact], entities: Sequence[Entity], actors: Sequence[Actor], industry: Industry | None
) -> Iterator[GlossaryEntry]:
    known = {kind.name: kind for kind in industry.entities} if industry else {}
    for entity in entities:
        if entity.name in known:
            yield _entry(
                entity.name,
                known[entity.name].definition,
                entity.source,
                entity.HasField("source"),
                "glossary.industry",
            )
    for fact in facts:
        if fact.kind == Fact.REGULATION:
            regulation = regulations()[fact.value]
            meaning = f"{regulation.name}. {regulation.definition}"
            yield _entry(fact.value, meaning, fact.source, True, "glossary.regulation")
    purposes = {name.lower(): kind.purpose for kind in lexicon.people().external for name in (kind.name, *kind.terms)}
    for actor in actors:
        if actor.type == Actor.EXTERNAL_SYSTEM and actor.name.lower() in purposes:
            yield _entry(
                actor.name,
                f"{purposes[actor.name.lower()]}.",
                actor.source,
                actor.HasField("source"),
                "glossary.external",
            )


def _entry(term: str, definition: str, place: Source, is_named: bool, rule_id: str) -> GlossaryEntry:
    return GlossaryEntry(
        term=term,
        definition=definition,
        source=place if is_named else None,
        basis=Source.DERIVED if is_named else Source.ASSUMED,
        rule_id=rule_id,
    )
