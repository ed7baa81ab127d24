"""Of the third layer, what all roles share: the operations on the model make a legal model."""

from __future__ import annotations

from collections.abc import Iterator

from archwright.agents.v1.model_pb2 import Finding, ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.elements import ElementType, RelationType
from services.agents.model.relationships import is_permitted
from services.agents.validation.given import Given, wrong

_ELEMENTS = {one.value: one for one in ElementType}
_RELATIONS = {one.value: one for one in RelationType}


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield elements and relations of unknown types, relations without ends, and those that ArchiMate forbids."""
    types = {
        op.id: op.type
        for one in (*given.earlier.values(), output)
        for op in one.model_ops
        if op.op == ModelOp.ADD_ELEMENT
    }
    for op in output.model_ops:
        match op.op:
            case ModelOp.ADD_ELEMENT if op.type not in _ELEMENTS:
                yield wrong("ELEMENT_TYPE_UNKNOWN", f"{op.id} is a {op.type!r}, which ArchiMate does not have.", op.id)
            case ModelOp.ADD_ELEMENT if not op.name.strip():
                yield wrong("ELEMENT_UNNAMED", f"The element {op.id} has no name.", op.id)
            case ModelOp.ADD_RELATION:
                yield from _relation(op, types.get(op.source_id, ""), types.get(op.target_id, ""))


def _relation(op: ModelOp, source: str, target: str) -> Iterator[Finding]:
    relation = _RELATIONS.get(op.type)
    if relation is None:
        yield wrong("RELATION_TYPE_UNKNOWN", f"{op.id} is a {op.type!r}, which ArchiMate does not have.", op.id)
    elif source not in _ELEMENTS or target not in _ELEMENTS:
        missing = op.source_id if source not in _ELEMENTS else op.target_id
        yield wrong("RELATION_DANGLES", f"The relation {op.id} needs {missing!r}, which does not exist.", op.id)
    elif not is_permitted(relation, _ELEMENTS[source], _ELEMENTS[target]):
        yield wrong("RELATION_ILLEGAL", f"ArchiMate has no {op.type} from {source} to {target} ({op.id}).", op.id)
