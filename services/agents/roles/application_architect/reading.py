"""What the requirements say about things: which requirement does what to which of them.

Everything later (grouping, interfaces, the CRUD matrix) counts these uses and never looks at sentences again, so a
sentence is read in exactly one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture
from services.agents.naming import names, nouns, slug
from services.agents.verbs import Kind, classify

_STOP = frozenset({"the", "a", "an", "his", "her", "their", "its", "our", "all", "any", "each", "every", "my", "own"})


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that the business keeps records of."""

    id: str
    entity_id: str
    name: str
    attributes: tuple[str, ...] = ()
    capability_id: str = ""
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One functional requirement, read as an operation on a thing."""

    req_id: str
    subject_id: str
    kind: Kind
    verb: str
    status: str
    mentioned: tuple[str, ...]


def functional(spec: RequirementsSpec) -> tuple[Requirement, ...]:
    """Return what the system must do, without what it explicitly will not."""
    return tuple(
        one for one in spec.requirements if one.kind == Requirement.FUNCTIONAL and one.priority != Requirement.WONT
    )


def subjects(spec: RequirementsSpec, business: BusinessArchitecture | None) -> tuple[Subject, ...]:
    """Return the things of the request, each once, in the order in which they are named.

    Without entities the objects of the requirements stand in, so that a short request still has something to keep.
    """
    owners: dict[str, tuple[str, str]] = {}
    for one in business.business_objects if business is not None else ():
        owners.setdefault(one.entity_id or slug(one.name), (one.owner_capability_id, one.id))
    found: dict[str, Subject] = {}
    for entity in spec.entities:
        capability, object_id = owners.get(entity.id, owners.get(slug(entity.name), ("", "")))
        subject = Subject(
            id=subject_id(entity.name),
            entity_id=entity.id,
            name=entity.name,
            attributes=tuple(entity.attributes),
            capability_id=capability,
            object_id=object_id,
        )
        found.setdefault(subject.id, subject)
    if not found:
        for requirement in functional(spec):
            name = thing_name(requirement.object)
            if name:
                found.setdefault(subject_id(name), Subject(subject_id(name), "", name))
    return tuple(found.values())


def uses(spec: RequirementsSpec, things: Sequence[Subject]) -> tuple[Use, ...]:
    """Return every functional requirement that is about one of `things`, as an operation on it."""
    actors = {actor.id: actor.name for actor in spec.actors}
    found = []
    for requirement in functional(spec):
        mentioned = _mentioned(requirement, things, actors.get(requirement.actor_id, ""))
        if mentioned:
            kind, status = classify(requirement.verb)
            found.append(Use(requirement.id, mentioned[0], kind, requirement.verb, status, mentioned[1:]))
    return tuple(found)


def subject_id(name: str) -> str:
    """Return the id of the data entity that stands for a thing of this name."""
    return f"DAT-{slug(' '.join(nouns(name)))}"


def thing_name(phrase: str) -> str:
    """Return the name of the thing that an object phrase is about: at most its last two words, in the singular."""
    return " ".join([word for word in nouns(phrase) if word not in _STOP][-2:])


def _mentioned(requirement: Requirement, things: Sequence[Subject], actor: str) -> tuple[str, ...]:
    """Return the things that a requirement is about, the main one first.

    The object's thing comes first, then what the analyst linked, then what the sentence names after its verb. Who acts
    is not what it is about, although the same word may stand for both.
    """
    acting = {one.id for one in things if nouns(one.name) == nouns(actor)}
    by_entity = {one.entity_id: one.id for one in things if one.entity_id}
    in_object = _named(requirement.object, things)
    linked = [by_entity[one] for one in requirement.entity_ids if one in by_entity]
    named = _named(f"{requirement.condition} . {_after_verb(requirement)}", things)
    besides = [one for one in linked if one not in acting or one in named]
    return tuple(dict.fromkeys([*in_object, *besides, *named]))


def _after_verb(requirement: Requirement) -> str:
    found = re.search(rf"\b{re.escape(requirement.verb)}", requirement.statement, re.IGNORECASE)
    return requirement.statement[found.end() :] if found and requirement.verb else requirement.statement


def _named(text: str, things: Iterable[Subject]) -> list[str]:
    """Return the things that a text names, the longest names first so that `claim photo` wins over `claim`."""
    found = nouns(text)
    hits = [one for one in things if names(found, one.name)]
    return [one.id for one in sorted(hits, key=lambda one: -len(one.name.split()))]
