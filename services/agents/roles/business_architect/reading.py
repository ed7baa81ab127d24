"""What the business architect takes from the requirements, read once and asked often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Actor, Entity, Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Fact
from services.agents.knowledge.industries import Industry, by_id, recognise
from services.agents.naming import stems

Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The requirements of one request with the words of each, and the industry they belong to."""

    spec: RequirementsSpec
    text: str
    """The request as the client wrote it; empty where it did not come along."""
    industry: Industry | None
    wanted: tuple[Requirement, ...]
    """Functions that are in scope."""
    stems: Mapping[str, Stems]
    """The stems of each requirement's words, by its id."""
    entities: Mapping[str, Entity]
    actors: Mapping[str, Actor]

    @classmethod
    def of(cls, spec: RequirementsSpec, text: str) -> Reading:
        """Read `spec`; the industry is what the analyst found, else what the words say."""
        named = next((fact.value for fact in spec.facts if fact.kind == Fact.INDUSTRY), "")
        words = text or " ".join(one.statement for one in spec.requirements)
        found = recognise(words)
        return cls(
            spec=spec,
            text=text,
            industry=by_id(named) or (found.industry if found else None),
            wanted=tuple(one for one in spec.requirements if is_wanted(one)),
            stems={one.id: stems(f"{one.statement} {one.verb} {one.object}") for one in spec.requirements},
            entities={entity.id: entity for entity in spec.entities},
            actors={actor.id: actor for actor in spec.actors},
        )

    def has_regulation(self) -> bool:
        """Return whether a law or standard is named."""
        return any(fact.kind == Fact.REGULATION for fact in self.spec.facts)

    def hits(self, terms: Sequence[str], requirements: Sequence[Requirement]) -> tuple[str, ...]:
        """Return the ids of those requirements that one of `terms` stands in."""
        wanted = [stems(term) for term in terms]
        return tuple(one.id for one in requirements if any(contains(self.stems[one.id], term) for term in wanted))

    def speaks_of(self, terms: Sequence[str]) -> bool:
        """Return whether one of `terms` stands in the request or in a requirement."""
        wanted, words = [stems(term) for term in terms], stems(self.text)
        return any(contains(words, term) for term in wanted) or bool(self.hits(terms, self.spec.requirements))


def is_wanted(requirement: Requirement) -> bool:
    """Return whether a requirement is a function that is in scope."""
    return requirement.kind == Requirement.FUNCTIONAL and requirement.priority != Requirement.WONT


def contains(words: Stems, phrase: Stems) -> bool:
    """Return whether `phrase` stands in `words`, side by side."""
    length = len(phrase)
    return bool(phrase) and any(words[at : at + length] == phrase for at in range(len(words) - length + 1))
