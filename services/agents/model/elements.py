"""The ArchiMate 3.2 vocabulary: types of elements and of relations, and the layer and aspect of each.

The names are those of the model exchange file format, so they are never translated on the way in or out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Layer(StrEnum):
    """The part of the enterprise that an element type speaks about."""

    MOTIVATION = "Motivation"
    STRATEGY = "Strategy"
    BUSINESS = "Business"
    APPLICATION = "Application"
    TECHNOLOGY = "Technology"
    PHYSICAL = "Physical"
    IMPLEMENTATION = "Implementation & Migration"
    COMPOSITE = "Other"


class Aspect(StrEnum):
    """What an element type is: this decides the form of its box."""

    MOTIVATION = "motivation"
    ACTIVE = "active structure"
    BEHAVIOUR = "behaviour"
    PASSIVE = "passive structure"
    COMPOSITE = "composite"


class ElementType(StrEnum):
    """Every element type of the exchange format, junctions included."""

    STAKEHOLDER = "Stakeholder"
    DRIVER = "Driver"
    ASSESSMENT = "Assessment"
    GOAL = "Goal"
    OUTCOME = "Outcome"
    PRINCIPLE = "Principle"
    REQUIREMENT = "Requirement"
    CONSTRAINT = "Constraint"
    MEANING = "Meaning"
    VALUE = "Value"

    RESOURCE = "Resource"
    CAPABILITY = "Capability"
    VALUE_STREAM = "ValueStream"
    COURSE_OF_ACTION = "CourseOfAction"

    BUSINESS_ACTOR = "BusinessActor"
    BUSINESS_ROLE = "BusinessRole"
    BUSINESS_COLLABORATION = "BusinessCollaboration"
    BUSINESS_INTERFACE = "BusinessInterface"
    BUSINESS_PROCESS = "BusinessProcess"
    BUSINESS_FUNCTION = "BusinessFunction"
    BUSINESS_INTERACTION = "BusinessInteraction"
    BUSINESS_EVENT = "BusinessEvent"
    BUSINESS_SERVICE = "BusinessService"
    BUSINESS_OBJECT = "BusinessObject"
    CONTRACT = "Contract"
    REPRESENTATION = "Representation"
    PRODUCT = "Product"

    APPLICATION_COMPONENT = "ApplicationComponent"
    APPLICATION_COLLABORATION = "ApplicationCollaboration"
    APPLICATION_INTERFACE = "ApplicationInterface"
    APPLICATION_FUNCTION = "ApplicationFunction"
    APPLICATION_INTERACTION = "ApplicationInteraction"
    APPLICATION_PROCESS = "ApplicationProcess"
    APPLICATION_EVENT = "ApplicationEvent"
    APPLICATION_SERVICE = "ApplicationService"
    DATA_OBJECT = "DataObject"

    NODE = "Node"
    DEVICE = "Device"
    SYSTEM_SOFTWARE = "SystemSoftware"
    TECHNOLOGY_COLLABORATION = "TechnologyCollaboration"
    TECHNOLOGY_INTERFACE = "TechnologyInterface"
    PATH = "Path"
    COMMUNICATION_NETWORK = "CommunicationNetwork"
    TECHNOLOGY_FUNCTION = "TechnologyFunction"
    TECHNOLOGY_PROCESS = "TechnologyProcess"
    TECHNOLOGY_INTERACTION = "TechnologyInteraction"
    TECHNOLOGY_EVENT = "TechnologyEvent"
    TECHNOLOGY_SERVICE = "TechnologyService"
    ARTIFACT = "Artifact"

    EQUIPMENT = "Equipment"
    FACILITY = "Facility"
    DISTRIBUTION_NETWORK = "DistributionNetwork"
    MATERIAL = "Material"

    WORK_PACKAGE = "WorkPackage"
    DELIVERABLE = "Deliverable"
    IMPLEMENTATION_EVENT = "ImplementationEvent"
    PLATEAU = "Plateau"
    GAP = "Gap"

    GROUPING = "Grouping"
    LOCATION = "Location"
    AND_JUNCTION = "AndJunction"
    OR_JUNCTION = "OrJunction"

    @property
    def layer(self) -> Layer:
        """The layer whose colour and folder the element has."""
        return _LAYERS[self]

    @property
    def aspect(self) -> Aspect:
        """What kind of thing it is."""
        return _ASPECTS[self]

    @property
    def words(self) -> str:
        """The type as a reader expects it: `ApplicationComponent` is "Application component"."""
        spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in self.value)
        return spaced.strip().capitalize()


class RelationType(StrEnum):
    """The eleven kinds of relation."""

    ACCESS = "Access"
    AGGREGATION = "Aggregation"
    ASSIGNMENT = "Assignment"
    ASSOCIATION = "Association"
    COMPOSITION = "Composition"
    FLOW = "Flow"
    INFLUENCE = "Influence"
    REALIZATION = "Realization"
    SERVING = "Serving"
    SPECIALIZATION = "Specialization"
    TRIGGERING = "Triggering"


class AccessType(StrEnum):
    """What an access relation does to the passive element; the exchange format's default is ACCESS."""

    ACCESS = "Access"
    READ = "Read"
    WRITE = "Write"
    READ_WRITE = "ReadWrite"


