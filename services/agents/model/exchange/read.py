"""Reads an exchange file: the concepts, and the views that show them.

What has no meaning here, such as notes and styles, is passed over; what no model can be made of is an error that names
the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from archwright.errors import PayloadInvalid
from services.agents.model.elements import AccessType, ElementType, RelationType
from services.agents.model.exchange.names import XSI_TYPE, tag
from services.agents.model.graph import Element, Model, Properties, Relation
from services.agents.model.layout.diagram import Box, Diagram, Wire
from services.agents.model.xml import parse

_ELEMENT_TYPES = {one.value: one for one in ElementType}
_RELATION_TYPES = {one.value: one for one in RelationType}
_ACCESS = {one.value: one for one in AccessType}


@dataclass(frozen=True, slots=True)
class ExchangeFile:
    """What an exchange file holds."""

    model: Model
    diagrams: tuple[Diagram, ...]


def read(content: bytes) -> ExchangeFile:
    """Return what the exchange file holds. Raises `PayloadInvalid` if it is no such file."""
    root = parse(content, "An exchange file")
    if root.tag != tag("model"):
        raise PayloadInvalid(f"An exchange file starts with a <model> of {tag('')}, not with <{root.tag}>.")
    found = list(concepts(root))
    model = Model(
        name=name_of(root),
        elements={one.id: one for one in found if isinstance(one, Element)},
        relations={one.id: one for one in found if isinstance(one, Relation)},
        documentation=_text(root, "documentation"),
    )
    views = root.iterfind(f"{tag('views')}/{tag('diagrams')}/{tag('view')}")
    return ExchangeFile(model, tuple(_diagram(view) for view in views))


def name_of(root: etree._Element) -> str:
    """Return what the model is called."""
    return _text(root, "name")


def concepts(root: etree._Element) -> Iterator[Element | Relation]:
    """Yield the elements and relations below the root of a file; raises `PayloadInvalid` at a type nobody knows."""
    definitions = {one.get("identifier", ""): _text(one, "name") for one in root.iter(tag("propertyDefinition"))}
    for node in root.iterfind(f"{tag('elements')}/{tag('element')}"):
        yield _element(node, definitions)
    for node in root.iterfind(f"{tag('relationships')}/{tag('relationship')}"):
        yield _relation(node, definitions)


def _element(node: etree._Element, definitions: dict[str, str]) -> Element:
    element_type = _ELEMENT_TYPES.get(node.get(XSI_TYPE, ""))
    if element_type is None:
        raise PayloadInvalid(f"Element {node.get('identifier')!r} has the unknown type {node.get(XSI_TYPE)!r}.")
    return Element(
        id=node.get("identifier", ""),
        type=element_type,
        name=_text(node, "name"),
        documentation=_text(node, "documentation"),
        properties=_properties(node, definitions),
    )


def _relation(node: etree._Element, definitions: dict[str, str]) -> Relation:
    relation_type = _RELATION_TYPES.get(node.get(XSI_TYPE, ""))
    if relation_type is None:
        raise PayloadInvalid(f"Relationship {node.get('identifier')!r} has the unknown type {node.get(XSI_TYPE)!r}.")
    is_access = relation_type is RelationType.ACCESS
    return Relation(
        id=node.get("identifier", ""),
        type=relation_type,
        source_id=node.get("source", ""),
        target_id=node.get("target", ""),
        name=_text(node, "name"),
        documentation=_text(node, "documentation"),
        properties=_properties(node, definitions),
        access=_ACCESS.get(node.get("accessType", ""), AccessType.ACCESS) if is_access else None,
        strength=node.get("modifier", ""),
        directed=node.get("isDirected", "false") in {"true", "1"},
    )


def _properties(node: etree._Element, definitions: dict[str, str]) -> Properties:
    found = (
        (definitions.get(one.get("propertyDefinitionRef", ""), ""), _text(one, "value"))
        for one in node.iterfind(f"{tag('properties')}/{tag('property')}")
    )
    return tuple(sorted(found))


def _diagram(view: etree._Element) -> Diagram:
    boxes = tuple(_boxes(view))
    flat = [box for one in boxes for box in one.walk()]
    return Diagram(
        id=view.get("identifier", ""),
        name=_text(view, "name"),
        viewpoint=view.get("viewpoint", ""),
        documentation=_text(view, "documentation"),
        boxes=boxes,
        wires=tuple(_wires(view)),
        width=max((box.x + box.w for box in flat), default=0),
        height=max((box.y + box.h for box in flat), default=0),
    )


def _boxes(parent: etree._Element) -> Iterator[Box]:
    for node in parent.iterfind(tag("node")):
        if node.get("elementRef"):
            x, y, w, h = (int(node.get(name, "0")) for name in "xywh")
            yield Box(node.get("elementRef", ""), x, y, w, h, tuple(_boxes(node)))


def _wires(view: etree._Element) -> Iterator[Wire]:
    for connection in view.iterfind(tag("connection")):
        relation_id = connection.get("relationshipRef")
        if relation_id:
            points = (
                one
                for one in connection
                if one.tag in {tag("sourceAttachment"), tag("bendpoint"), tag("targetAttachment")}
            )
            yield Wire(relation_id, tuple((int(one.get("x", "0")), int(one.get("y", "0"))) for one in points))


def _text(node: etree._Element, name: str) -> str:
    found = node.find(tag(name))
    return (found.text or "") if found is not None else ""
