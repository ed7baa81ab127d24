"""Reads Archi's own file format, `.archimate`: the concepts. Its diagrams are Archi's and stay there.

Archi writes the kind of access as a number, and leaves out the usual one: no number is a write.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from archwright.errors import PayloadInvalid
from services.agents.model.elements import AccessType, ElementType, RelationType
from services.agents.model.graph import Element, Properties, Relation

NAMESPACE = "http://www.archimatetool.com/archimate"
ROOT = f"{{{NAMESPACE}}}model"

_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_RELATIONSHIP = "Relationship"
_ELEMENT_TYPES = {one.value: one for one in ElementType}
_RELATION_TYPES = {one.value: one for one in RelationType}
_ACCESS = {
    "": AccessType.WRITE,
    "0": AccessType.WRITE,
    "1": AccessType.READ,
    "2": AccessType.ACCESS,
    "3": AccessType.READ_WRITE,
}
_DIAGRAMS = ("DiagramModel", "SketchModel", "CanvasModel")


def concepts(root: etree._Element) -> Iterator[Element | Relation]:
    """Yield the elements and relations below the root of a file; raises `PayloadInvalid` at a type nobody knows."""
    for node in root.iter("element"):
        kind = node.get(_TYPE, "").rpartition(":")[2]
        if kind.endswith(_DIAGRAMS):
            continue
        yield _relation(node, kind) if kind.endswith(_RELATIONSHIP) else _element(node, kind)


def name_of(root: etree._Element) -> str:
    """Return what the model is called."""
    return root.get("name", "")


def _element(node: etree._Element, kind: str) -> Element:
    if kind == "Junction":
        kind = "OrJunction" if node.get("type") == "or" else "AndJunction"
    element_type = _ELEMENT_TYPES.get(kind)
    if element_type is None:
        raise PayloadInvalid(f"Element {node.get('id')!r} has the unknown type {node.get(_TYPE)!r}.")
    return Element(
        id=node.get("id", ""),
        type=element_type,
        name=" ".join(node.get("name", "").split()),
        documentation=node.findtext("documentation") or "",
        properties=_properties(node),
    )


def _relation(node: etree._Element, kind: str) -> Relation:
    relation_type = _RELATION_TYPES.get(kind.removesuffix(_RELATIONSHIP))
    if relation_type is None:
        raise PayloadInvalid(f"Relation {node.get('id')!r} has the unknown type {node.get(_TYPE)!r}.")
    is_access = relation_type is RelationType.ACCESS
    return Relation(
        id=node.get("id", ""),
        type=relation_type,
        source_id=node.get("source", ""),
        target_id=node.get("target", ""),
        name=node.get("name", ""),
        documentation=node.findtext("documentation") or "",
        properties=_properties(node),
        access=_ACCESS.get(node.get("accessType", ""), AccessType.ACCESS) if is_access else None,
        strength=node.get("strength", ""),
        directed=node.get("directed") == "true",
    )


def _properties(node: etree._Element) -> Properties:
    return tuple(sorted((one.get("key", ""), one.get("value", "")) for one in node.iterfind("property")))
