"""The views that every architecture is shown in: which elements, in which tiers, nested by which relations.

A view selects, it does not draw: `layout.arrange` gives it coordinates. Tiers are fixed by type, so that two reports
of two architectures read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.agents.model.elements import ElementType as E
from services.agents.model.elements import RelationType
from services.agents.model.graph import Element, Model, Relation

WHOLE_PART = frozenset({RelationType.COMPOSITION, RelationType.AGGREGATION})
HOSTING = WHOLE_PART | {RelationType.ASSIGNMENT}


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A kind of view: `name` is the standard's word, `tiers` go from the top of the page to its bottom."""

    key: str
    title: str
    name: str
    purpose: str
    tiers: tuple[tuple[E, ...], ...]
    nesting: frozenset[RelationType] = frozenset()
    nested_types: frozenset[E] = frozenset()
    hosts: frozenset[E] = frozenset(E)
    """Types that others may stand inside."""
    drawn: frozenset[RelationType] = frozenset(RelationType)
    needs: frozenset[E] = frozenset()
    columns_max: int = 3
    in_lines: bool = False
    """Whether parts stand in lines, as stages do, and not in squares."""
    companions: frozenset[E] = frozenset()
    """Types of another layer, shown only where a relation ties them to what the view is about."""


@dataclass(frozen=True, slots=True)
class View:
    """What one view shows of a model: elements by tier, who stands inside whom, and the relations drawn as lines."""

    id: str
    viewpoint: Viewpoint
    tiers: tuple[tuple[Element, ...], ...]
    parents: tuple[tuple[str, str], ...]
    relations: tuple[Relation, ...]

    @property
    def elements(self) -> tuple[Element, ...]:
        """Every element shown, from the top down."""
        return tuple(element for tier in self.tiers for element in tier)


VIEWPOINTS: Sequence[Viewpoint] = (
    Viewpoint(
        key="motivation",
        title="Motivation",
        name="Motivation",
        purpose="Who wants what, and why: stakeholders, drivers, goals and the requirements that realise them.",
        tiers=(
            (E.STAKEHOLDER,),
            (E.DRIVER, E.ASSESSMENT),
            (E.GOAL, E.OUTCOME, E.VALUE, E.MEANING),
            (E.PRINCIPLE, E.CONSTRAINT),
            (E.REQUIREMENT,),
        ),
    ),
    Viewpoint(
        key="capability-map",
        title="Capability map",
        name="Capability Map",
        purpose="What the organisation must be able to do, by area.",
        tiers=((E.COURSE_OF_ACTION,), (E.CAPABILITY,), (E.RESOURCE,)),
        nesting=WHOLE_PART,
        nested_types=frozenset({E.CAPABILITY, E.RESOURCE}),
        drawn=frozenset({RelationType.ASSIGNMENT, RelationType.REALIZATION}),
    ),
    Viewpoint(
        key="value-stream",
        title="Value streams",
        name="Value Stream",
        purpose="How value comes about, stage by stage, and which capabilities serve each stage.",
        tiers=((E.VALUE_STREAM,), (E.CAPABILITY,)),
        nesting=WHOLE_PART,
        nested_types=frozenset({E.VALUE_STREAM}),
        drawn=frozenset({RelationType.SERVING, RelationType.TRIGGERING, RelationType.FLOW}),
        needs=frozenset({E.VALUE_STREAM}),
        columns_max=6,
        in_lines=True,
        companions=frozenset({E.CAPABILITY}),
    ),
    Viewpoint(
        key="business-process",
        title="Business processes",
        name="Business Process Cooperation",
        purpose="Who does what with which business objects, and which services the business offers.",
        tiers=(
            (E.BUSINESS_ACTOR,),
            (E.BUSINESS_ROLE, E.BUSINESS_COLLABORATION),
            (E.PRODUCT, E.BUSINESS_SERVICE, E.BUSINESS_INTERFACE),
            (E.BUSINESS_EVENT, E.BUSINESS_PROCESS, E.BUSINESS_FUNCTION, E.BUSINESS_INTERACTION),
            (E.BUSINESS_OBJECT, E.CONTRACT, E.REPRESENTATION),
        ),
        nesting=WHOLE_PART,
        nested_types=frozenset({E.BUSINESS_PROCESS, E.BUSINESS_FUNCTION}),
    ),
    Viewpoint(
        key="application-cooperation",
        title="Application cooperation",
        name="Application Cooperation",
        purpose="Which components there are, what they offer each other and which data they own.",
        tiers=(
            (E.APPLICATION_EVENT, E.APPLICATION_SERVICE, E.APPLICATION_PROCESS, E.APPLICATION_INTERACTION),
            (E.APPLICATION_COMPONENT, E.APPLICATION_COLLABORATION, E.APPLICATION_FUNCTION, E.APPLICATION_INTERFACE),
            (E.DATA_OBJECT,),
        ),
        nesting=HOSTING | {RelationType.REALIZATION},
        nested_types=frozenset({E.APPLICATION_INTERFACE, E.APPLICATION_FUNCTION, E.APPLICATION_SERVICE}),
        hosts=frozenset({E.APPLICATION_COMPONENT, E.APPLICATION_COLLABORATION}),
    ),
    Viewpoint(
        key="technology",
        title="Technology and deployment",
        name="Technology",
        purpose="What the components run on: nodes, the software and artifacts on them, services and networks.",
        tiers=(
            (E.APPLICATION_COMPONENT,),
            (E.TECHNOLOGY_SERVICE, E.TECHNOLOGY_PROCESS, E.TECHNOLOGY_FUNCTION, E.TECHNOLOGY_EVENT),
            (
                E.GROUPING,
                E.LOCATION,
                E.NODE,
                E.DEVICE,
                E.TECHNOLOGY_COLLABORATION,
                E.TECHNOLOGY_INTERACTION,
                E.TECHNOLOGY_INTERFACE,
                E.SYSTEM_SOFTWARE,
                E.ARTIFACT,
                E.EQUIPMENT,
                E.FACILITY,
            ),
            (E.PATH, E.COMMUNICATION_NETWORK, E.DISTRIBUTION_NETWORK, E.MATERIAL),
        ),
        nesting=HOSTING | {RelationType.REALIZATION},
        nested_types=frozenset({E.SYSTEM_SOFTWARE, E.ARTIFACT, E.TECHNOLOGY_INTERFACE, E.APPLICATION_COMPONENT}),
        companions=frozenset({E.APPLICATION_COMPONENT}),
    ),
    Viewpoint(
        key="implementation-migration",
        title="Implementation and migration",
        name="Implementation and Migration",
        purpose="The way from today to the target: plateaus, gaps, work packages and what they deliver.",
        tiers=(
            (E.PLATEAU,),
            (E.GAP,),
            (E.DELIVERABLE,),
            (E.IMPLEMENTATION_EVENT, E.WORK_PACKAGE),
            (E.BUSINESS_ROLE,),
        ),
        nesting=WHOLE_PART | {RelationType.REALIZATION},
        nested_types=frozenset({E.WORK_PACKAGE, E.DELIVERABLE}),
        companions=frozenset({E.BUSINESS_ROLE}),
    ),
)
"""The standard views, in the order in which a reader should meet them."""


