"""What a change does to the model: operations on it, each permitted by the standard.

A decision about content is nobody's here: what is new has the name that the request gives it, and stands where its
predecessor stood, or beside what it is for. Relations are only added where the table of the standard permits them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment
from archwright.agents.v1.model_pb2 import ModelOp
from services.agents.change.reading import Change, Newcomer
from services.agents.model.elements import ElementType, RelationType
from services.agents.model.graph import Element, Model, Relation
from services.agents.model.relationships import is_permitted
from services.agents.naming import slug

CHANGE_PROPERTY = "Change"
"""The property of a changed element that says what is asked of it."""

_PREFERRED = (
    RelationType.SERVING,
    RelationType.ACCESS,
    RelationType.REALIZATION,
    RelationType.FLOW,
    RelationType.ASSOCIATION,
)
"""How something new is tied to what it is for: the first that is permitted."""
_NAME_LETTERS_MAX = 120


def operations(change: Change, model: Model, request: str) -> tuple[ModelOp, ...]:
    """Return what to do to `model`, in order."""
    seeds = [one.element for one in change.seeds]
    wish = " ".join(request.split())
    maker = _Maker(model, wish)
    match change.kind:
        case ChangeAssessment.REMOVE:
            found = maker.removed(seeds)
        case ChangeAssessment.REPLACE | ChangeAssessment.MOVE:
            found = maker.replaced(seeds, change.newcomers)
        case ChangeAssessment.MERGE:
            found = maker.merged(seeds, change.newcomers)
        case ChangeAssessment.SPLIT:
            found = maker.divided(seeds, change.newcomers)
        case ChangeAssessment.INTEGRATE:
            found = maker.connected(seeds, change.newcomers)
        case ChangeAssessment.ADD:
            beside = [*seeds, *(one.element for one in change.matched), *change.related]
            found = maker.added(change.newcomers, beside)
        case _:
            found = maker.changed(seeds)
    return tuple(found)


class _Maker:
    """Makes operations on one model, for one wish; ids of what is new follow from its name."""

    def __init__(self, model: Model, wish: str) -> None:
        self._model = model
        self._wish = wish
        self._taken = {*model.elements, *model.relations}

    def removed(self, elements: Iterable[Element]) -> Iterator[ModelOp]:
        gone: set[str] = set()
        for element in elements:
            for relation in self._relations_of(element):
                if relation.id not in gone:
                    gone.add(relation.id)
                    yield self._op(ModelOp.REMOVE, relation.id)
            yield self._op(ModelOp.REMOVE, element.id)

    def replaced(self, elements: Sequence[Element], newcomers: Sequence[Newcomer]) -> Iterator[ModelOp]:
        for at, element in enumerate(elements):
            name = newcomers[min(at, len(newcomers) - 1)].name if newcomers else f"New {element.name}"
            kind = self._fitting(element, newcomers[min(at, len(newcomers) - 1)].type if newcomers else "")
            yield self._op(
                ModelOp.REPLACE,
                self._new_id(name),
                type=kind.value,
                name=name,
                layer=_layer(kind),
                source_id=element.id,
            )

    def merged(self, elements: Sequence[Element], newcomers: Sequence[Newcomer]) -> Iterator[ModelOp]:
        ids = {one.id for one in elements}
        for relation in self._model.relations.values():
            if {relation.source_id, relation.target_id} <= ids:
                yield self._op(ModelOp.REMOVE, relation.id)
        if not elements:
            return
        first, *others = elements
        if newcomers:
            name, into = newcomers[0].name, self._new_id(newcomers[0].name)
            others = list(elements)
        else:
            name, into = first.name, first.id
        for element in others:
            yield self._op(
                ModelOp.REPLACE, into, type=first.type.value, name=name, layer=_layer(first.type), source_id=element.id
            )

    def divided(self, elements: Sequence[Element], newcomers: Sequence[Newcomer]) -> Iterator[ModelOp]:
        for element in elements:
            for newcomer in newcomers:
                part = self._new_id(newcomer.name)
                yield self._add(part, newcomer.name, element.type)
                yield self._relate(RelationType.COMPOSITION, element.id, part)
        yield from self.changed(elements)

    def connected(self, elements: Sequence[Element], newcomers: Sequence[Newcomer]) -> Iterator[ModelOp]:
        ends = list(elements)
        for newcomer in newcomers[: max(0, 2 - len(ends))]:
            kind = _type(newcomer.type)
            added = Element(self._new_id(newcomer.name), kind, newcomer.name)
            ends.append(added)
            yield self._add(added.id, added.name, kind)
        for source, target in pairwise(ends):
            yield from self._tied(source, target, (RelationType.FLOW, *_PREFERRED))
        yield from self.changed(elements)

    def added(self, newcomers: Sequence[Newcomer], beside: Sequence[Element]) -> Iterator[ModelOp]:
        if not newcomers:
            yield from self.changed(beside)
            return
        for newcomer in newcomers:
            element = Element(self._new_id(newcomer.name), _type(newcomer.type), newcomer.name)
            yield self._add(element.id, element.name, element.type)
            for other in beside:
                yield from self._tied(element, other, _PREFERRED)

    def changed(self, elements: Sequence[Element]) -> Iterator[ModelOp]:
        """Note the wish at each element, and as a requirement that they realise."""
        if not elements:
            return
        name = self._wish if len(self._wish) <= _NAME_LETTERS_MAX else f"{self._wish[: _NAME_LETTERS_MAX - 1]}…"
        requirement = Element(self._new_id(name), ElementType.REQUIREMENT, name)
        yield self._add(requirement.id, name, requirement.type)
        for element in elements:
            yield self._op(ModelOp.UPDATE, element.id, props={CHANGE_PROPERTY: self._wish})
            yield from self._tied(element, requirement, (RelationType.REALIZATION, RelationType.ASSOCIATION))

    def _tied(self, one: Element, other: Element, kinds: Iterable[RelationType]) -> Iterator[ModelOp]:
        kind = next((kind for kind in kinds if is_permitted(kind, one.type, other.type)), None)
        if kind is not None:
            yield self._relate(kind, one.id, other.id)

    def _fitting(self, element: Element, wanted: str) -> ElementType:
        """Return the type that a successor has: the one its name says where all relations stay permitted with it."""
        kind = _type(wanted)
        if kind.layer is not element.type.layer:
            return element.type
        for relation in self._relations_of(element):
            source, target = (
                kind if end == element.id else self._model.concept(end)
                for end in (relation.source_id, relation.target_id)
            )
            if source is None or target is None or not is_permitted(relation.type, source, target):
                return element.type
        return kind

    def _relations_of(self, element: Element) -> list[Relation]:
        return [one for one in self._model.relations.values() if element.id in {one.source_id, one.target_id}]

    def _add(self, own: str, name: str, kind: ElementType) -> ModelOp:
        return self._op(ModelOp.ADD_ELEMENT, own, type=kind.value, name=name, layer=_layer(kind))

    def _relate(self, kind: RelationType, source_id: str, target_id: str) -> ModelOp:
        own = self._new_id(f"{kind.value}-{source_id}-{target_id}")
        return self._op(ModelOp.ADD_RELATION, own, type=kind.value, source_id=source_id, target_id=target_id)

    def _op(self, op: ModelOp.Op.ValueType, own: str, **fields: object) -> ModelOp:
        return ModelOp(op=op, id=own, rationale=self._wish, **fields)  # type: ignore[arg-type]

    def _new_id(self, name: str) -> str:
        wanted = f"id-new-{slug(name)[:60].rstrip('-')}"
        unique, ordinal = wanted, 2
        while unique in self._taken:
            unique, ordinal = f"{wanted}-{ordinal}", ordinal + 1
        self._taken.add(unique)
        return unique


def _type(name: str) -> ElementType:
    return ElementType(name) if name else ElementType.APPLICATION_COMPONENT


def _layer(kind: ElementType) -> str:
    return kind.layer.name.lower()
