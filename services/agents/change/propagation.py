"""What hangs on the elements that are to be changed: how far away, by which way, and for whom nothing else is there.

The decision to know: an impact runs along dependencies only. Whoever is served, realised, assigned to, or reads what
changes is reached, and so is whoever depends on that one. What is merely connected (parts of the same whole, flows,
triggers, influences, associations) is reported one step further and leads nowhere: following every connection marks
nearly the whole of a real model, which tells nobody anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.agents.model.elements import AccessType, ElementType, RelationType
from services.agents.model.graph import Element, Model, Relation

_PROVIDING = frozenset({RelationType.SERVING, RelationType.REALIZATION, RelationType.ASSIGNMENT})
_PARTS = frozenset({RelationType.COMPOSITION, RelationType.AGGREGATION})
_ONWARD = frozenset({RelationType.FLOW, RelationType.TRIGGERING, RelationType.INFLUENCE})
_NEEDED = frozenset({RelationType.REALIZATION, RelationType.ASSIGNMENT})
"""Relations without which their target is there no more; whoever is merely served goes on, worse."""
_WANTED = frozenset(
    {
        ElementType.REQUIREMENT,
        ElementType.CONSTRAINT,
        ElementType.PRINCIPLE,
        ElementType.GOAL,
        ElementType.OUTCOME,
        ElementType.CAPABILITY,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an impact: from an element over a relation to the next."""

    relation: Relation
    source_id: str
    target_id: str


@dataclass(frozen=True, slots=True)
class Impacted:
    """An element that a change reaches."""

    element: Element
    distance: int
    """How many steps from the nearest changed element; at least 1."""
    path: tuple[Step, ...]
    """From a changed element to this one."""
    is_strong: bool
    """Whether it depends on what changes; otherwise it is only connected with what does."""
    is_sole: bool
    """Whether the last step comes from its only provider of that kind."""


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that a change reaches, and what it rests on."""

    impacted: tuple[Impacted, ...]
    """Nearest first, those that depend before those that are connected."""
    upstream: tuple[Element, ...]
    """What the changed elements themselves depend on directly, and what may be left without a purpose."""
    lost: tuple[Element, ...]
    """Requirements, goals and capabilities that nobody realises any more once the changed elements are gone."""


def propagate(model: Model, seed_ids: Sequence[str]) -> Impact:
    """Return what changing the elements with these ids reaches; ids that the model does not have count for nothing."""
    seeds = [one for one in dict.fromkeys(seed_ids) if one in model.elements]
    ways = _ways(model.relations.values(), set(seeds))
    reached = _reached(model, seeds, ways)
    strong = [_impacted(model, target, path, is_strong=True) for target, path in reached.items() if path]
    weak = [_impacted(model, target, path, is_strong=False) for target, path in _fringe(model, reached).items()]
    return Impact(
        impacted=tuple(sorted([*strong, *weak], key=lambda one: (not one.is_strong, one.distance))),
        upstream=_upstream(model, seeds, reached),
        lost=_lost(model, seeds),
    )


def dependencies(relation: Relation) -> Iterator[tuple[str, str]]:
    """Yield (from, to) for each direction in which an impact runs along a relation."""
    source, target = relation.source_id, relation.target_id
    if relation.type in _PROVIDING:
        yield source, target
    elif relation.type is RelationType.SPECIALIZATION:
        yield target, source
    elif relation.type is RelationType.ACCESS:
        yield target, source
        if relation.access is not AccessType.READ:
            yield source, target


def connections(relation: Relation) -> Iterator[tuple[str, str]]:
    """Yield (from, to) for each direction in which a relation connects without making anybody depend."""
    source, target = relation.source_id, relation.target_id
    if relation.type in _ONWARD:
        yield source, target
    elif relation.type in _PARTS or relation.type is RelationType.ASSOCIATION:
        yield source, target
        yield target, source


def _ways(relations: Iterable[Relation], seeds: set[str]) -> Mapping[str, list[Step]]:
    """Return by element the steps that an impact takes from it; from a changed whole also those to its parts."""
    found: dict[str, list[Step]] = {}
    for relation in relations:
        steps = list(dependencies(relation))
        if relation.type in _PARTS and relation.source_id in seeds:
            steps.append((relation.source_id, relation.target_id))
        for source, target in steps:
            found.setdefault(source, []).append(Step(relation, source, target))
    return found


def _reached(model: Model, seeds: Sequence[str], ways: Mapping[str, Sequence[Step]]) -> dict[str, tuple[Step, ...]]:
    """Return the shortest path to each element that is reached, changed ones with an empty one."""
    paths: dict[str, tuple[Step, ...]] = dict.fromkeys(seeds, ())
    waiting = deque(seeds)
    while waiting:
        here = waiting.popleft()
        for step in ways.get(here, ()):
            if step.target_id in model.elements and step.target_id not in paths:
                paths[step.target_id] = (*paths[here], step)
                waiting.append(step.target_id)
    return paths


def _fringe(model: Model, reached: Mapping[str, tuple[Step, ...]]) -> dict[str, tuple[Step, ...]]:
    """Return the path to each element that is connected with a reached one and is none itself."""
    found: dict[str, tuple[Step, ...]] = {}
    for relation in model.relations.values():
        for source, target in connections(relation):
            if source not in reached or target in reached or target not in model.elements:
                continue
            path = (*reached[source], Step(relation, source, target))
            if target not in found or len(path) < len(found[target]):
                found[target] = path
    return found


def _impacted(model: Model, element_id: str, path: tuple[Step, ...], *, is_strong: bool) -> Impacted:
    last = path[-1]
    providers = {
        source
        for relation in model.relations.values()
        if relation.type is last.relation.type
        for source, target in dependencies(relation)
        if target == element_id
    }
    return Impacted(
        element=model.elements[element_id],
        distance=len(path),
        path=path,
        is_strong=is_strong,
        is_sole=is_strong and last.relation.type in _PROVIDING and providers == {last.source_id},
    )


def _upstream(model: Model, seeds: Sequence[str], reached: Mapping[str, object]) -> tuple[Element, ...]:
    found = {
        source: None
        for relation in model.relations.values()
        for source, target in dependencies(relation)
        if target in seeds and source in model.elements and source not in reached
    }
    return tuple(model.elements[one] for one in found)


def _lost(model: Model, seeds: Sequence[str]) -> tuple[Element, ...]:
    """Return what is wanted and has no realisation left when the changed elements, and what needs them, are gone."""
    providers: dict[str, set[str]] = {}
    for relation in model.relations.values():
        if relation.type in _NEEDED and relation.target_id in model.elements:
            providers.setdefault(relation.target_id, set()).add(relation.source_id)
    gone = set(seeds)
    while more := {one for one, needed in providers.items() if one not in gone and needed <= gone}:
        gone |= more
    return tuple(one for one in model.elements.values() if one.id in gone - set(seeds) and one.type in _WANTED)