def standard_views(model: Model) -> tuple[View, ...]:
    """Return every standard view that has something to show, in order."""
    return tuple(view for viewpoint in VIEWPOINTS if (view := select(model, viewpoint)) is not None)


def select(model: Model, viewpoint: Viewpoint) -> View | None:
    """Return the view of `model` from `viewpoint`, or nothing if the model has nothing to show from there."""
    shown = {element.id: element for tier in viewpoint.tiers for element in model.of_type(*tier)}
    main = {element.id for element in shown.values() if element.type not in viewpoint.companions}
    if not main or (viewpoint.needs and not any(shown[one].type in viewpoint.needs for one in main)):
        return None
    tied = {
        end for relation in _between(model, shown, viewpoint) for end in _ends(relation) if _touches(relation, main)
    }
    shown = {one: element for one, element in shown.items() if one in main or one in tied}
    parents = _parents(model, shown, viewpoint)
    relations = tuple(
        relation
        for relation in _between(model, shown, viewpoint)
        if _touches(relation, main)
        and (relation.source_id, relation.target_id) not in parents
        and relation.type in viewpoint.drawn
    )
    tiers = tuple(tuple(one for one in shown.values() if one.type in tier) for tier in viewpoint.tiers)
    return View(
        id=f"view-{viewpoint.key}",
        viewpoint=viewpoint,
        tiers=tuple(tier for tier in tiers if tier),
        parents=tuple((child, parent) for parent, child in parents),
        relations=relations,
    )


def _between(model: Model, shown: dict[str, Element], viewpoint: Viewpoint) -> Iterator[Relation]:
    """Yield the relations of which both ends are shown, and that are drawn or nest."""
    wanted = viewpoint.drawn | viewpoint.nesting
    for relation in model.relations.values():
        if relation.type in wanted and relation.source_id in shown and relation.target_id in shown:
            yield relation


def _ends(relation: Relation) -> tuple[str, str]:
    return relation.source_id, relation.target_id


def _touches(relation: Relation, main: set[str]) -> bool:
    return relation.source_id in main or relation.target_id in main


def _parents(model: Model, shown: dict[str, Element], viewpoint: Viewpoint) -> dict[tuple[str, str], None]:
    """Return (parent, child) pairs: each child once, never a circle.

    A part that has two wholes stands in the first; the relation to the other stays a line.
    """
    parent_of: dict[str, str] = {}
    for relation in _between(model, shown, viewpoint):
        child, parent = relation.target_id, relation.source_id
        if relation.type not in viewpoint.nesting or shown[child].type not in viewpoint.nested_types:
            continue
        if shown[parent].type not in viewpoint.hosts:
            continue
        if child in parent_of or child in _ancestors(parent, parent_of):
            continue
        parent_of[child] = parent
    return {(parent, child): None for child, parent in parent_of.items()}


def _ancestors(element_id: str, parent_of: dict[str, str]) -> Iterator[str]:
    """Yield the element itself and everything that it stands in."""
    one: str | None = element_id
    while one is not None:
        yield one
        one = parent_of.get(one)
