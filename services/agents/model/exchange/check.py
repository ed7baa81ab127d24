"""Whether a well-known tool could import an exchange file: the conditions under which Archi's importer refuses one.

The XML schema finds most of these too, but the schemas may not be shipped with the product; this check needs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from services.agents.model.elements import ElementType, RelationType
from services.agents.model.exchange.names import XSI_TYPE, tag

_ELEMENT_TYPES = frozenset(one.value for one in ElementType)
_RELATION_TYPES = frozenset(one.value for one in RelationType)


def import_problems(content: bytes) -> tuple[str, ...]:
    """Return why the importer would refuse the file, in the order in which it would notice; nothing if it would not."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        return (f"not well-formed XML: {error}",)
    return tuple(_problems(root))


def _problems(root: etree._Element) -> Iterator[str]:
    elements = root.findall(f"{tag('elements')}/{tag('element')}")
    relations = root.findall(f"{tag('relationships')}/{tag('relationship')}")
    if not elements:
        yield "the model has no elements"
    concepts = {one.get("identifier") for one in (*elements, *relations)}
    for element in elements:
        if element.get(XSI_TYPE) not in _ELEMENT_TYPES:
            yield f"element {element.get('identifier')} has the unknown type {element.get(XSI_TYPE)}"
    for relation in relations:
        if relation.get(XSI_TYPE) not in _RELATION_TYPES:
            yield f"relationship {relation.get('identifier')} has the unknown type {relation.get(XSI_TYPE)}"
        for end in ("source", "target"):
            if relation.get(end) not in concepts:
                yield f"relationship {relation.get('identifier')} has no {end} {relation.get(end)}"
    views = root.findall(f"{tag('views')}/{tag('diagrams')}/{tag('view')}")
    view_ids = {view.get("identifier") for view in views}
    element_ids = {one.get("identifier") for one in elements}
    relation_ids = {one.get("identifier") for one in relations}
    for view in views:
        yield from _view_problems(view, element_ids, relation_ids, view_ids)


def _view_problems(
    view: etree._Element, element_ids: set[str | None], relation_ids: set[str | None], view_ids: set[str | None]
) -> Iterator[str]:
    name = view.get("identifier")
    nodes = list(view.iter(tag("node")))
    connections = list(view.iter(tag("connection")))
    ends = {one.get("identifier") for one in (*nodes, *connections)}
    for node in nodes:
        if "elementRef" in node.attrib and node.get("elementRef") not in element_ids:
            yield f"node {node.get('identifier')} shows the unknown element {node.get('elementRef')}"
        if not _has_numbers(node, "xywh"):
            yield f"node {node.get('identifier')} has no whole coordinates"
    for connection in connections:
        yield from _connection_problems(connection, ends, relation_ids)
    for reference in view.iter(tag("viewRef")):
        if reference.get("ref") not in view_ids:
            yield f"view {name} refers to the unknown view {reference.get('ref')}"
    if not all(_has_numbers(one, "rgb") for part in ("fillColor", "lineColor") for one in view.iter(tag(part))):
        yield f"view {name} has a colour without its parts"


def _connection_problems(
    connection: etree._Element, ends: set[str | None], relation_ids: set[str | None]
) -> Iterator[str]:
    name = connection.get("identifier")
    if "relationshipRef" in connection.attrib and connection.get("relationshipRef") not in relation_ids:
        yield f"connection {name} shows the unknown relationship {connection.get('relationshipRef')}"
    for end in ("source", "target"):
        if connection.get(end) not in ends:
            yield f"connection {name} has no {end} {connection.get(end)}"
    if not all(_has_numbers(bend, "xy") for bend in connection.iterfind(tag("bendpoint"))):
        yield f"connection {name} has a bend without coordinates"


def _has_numbers(node: etree._Element, names: str) -> bool:
    return all(node.get(name, "").isdigit() for name in names)
