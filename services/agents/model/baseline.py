"""Reads the model of an architecture that exists, in the exchange format or in Archi's own.

The decision to know: a model that people made is taken as it is. Relations that the standard does not permit stay, and
are told of; only what no graph can be made of, such as a relation without an end, is left out, and told of too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from archwright.errors import PayloadInvalid
from services.agents.model import archi
from services.agents.model.exchange import read as exchange
from services.agents.model.exchange.names import tag
from services.agents.model.graph import Element, Model, Problem, Relation, Severity
from services.agents.model.relationships import permitted
from services.agents.model.xml import parse

_WHAT = "A model to be changed"


def read_baseline(content: bytes) -> Model:
    """Return the model with its problems. Raises PayloadInvalid or PayloadTooLarge where there is none to be read."""
    root = parse(content, _WHAT)
    if root.tag == archi.ROOT:
        name, found = archi.name_of(root), list(archi.concepts(root))
    elif root.tag == tag("model"):
        name, found = exchange.name_of(root), list(exchange.concepts(root))
    else:
        raise PayloadInvalid(
            f"{_WHAT} is an ArchiMate exchange file or a file of Archi; this one begins with <{_local(root)}>."
        )
    return _model(name, found)


def _local(root: etree._Element) -> str:
    return etree.QName(root).localname


def _model(name: str, concepts: Iterable[Element | Relation]) -> Model:
    elements: dict[str, Element] = {}
    relations: dict[str, Relation] = {}
    problems: list[Problem] = []
    for concept in concepts:
        if not concept.id:
            problems.append(_problem("BASELINE_ID_MISSING", f"{_said(concept)} has no id and was left out."))
        elif concept.id in elements or concept.id in relations:
            message = f"The id {concept.id!r} is used more than once; the first meaning stands."
            problems.append(_problem("BASELINE_ID_TWICE", message, concept.id))
        elif isinstance(concept, Element):
            elements[concept.id] = concept
        else:
            relations[concept.id] = concept
    if not elements:
        raise PayloadInvalid(f"{_WHAT} has at least one element; this one has none.")
    problems += _without_ends(elements, relations)
    problems += _illegal(elements, relations)
    return Model(name=name or "Existing architecture", elements=elements, relations=relations, problems=tuple(problems))


def _without_ends(elements: dict[str, Element], relations: dict[str, Relation]) -> Iterator[Problem]:
    """Take out relations whose ends do not exist, also those that lead to one of these, and say so."""
    while lost := [one for one in relations.values() if _missing(one, elements, relations)]:
        for relation in lost:
            missing = _missing(relation, elements, relations)
            ends = " and ".join(map(repr, missing))
            yield _problem(
                "BASELINE_END_MISSING",
                f"{relation.type} {relation.id!r} was left out: there is no {ends}.",
                relation.id,
            )
        for relation in lost:
            del relations[relation.id]


def _missing(relation: Relation, elements: dict[str, Element], relations: dict[str, Relation]) -> list[str]:
    return [end for end in (relation.source_id, relation.target_id) if end not in elements and end not in relations]


def _illegal(elements: dict[str, Element], relations: dict[str, Relation]) -> Iterator[Problem]:
    for relation in relations.values():
        source, target = (
            elements[end].type if end in elements else relations[end].type
            for end in (relation.source_id, relation.target_id)
        )
        if relation.type not in permitted(source, target):
            yield _problem(
                "BASELINE_RELATION_ILLEGAL",
                f"{relation.type} from {source} to {target} is not permitted; {relation.id!r} was there before.",
                relation.id,
            )


def _said(concept: Element | Relation) -> str:
    return f"{concept.type} {concept.name!r}"


def _problem(code: str, message: str, *subject_ids: str) -> Problem:
    return Problem(Severity.WARNING, code, message, subject_ids)
