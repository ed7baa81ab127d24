"""The views that every architecture is shown in: which elements, in which tiers, nested by which relations.

A view selects, it does not draw: `layout.arrange` gives it coordinates. Tiers are fixed by type, so that two reports
of two architectures read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from services.agents.model.elements import AccessType, RelationType
from services.agents.model.elements import ElementType as E
from services.agents.model.graph import Element, Model, Relation

WHOLE_PART = frozenset({RelationType.COMPOSITION, RelationType.AGGREGATION})
_CHANGING = frozenset({AccessType.WRITE, AccessType.READ_WRITE})
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
    companions_in_boxes_only: bool = False
    """Whether only nesting ties them, and no line leads to them."""


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
        name="Strategy",
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
            (E.BUSINESS_SERVICE, E.BUSINESS_INTERFACE),
            (E.BUSINESS_EVENT, E.BUSINESS_PROCESS, E.BUSINESS_FUNCTION, E.BUSINESS_INTERACTION),
            (E.BUSINESS_OBJECT, E.REPRESENTATION),
        ),
        nesting=WHOLE_PART,
        nested_types=frozenset({E.BUSINESS_PROCESS, E.BUSINESS_FUNCTION}),
    ),
    Viewpoint(
        key="product",
        title="Products",
        name="Product",
        purpose="What customers are offered as a whole: products, their services and the contracts behind them.",
        tiers=((E.PRODUCT,), (E.CONTRACT,), (E.BUSINESS_SERVICE,)),
        companions=frozenset({E.BUSINESS_SERVICE}),
    ),
    Viewpoint(
        key="application-cooperation",
        title="Application cooperation",
        name="Application Cooperation",
        purpose="Which components there are, what they offer, and who uses what or hears from whom.",
        tiers=(
            (E.APPLICATION_EVENT, E.APPLICATION_SERVICE, E.APPLICATION_PROCESS, E.APPLICATION_INTERACTION),
            (E.APPLICATION_COMPONENT, E.APPLICATION_COLLABORATION, E.APPLICATION_FUNCTION, E.APPLICATION_INTERFACE),
        ),
        nesting=HOSTING | {RelationType.REALIZATION},
        nested_types=frozenset({E.APPLICATION_INTERFACE, E.APPLICATION_FUNCTION, E.APPLICATION_SERVICE}),
        hosts=frozenset({E.APPLICATION_COMPONENT, E.APPLICATION_COLLABORATION}),
        drawn=frozenset(RelationType) - {RelationType.ASSIGNMENT},
    ),
    Viewpoint(
        key="application-data",
        title="Data and its owners",
        name="Application Structure",
        purpose="Which component keeps which data, and who else reads or changes it.",
        tiers=((E.APPLICATION_COMPONENT,), (E.DATA_OBJECT,)),
        nesting=frozenset({RelationType.ACCESS}),
        nested_types=frozenset({E.DATA_OBJECT}),
        drawn=frozenset({RelationType.ACCESS}) | WHOLE_PART | {RelationType.SPECIALIZATION, RelationType.ASSOCIATION},
        companions=frozenset({E.APPLICATION_COMPONENT}),
    ),
    Viewpoint(
        key="technology",
        title="Technology and deployment",
        name="Layered",
        purpose="What runs where: nodes, the software and artifacts on them, their components, and the networks.",
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
        nested_types=frozenset(
            {E.SYSTEM_SOFTWARE, E.ARTIFACT, E.TECHNOLOGY_INTERFACE, E.TECHNOLOGY_SERVICE, E.APPLICATION_COMPONENT}
        ),
        columns_max=5,
        companions=frozenset({E.APPLICATION_COMPONENT}),
        companions_in_boxes_only=True,
    ),
    Viewpoint(
        key="technology-usage",
        title="Use of technology",
        name="Technology Usage",
        purpose="Which components rely on which technology services.",
        tiers=((E.APPLICATION_COMPONENT,), (E.TECHNOLOGY_SERVICE,)),
        drawn=frozenset({RelationType.SERVING}),
        needs=frozenset({E.APPLICATION_COMPONENT}),
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
    candidates = {element.id: element for tier in viewpoint.tiers for element in model.of_type(*tier)}
    main = {one for one, element in candidates.items() if element.type not in viewpoint.companions}
    parent_of = _parents(model, candidates, viewpoint)
    lines = [one for one in model.relations.values() if _is_drawn(one, candidates, main, parent_of, viewpoint)]
    tied = {end for line in lines for end in _ends(line)} | {*parent_of, *parent_of.values()}
    shown = {one: element for one, element in candidates.items() if one in main or one in tied}
    if not main or not viewpoint.needs <= {element.type for element in shown.values()}:
        return None
    tiers = tuple(tuple(one for one in shown.values() if one.type in tier) for tier in viewpoint.tiers)
    return View(
        id=f"view-{viewpoint.key}",
        viewpoint=viewpoint,
        tiers=tuple(tier for tier in tiers if tier),
        parents=tuple(parent_of.items()),
        relations=tuple(lines),
    )


def _is_drawn(
    relation: Relation,
    candidates: Mapping[str, Element],
    main: Set[str],
    parent_of: Mapping[str, str],
    viewpoint: Viewpoint,
) -> bool:
    """Return whether a relation is a line: of a drawn kind, between two that may be shown, not told by nesting."""
    source, target = _ends(relation)
    if relation.type not in viewpoint.drawn or source not in candidates or target not in candidates:
        return False
    if parent_of.get(target) == source and relation.type in viewpoint.nesting:
        return False
    in_main = (source in main) + (target in main)
    return in_main == 2 if viewpoint.companions_in_boxes_only else in_main > 0


def _ends(relation: Relation) -> tuple[str, str]:
    return relation.source_id, relation.target_id


def _parents(model: Model, candidates: Mapping[str, Element], viewpoint: Viewpoint) -> dict[str, str]:
    """Return whom each child stands in, never in a circle.

    A part that has two wholes stands in the first; the relation to the other stays a line. Data stands in whoever may
    change it.
    """
    parent_of: dict[str, str] = {}
    for relation in model.relations.values():
        parent, child = _ends(relation)
        if relation.type not in viewpoint.nesting or parent not in candidates or child not in candidates:
            continue
        if candidates[child].type not in viewpoint.nested_types or candidates[parent].type not in viewpoint.hosts:
            continue
        if relation.type is RelationType.ACCESS and relation.access not in _CHANGING:
            continue
        if child not in parent_of and child not in _ancestors(parent, parent_of):
            parent_of[child] = parent
    return parent_of


def _ancestors(element_id: str, parent_of: dict[str, str]) -> Iterator[str]:
    """Yield the element itself and everything that it stands in."""
    one: str | None = element_id
    while one is not None:
        yield one
        one = parent_of.get(one)
