"""Writes a model and its diagrams as an exchange file. The same model gives the same bytes.

The order of the sections is the schema's. Empty sections are left out, because the schema forbids them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from services.agents.model.drawing.palette import colours
from services.agents.model.elements import JUNCTIONS, Layer, RelationType
from services.agents.model.exchange.names import (
    DUBLIN_CORE,
    LANGUAGE,
    MODEL_ID,
    NAMESPACE,
    SCHEMA_LOCATION,
    XML_LANG,
    XSI,
    XSI_TYPE,
    tag,
)
from services.agents.model.graph import Element, Model, Properties, Relation
from services.agents.model.layout.diagram import Box, Diagram, Wire

_FOLDERS = {**{layer: layer.value for layer in Layer}, Layer.PHYSICAL: "Technology & Physical"}
_FOLDERS[Layer.TECHNOLOGY] = _FOLDERS[Layer.PHYSICAL]


def write(model: Model, diagrams: Sequence[Diagram] = ()) -> bytes:
    """Return the exchange file of `model` with `diagrams` as its views."""
    prefixes = {None: NAMESPACE, "xsi": XSI, "dc": DUBLIN_CORE}
    # The stubs do not know that None stands for the default namespace.
    root = etree.Element(tag("model"), {"identifier": MODEL_ID}, nsmap=prefixes)  # type: ignore[arg-type]
    root.set(f"{{{XSI}}}schemaLocation", SCHEMA_LOCATION)
    _text(root, "name", model.name)
    if model.documentation:
        _text(root, "documentation", model.documentation)
    _write_metadata(root, model)
    definitions = _property_definitions(model)
    if model.elements:
        elements = _child(root, "elements")
        for element in model.elements.values():
            _write_element(elements, element, definitions)
    if model.relations:
        relations = _child(root, "relationships")
        for relation in model.relations.values():
            _write_relation(relations, relation, definitions)
    _write_organizations(root, model, diagrams)
    if definitions:
        section = _child(root, "propertyDefinitions")
        for name, definition_id in definitions.items():
            _text(_child(section, "propertyDefinition", identifier=definition_id, type="string"), "name", name)
    if diagrams:
        views = _child(_child(root, "views"), "diagrams")
        for diagram in diagrams:
            _write_diagram(views, diagram, model)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return written


def _write_metadata(root: etree._Element, model: Model) -> None:
    metadata = _child(root, "metadata")
    _child(metadata, "schema").text = "Dublin Core"
    _child(metadata, "schemaversion").text = "1.1"
    etree.SubElement(metadata, f"{{{DUBLIN_CORE}}}title").text = model.name
    etree.SubElement(metadata, f"{{{DUBLIN_CORE}}}creator").text = "Archwright"


def _property_definitions(model: Model) -> dict[str, str]:
    """Return the id of each property's definition, by name and sorted by it."""
    concepts: tuple[Element | Relation, ...] = (*model.elements.values(), *model.relations.values())
    names = sorted({name for concept in concepts for name, _ in concept.properties})
    return {name: f"propdef-{ordinal}" for ordinal, name in enumerate(names, start=1)}


def _write_element(parent: etree._Element, element: Element, definitions: dict[str, str]) -> None:
    node = _child(parent, "element", identifier=element.id)
    node.set(XSI_TYPE, element.type.value)
    if element.name or element.type not in JUNCTIONS:
        _text(node, "name", element.name)
    _write_details(node, element.documentation, element.properties, definitions)


def _write_relation(parent: etree._Element, relation: Relation, definitions: dict[str, str]) -> None:
    node = _child(parent, "relationship", identifier=relation.id, source=relation.source_id, target=relation.target_id)
    node.set(XSI_TYPE, relation.type.value)
    if relation.access is not None:
        node.set("accessType", relation.access.value)
    if relation.strength:
        node.set("modifier", relation.strength)
    if relation.directed:
        node.set("isDirected", "true")
    if relation.name:
        _text(node, "name", relation.name)
    _write_details(node, relation.documentation, relation.properties, definitions)


