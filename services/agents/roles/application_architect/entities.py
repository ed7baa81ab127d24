"""What is kept of each thing: attributes, links, and how much care it needs.

The classification rises along links: a record that points to a person is a personal record, because it says something
about that person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from archwright.agents.v1.application_architect_pb2 import DataEntity, EntityAttribute, EntityRelation
from services.agents.knowledge.load import table
from services.agents.naming import nouns, snake
from services.agents.roles.application_architect.parts import Part
from services.agents.roles.application_architect.reading import Subject, Use
from services.agents.verbs import Kind

ATTRIBUTES_MIN = 3
"""With fewer attributes from the analysis, the template adds what is usual."""

_REFERENCE = "reference"
_PERSONAL_NAMES = frozenset({"name", "title"})
_TYPES_BY_ENDING = (
    ("_at", "datetime"), ("_on", "date"), ("_from", "date"), ("_until", "date"), ("date", "date"),
    ("amount", "money"), ("price", "money"), ("cost", "money"), ("premium", "money"),
    ("quantity", "integer"), ("count", "integer"), ("rate", "decimal"), ("percent", "decimal"),
    ("description", "text"), ("comment", "text"), ("reason", "text"), ("note", "text"), ("_id", "uuid"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a template."""

    name: str
    type: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Templates:
    """What is usually known about things of a kind."""

    every: tuple[Attribute, ...]
    fallback: tuple[Attribute, ...]
    kinds: Mapping[str, tuple[Attribute, ...]]


@dataclass(frozen=True, slots=True)
class Privacy:
    """Which names are about people."""

    special_attributes: tuple[str, ...]
    personal_attributes: tuple[str, ...]
    confidential_attributes: tuple[str, ...]
    special_entities: tuple[str, ...]
    personal_entities: tuple[str, ...]
    public_entities: tuple[str, ...]


def data_entities(parts: Sequence[Part], uses: Sequence[Use]) -> tuple[DataEntity, ...]:
    """Return the record of each thing that a part keeps, in the order of the parts."""
    things = [one for part in parts for one in part.subjects]
    links = _links(things, uses)
    entities = {subject.id: _entity(subject, part.id, links[subject.id]) for part in parts for subject in part.subjects}
    _raise_along_links(entities)
    return tuple(entities.values())


def is_person(name: str) -> bool:
    """Return whether a thing of this name is a person, or what is known of one."""
    return _is_listed(name, table("privacy", Privacy).personal_entities)


def _entity(subject: Subject, owner: str, links: Mapping[str, str]) -> DataEntity:
    person = is_person(subject.name)
    attributes = [EntityAttribute(name="id", type="uuid", required=True)]
    attributes += [
        EntityAttribute(name=one.name, type=one.type, required=one.required, pii=_is_pii(one.name, person))
        for one in _attributes(subject)
    ]
    there = {one.name for one in attributes}
    pointers = [f"{name}_id" for name in links.values()]
    attributes += [EntityAttribute(name=name, type="uuid") for name in pointers if name not in there]
    return DataEntity(
        id=subject.id,
        name=subject.name,
        attributes=attributes,
        keys=["id"],
        relations=[EntityRelation(to=target, card="n:1", name=name) for target, name in links.items()],
        owner_component_id=owner,
        classification=_classification(subject.name, attributes, person=person),
        entity_id=subject.entity_id,
    )


def _attributes(subject: Subject) -> list[Attribute]:
    """Return what is known of a thing: what the request's analysis names, and the template where that is too little."""
    templates = table("entities", Templates)
    template = [one for one in templates.kinds.get(_kind(subject.name), templates.fallback) if one.type != _REFERENCE]
    own = {one.name for one in templates.every} | {"id"}
    typed = {one.name: one for one in template}
    named = [name for name in dict.fromkeys(snake(one) for one in subject.attributes) if name not in own]
    found = {name: typed.get(name, Attribute(name, _type_of(name))) for name in named}
    if len(found) < ATTRIBUTES_MIN:
        found = {**typed, **found}
    if not any(one.required for one in found.values()):
        first = next(iter(found.values()))
        found[first.name] = replace(first, required=True)
    for one in templates.every:
        found.setdefault(one.name, one)
    return list(found.values())


def _links(things: Sequence[Subject], uses: Sequence[Use]) -> dict[str, dict[str, str]]:
    """Return, by thing, the things it points to and the name of the link; never in a circle.

    Templates say what usually points to what; a requirement that creates one thing and names another links them too.
    """
    templates = table("entities", Templates)
    links: dict[str, dict[str, str]] = {one.id: {} for one in things}
    by_kind: dict[str, str] = {}
    for one in things:
        by_kind.setdefault(_kind(one.name), one.id)
    names = {one.id: snake(one.name) for one in things}
    for one in things:
        for attribute in templates.kinds.get(_kind(one.name), ()):
            target = by_kind.get(attribute.name)
            if attribute.type == _REFERENCE and target is not None:
                _link(links, one.id, target, names)
    for use in uses:
        if use.kind is Kind.CREATE and use.subject_id in links:
            for other in use.mentioned:
                if other in links:
                    _link(links, use.subject_id, other, names)
    return links


def _link(links: dict[str, dict[str, str]], source: str, target: str, names: Mapping[str, str]) -> None:
    if source != target and not _reaches(links, target, source):
        links[source][target] = names[target]


def _reaches(links: Mapping[str, Mapping[str, str]], start: str, goal: str) -> bool:
    return start == goal or any(_reaches(links, one, goal) for one in links[start])


def _raise_along_links(entities: Mapping[str, DataEntity]) -> None:
    """Make everything personal that points, however far, to something personal."""
    changed = True
    while changed:
        changed = False
        for entity in entities.values():
            linked = [entities[one.to].classification for one in entity.relations]
            if entity.classification < DataEntity.PERSONAL and any(one >= DataEntity.PERSONAL for one in linked):
                entity.classification = DataEntity.PERSONAL
                changed = True


def _classification(
    name: str, attributes: Sequence[EntityAttribute], *, person: bool
) -> DataEntity.Classification.ValueType:
    rules = table("privacy", Privacy)
    if _is_listed(name, rules.special_entities) or any(_has(one.name, rules.special_attributes) for one in attributes):
        return DataEntity.SPECIAL
    if person or any(one.pii for one in attributes):
        return DataEntity.PERSONAL
    if _is_listed(name, rules.public_entities):
        return DataEntity.PUBLIC
    if any(_has(one.name, rules.confidential_attributes) for one in attributes):
        return DataEntity.CONFIDENTIAL
    return DataEntity.INTERNAL


def _is_pii(attribute: str, person: bool) -> bool:
    rules = table("privacy", Privacy)
    if _has(attribute, rules.personal_attributes) or _has(attribute, rules.special_attributes):
        return True
    return person and attribute in _PERSONAL_NAMES


def _has(attribute: str, listed: Sequence[str]) -> bool:
    """Return whether a listed name stands in an attribute's name, word by word."""
    parts = f"_{attribute}_"
    return any(f"_{one}_" in parts for one in listed)


def _is_listed(name: str, listed: Sequence[str]) -> bool:
    found = " ".join(nouns(name))
    return any(found == one or found.endswith(f" {one}") for one in listed)


def _kind(name: str) -> str:
    return (nouns(name) or ("",))[-1]


def _type_of(name: str) -> str:
    return next((kind for ending, kind in _TYPES_BY_ENDING if name.endswith(ending)), "string")
