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

SIZE_LIMIT_BYTES = 32 * 1024 * 1024
_ELEMENT_TYPES = {one.value: one for one in ElementType}
_RELATION_TYPES = {one.value: one for one in RelationType}


@dataclass(frozen=True, slots=True)
class ExchangeFile:
    """What an exchange file holds."""

    model: Model
    diagrams: tuple[Diagram, ...]


def read(content: bytes) -> ExchangeFile:
    """Return what the exchange file holds. Raises `PayloadInvalid` if it is no such file."""
    if len(content) > SIZE_LIMIT_BYTES:
        raise PayloadInvalid(f"An exchange file has at most {SIZE_LIMIT_BYTES} bytes, not {len(content)}.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise PayloadInvalid(f"The exchange file is not well-formed XML: {error}") from error
    if root.tag != tag("model"):
        raise PayloadInvalid(f"An exchange file starts with a <model> of {tag('')}, not with <{root.tag}>.")
    definitions = {one.get("identifier", ""): _text(one, "name") for one in root.iter(tag("propertyDefinition"))}
    elements = (_element(node, definitions) for node in root.iterfind(f"{tag('elements')}/{tag('element')}"))
    relations = (
        _relation(node, definitions) for node in root.iterfind(f"{tag('relationships')}/{tag('relationship')}")
    )
    model = Model(
        name=_text(root, "name"),
        elements={element.id: element for element in elements},
        relations={relation.id: relation for relation in relations},
        documentation=_text(root, "documentation"),
    )
    views = root.iterfind(f"{tag('views')}/{tag('diagrams')}/{tag('view')}")
    return ExchangeFile(model, tuple(_diagram(view) for view in views))


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
        access=AccessType(node.get("accessType", AccessType.ACCESS.value)) if is_access else None,
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