def _write_details(
    node: etree._Element, documentation: str, properties: Properties, definitions: dict[str, str]
) -> None:
    if documentation:
        _text(node, "documentation", documentation)
    if properties:
        section = _child(node, "properties")
        for name, value in properties:
            _text(_child(section, "property", propertyDefinitionRef=definitions[name]), "value", value)


def _write_organizations(root: etree._Element, model: Model, diagrams: Iterable[Diagram]) -> None:
    """Put every concept into the folder of its layer, relations by type and views into folders of their own."""
    folders: dict[tuple[str, ...], list[str]] = {}
    for layer in Layer:
        for element in model.in_layer(layer):
            folders.setdefault((_FOLDERS[layer],), []).append(element.id)
    for kind in RelationType:
        for relation in model.relations.values():
            if relation.type is kind:
                folders.setdefault(("Relations", kind.value), []).append(relation.id)
    for diagram in diagrams:
        folders.setdefault(("Views",), []).append(diagram.id)
    if not folders:
        return
    section = _child(root, "organizations")
    made: dict[tuple[str, ...], etree._Element] = {}
    for path, members in folders.items():
        node = section
        for depth in range(1, len(path) + 1):
            if path[:depth] not in made:
                made[path[:depth]] = _child(node, "item")
                _text(made[path[:depth]], "label", path[depth - 1])
            node = made[path[:depth]]
        for member in members:
            _child(node, "item", identifierRef=member)


def _write_diagram(parent: etree._Element, diagram: Diagram, model: Model) -> None:
    view = _child(parent, "view", identifier=diagram.id, viewpoint=diagram.viewpoint)
    view.set(XSI_TYPE, "Diagram")
    _text(view, "name", diagram.name)
    if diagram.documentation:
        _text(view, "documentation", diagram.documentation)
    for box in diagram.boxes:
        _write_box(view, box, diagram.id, model)
    for wire in diagram.wires:
        _write_wire(view, wire, diagram.id, model)


def node_id(view_id: str, concept_id: str) -> str:
    """Return the id of the node or connection that shows a concept in a view."""
    return f"{view_id}-{concept_id}"


def _write_box(parent: etree._Element, box: Box, view_id: str, model: Model) -> None:
    node = _child(parent, "node", identifier=node_id(view_id, box.element_id), elementRef=box.element_id)
    node.set(XSI_TYPE, "Element")
    for name, value in (("x", box.x), ("y", box.y), ("w", box.w), ("h", box.h)):
        node.set(name, str(value))
    found = colours(model.elements[box.element_id].type)
    style = _child(node, "style")
    _child(style, "fillColor", **_rgb(found.fill), a="100")
    _child(style, "lineColor", **_rgb(found.edge))
    for child in box.children:
        _write_box(node, child, view_id, model)


def _write_wire(parent: etree._Element, wire: Wire, view_id: str, model: Model) -> None:
    relation = model.relations[wire.relation_id]
    connection = _child(
        parent,
        "connection",
        identifier=node_id(view_id, relation.id),
        relationshipRef=relation.id,
        source=node_id(view_id, relation.source_id),
        target=node_id(view_id, relation.target_id),
    )
    connection.set(XSI_TYPE, "Relationship")
    for name, points in (
        ("sourceAttachment", wire.points[:1]),
        ("bendpoint", wire.points[1:-1]),
        ("targetAttachment", wire.points[-1:]),
    ):
        for x, y in points:
            _child(connection, name, x=str(x), y=str(y))


def _rgb(colour: str) -> dict[str, str]:
    """Return `#rrggbb` as the format's decimal parts."""
    return {part: str(int(colour[start : start + 2], 16)) for part, start in (("r", 1), ("g", 3), ("b", 5))}


def _child(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, tag(name), attributes)


def _text(parent: etree._Element, name: str, text: str) -> None:
    node = _child(parent, name)
    node.set(XML_LANG, LANGUAGE)
    node.text = text