def _layers() -> Mapping[ElementType, Layer]:
    """Return the layer of each type; types stand in the enumeration in the order of their layers."""
    first_of = {
        ElementType.STAKEHOLDER: Layer.MOTIVATION,
        ElementType.RESOURCE: Layer.STRATEGY,
        ElementType.BUSINESS_ACTOR: Layer.BUSINESS,
        ElementType.APPLICATION_COMPONENT: Layer.APPLICATION,
        ElementType.NODE: Layer.TECHNOLOGY,
        ElementType.EQUIPMENT: Layer.PHYSICAL,
        ElementType.WORK_PACKAGE: Layer.IMPLEMENTATION,
        ElementType.GROUPING: Layer.COMPOSITE,
    }
    layers: dict[ElementType, Layer] = {}
    layer = Layer.MOTIVATION
    for element_type in ElementType:
        layer = first_of.get(element_type, layer)
        layers[element_type] = layer
    return MappingProxyType(layers)


_PASSIVE = frozenset(
    {
        ElementType.BUSINESS_OBJECT,
        ElementType.CONTRACT,
        ElementType.REPRESENTATION,
        ElementType.PRODUCT,
        ElementType.DATA_OBJECT,
        ElementType.ARTIFACT,
        ElementType.MATERIAL,
        ElementType.DELIVERABLE,
    }
)
_BEHAVIOUR_ENDINGS = ("Process", "Function", "Interaction", "Event", "Service")
_BEHAVIOUR = frozenset(
    {
        *(one for one in ElementType if one.value.endswith(_BEHAVIOUR_ENDINGS)),
        ElementType.CAPABILITY,
        ElementType.VALUE_STREAM,
        ElementType.COURSE_OF_ACTION,
        ElementType.WORK_PACKAGE,
    }
)
_COMPOSITES = frozenset(
    {
        ElementType.PLATEAU,
        ElementType.GAP,
        ElementType.GROUPING,
        ElementType.LOCATION,
        ElementType.AND_JUNCTION,
        ElementType.OR_JUNCTION,
    }
)


def _aspect(element_type: ElementType) -> Aspect:
    if _LAYERS[element_type] is Layer.MOTIVATION:
        return Aspect.MOTIVATION
    if element_type in _COMPOSITES:
        return Aspect.COMPOSITE
    if element_type in _PASSIVE:
        return Aspect.PASSIVE
    return Aspect.BEHAVIOUR if element_type in _BEHAVIOUR else Aspect.ACTIVE


_LAYERS: Mapping[ElementType, Layer] = _layers()
_ASPECTS: Mapping[ElementType, Aspect] = MappingProxyType({one: _aspect(one) for one in ElementType})

JUNCTIONS = frozenset({ElementType.AND_JUNCTION, ElementType.OR_JUNCTION})
"""Elements that only join relations: they need no name."""
