"""The gate into the model: operations of all roles in, one sound `Model` out.

Whatever the operations say, the result can be drawn and exported: what is unknown, dangling or illegal is left out and
becomes a problem that readers see. Relations are judged last, so the order among the roles' operations does not matter
to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.elements import JUNCTIONS, AccessType, ElementType, RelationType
from services.agents.model.graph import Element, Model, Problem, Properties, Relation, Severity
from services.agents.model.relationships import Concept, permitted
from services.agents.model.text import xml_id, xml_text

TRACE_PROPERTY = "Traces to"
"""The property that holds the ids of requirements and other items that a concept comes from."""

RESERVED_PREFIXES = ("view-", "propdef-", "model-")
"""Beginnings of ids that the exchange file keeps for itself."""

_ELEMENT_TYPES = {one.value: one for one in ElementType}
_RELATION_TYPES = {one.value: one for one in RelationType}
_ACCESS = {one.value.lower(): one for one in AccessType}
_RELATION_PROPS = frozenset({"access_type", "strength", "directed"})


def merge(
    outputs: Iterable[AgentOutput],
    *,
    name: str = "Architecture",
    documentation: str = "",
    baseline: Model | None = None,
) -> Model:
    """Return the model that the operations of `outputs` make, in order. Never fails: see `Model.problems`.

    They begin from nothing, or from a model that exists. What they leave alone of that stays as it is, its ids and
    what the standard forbids included.
    """
    draft = _Draft() if baseline is None else _Draft.of(baseline)
    for output in outputs:
        for op in output.model_ops:
            draft.apply(op)
    relations = draft.sound_relations()
    return Model(
        name=xml_text(name).strip() or "Architecture",
        elements=draft.elements,
        relations=relations,
        documentation=xml_text(documentation),
        problems=tuple(draft.problems),
    )


@dataclass(slots=True)
class _Draft:
    """A model in the making, whose relations may still be anything."""

    elements: dict[str, Element] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Ids as the operations spell them, and the XML names that they became."""
    taken: set[str] = field(default_factory=set)
    there_before: Mapping[str, Relation] = field(default_factory=dict)

    @classmethod
    def of(cls, baseline: Model) -> _Draft:
        """Return a draft that begins as `baseline`."""
        known = (*baseline.elements, *baseline.relations)
        return cls(
            elements=dict(baseline.elements),
            relations=dict(baseline.relations),
            ids={one: one for one in known},
            taken=set(known),
            there_before=baseline.relations,
        )

    def apply(self, op: ModelOp) -> None:
        match op.op:
            case ModelOp.ADD_ELEMENT:
                self._add_element(op)
            case ModelOp.ADD_RELATION:
                self._add_relation(op)
            case ModelOp.UPDATE:
                self._update(op)
            case ModelOp.REMOVE:
                self._remove(self._id(op.id))
            case ModelOp.REPLACE:
                self._replace(op)
            case _:
                self._warn("MODEL_OP_UNKNOWN", f"An operation on {op.id!r} does not say what to do.", op.id)

    def sound_relations(self) -> dict[str, Relation]:
        """Return the relations that have both ends and are permitted, each fact once; report the others."""
        ended = self._with_ends(self.relations)
        sound: dict[str, Relation] = {}
        seen: set[tuple[RelationType, str, str]] = set()
        for relation in ended.values():
            fact = (relation.type, relation.source_id, relation.target_id)
            is_as_before = self.there_before.get(relation.id) == relation
            if is_as_before or (fact not in seen and self._is_legal(relation, ended)):
                seen.add(fact)
                sound[relation.id] = relation
        return self._with_ends(sound)

    def _with_ends(self, relations: Mapping[str, Relation]) -> dict[str, Relation]:
        """Return the relations whose ends exist, also once those without ends are gone."""
        kept = dict(relations)
        while dropped := [one for one in kept.values() if not self._has_ends(one, kept)]:
            for relation in dropped:
                del kept[relation.id]
        return kept

    def _add_element(self, op: ModelOp) -> None:
        element_type = _ELEMENT_TYPES.get(op.type)
        if element_type is None:
            self._error("MODEL_TYPE_UNKNOWN", f"{op.type!r} is not an ArchiMate element type ({op.id}).", op.id)
            return
        element_id = self._id(op.id)
        name = " ".join(xml_text(op.name).split())
        if not name and element_type not in JUNCTIONS:
            self._warn("MODEL_NAME_MISSING", f"The {element_type.words.lower()} {op.id!r} has no name.", op.id)
            name = element_id
        element = Element(element_id, element_type, name, xml_text(op.rationale), _properties(op))
        there = self.elements.get(element_id)
        if there is not None or element_id in self.relations:
            if there is None or (there.type, there.name) != (element.type, element.name):
                self._warn("MODEL_ID_TAKEN", f"{op.id!r} is already something else; the first meaning stands.", op.id)
            return
        self.elements[element_id] = element

    def _add_relation(self, op: ModelOp) -> None:
        relation_type = _relation_type(op.type)
        if relation_type is None:
            self._error("MODEL_TYPE_UNKNOWN", f"{op.type!r} is not an ArchiMate relation ({op.id}).", op.id)
            return
        relation_id = self._id(op.id)
        relation = Relation(
            id=relation_id,
            type=relation_type,
            source_id=self._id(op.source_id),
            target_id=self._id(op.target_id),
            name=" ".join(xml_text(op.name).split()),
            documentation=xml_text(op.rationale),
            properties=_properties(op, without=_RELATION_PROPS),
            access=_access(op.props) if relation_type is RelationType.ACCESS else None,
            strength=xml_text(op.props.get("strength", "")) if relation_type is RelationType.INFLUENCE else "",
            directed=relation_type is RelationType.ASSOCIATION and op.props.get("directed", "") == "true",
        )
        there = self.relations.get(relation_id)
        if there is None and relation_id not in self.elements:
            self.relations[relation_id] = relation
        elif there is None or (there.type, *_ends(there)) != (relation.type, *_ends(relation)):
            self._warn("MODEL_ID_TAKEN", f"{op.id!r} is already something else; the first meaning stands.", op.id)

    def _update(self, op: ModelOp) -> None:
        concept_id = self._id(op.id)
        name = " ".join(xml_text(op.name).split())
        if concept_id in self.elements:
            element = self.elements[concept_id]
            self.elements[concept_id] = replace(
                element,
                name=name or element.name,
                documentation=xml_text(op.rationale) or element.documentation,
                properties=_joined(element.properties, _properties(op)),
            )
        elif concept_id in self.relations:
            relation = self.relations[concept_id]
            self.relations[concept_id] = replace(
                relation,
                name=name or relation.name,
                documentation=xml_text(op.rationale) or relation.documentation,
                properties=_joined(relation.properties, _properties(op, without=_RELATION_PROPS)),
            )
        else:
            self._warn("MODEL_ID_UNKNOWN", f"There is no {op.id!r} to update.", op.id)

    def _remove(self, concept_id: str) -> None:
        if concept_id in self.elements:
            del self.elements[concept_id]
            for relation in list(self.relations.values()):
                if concept_id in _ends(relation):
                    self._remove(relation.id)
        elif concept_id in self.relations:
            del self.relations[concept_id]
        else:
            self._warn("MODEL_ID_UNKNOWN", f"There is no {concept_id!r} to remove.", concept_id)

    def _replace(self, op: ModelOp) -> None:
        """Put a new element where the old one was; the old one's relations move over."""
        old_id = self._id(op.source_id)
        if old_id not in self.elements:
            self._warn("MODEL_ID_UNKNOWN", f"There is no {op.source_id!r} to replace by {op.id!r}.", op.source_id)
        self._add_element(op)
        new_id = self._id(op.id)
        if old_id not in self.elements or new_id not in self.elements or old_id == new_id:
            return
        for relation in list(self.relations.values()):
            source, target = (new_id if end == old_id else end for end in _ends(relation))
            self.relations[relation.id] = replace(relation, source_id=source, target_id=target)
        del self.elements[old_id]

    def _has_ends(self, relation: Relation, kept: Mapping[str, Relation]) -> bool:
        missing = [end for end in _ends(relation) if end not in self.elements and end not in kept]
        if missing:
            ends = " and ".join(map(repr, missing))
            self._error(
                "MODEL_END_MISSING",
                f"{relation.type} {relation.id!r} was left out: the model has no {ends}.",
                relation.id,
                *missing,
            )
        return not missing

    def _is_legal(self, relation: Relation, kept: Mapping[str, Relation]) -> bool:
        source, target = (self._concept(end, kept) for end in _ends(relation))
        allowed = permitted(source, target)
        if relation.type in allowed:
            return True
        instead = ", ".join(sorted(allowed)) or "nothing"
        self._error(
            "MODEL_RELATION_ILLEGAL",
            f"{relation.type} from {source} to {target} is not permitted, so {relation.id!r} was left out; "
            f"ArchiMate 3.2 permits {instead}.",
            relation.id,
            relation.source_id,
            relation.target_id,
        )
        return False

    def _concept(self, concept_id: str, kept: Mapping[str, Relation]) -> Concept:
        return self.elements[concept_id].type if concept_id in self.elements else kept[concept_id].type

    def _id(self, spelled: str) -> str:
        """Return the XML name that stands for `spelled`, the same each time and different for different ids."""
        if spelled in self.ids:
            return self.ids[spelled]
        wanted = xml_id(spelled)
        if wanted.startswith(RESERVED_PREFIXES):
            wanted = f"id-{wanted}"
        unique, ordinal = wanted, 2
        while unique in self.taken:
            unique, ordinal = f"{wanted}-{ordinal}", ordinal + 1
        if unique != spelled:
            message = f"{spelled!r} is no usable id; it became {unique!r}."
            self.problems.append(Problem(Severity.INFO, "MODEL_ID_RENAMED", message, (unique,)))
        self.ids[spelled] = unique
        self.taken.add(unique)
        return unique

    def _warn(self, code: str, message: str, *subject_ids: str) -> None:
        self.problems.append(Problem(Severity.WARNING, code, message, subject_ids))

    def _error(self, code: str, message: str, *subject_ids: str) -> None:
        self.problems.append(Problem(Severity.ERROR, code, message, subject_ids))


def _relation_type(name: str) -> RelationType | None:
    """Return the relation called `name`, with or without the ending `Relationship`."""
    return _RELATION_TYPES.get(name.removesuffix("Relationship"))


def _ends(relation: Relation) -> tuple[str, str]:
    return relation.source_id, relation.target_id


def _access(props: Mapping[str, str]) -> AccessType:
    return _ACCESS.get(props.get("access_type", "").replace("_", "").lower(), AccessType.ACCESS)


def _properties(op: ModelOp, *, without: frozenset[str] = frozenset()) -> Properties:
    found = {xml_text(key): xml_text(value) for key, value in op.props.items() if key not in without and key.strip()}
    if op.trace_ids:
        found[TRACE_PROPERTY] = xml_text(", ".join(op.trace_ids))
    return tuple(sorted(found.items()))


def _joined(there: Properties, new: Properties) -> Properties:
    return tuple(sorted({**dict(there), **dict(new)}.items()))
