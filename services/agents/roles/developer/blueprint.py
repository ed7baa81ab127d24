"""The application architecture as code will have it: packages, record kinds, routes.

Names are settled here once (identifiers, tables, constants), so that the templates only write down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import (
    ApplicationArchitecture,
    Component,
    DataEntity,
    EntityAttribute,
    Interface,
    InterfaceOperation,
)
from archwright.agents.v1.business_analyst_pb2 import Requirement
from services.agents.naming import last_plural, slug, snake
from services.agents.openapi import parameter, writable
from services.agents.verbs import past_participle

Json = str | int | bool

_SAMPLES: Mapping[str, Json] = {
    "text": "Some words about it", "integer": 3, "decimal": "1.5000", "money": "10.00", "date": "2026-01-31",
    "datetime": "2026-01-31T10:00:00Z", "boolean": True, "uuid": "00000000-0000-4000-8000-000000000001", "json": "{}",
}  # fmt: skip
_COLUMNS = {
    "string": "VARCHAR(255)", "text": "TEXT", "integer": "BIGINT", "decimal": "DECIMAL(18, 4)",
    "money": "DECIMAL(18, 2)", "date": "DATE", "datetime": "TIMESTAMP", "boolean": "BOOLEAN",
    "uuid": "VARCHAR(36)", "json": "TEXT",
}  # fmt: skip
_WORDS = frozenset({"string", "text"})
_FROM_EVENT = frozenset({"event_type", "subject_id"})
GENERATED = frozenset({Component.SERVICE, Component.WORKER, Component.INTEGRATION, Component.DATASTORE_OWNER})


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of a record kind."""

    name: str
    kind: str
    required: bool
    personal: bool

    @property
    def column(self) -> str:
        """The type of its column."""
        return _COLUMNS[self.kind]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record."""

    entity: DataEntity
    topic: str
    fields: tuple[FieldView, ...]
    references: tuple[tuple[str, str], ...]
    """Columns that point to a record of the same component, and the table they point to."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.entity.name.lower()

    @property
    def constant(self) -> str:
        """Its constant in the code."""
        return snake(self.entity.name).upper()

    @property
    def table(self) -> str:
        """Its table."""
        return snake(last_plural(self.entity.name))

    @property
    def variable(self) -> str:
        """The variable that holds its records."""
        return f"{snake(self.entity.name)}_records"

    @property
    def sample(self) -> dict[str, Json]:
        """Values that are valid: all fields except links, which would need something to point to."""
        pointing = {column for column, _ in self.references}
        return {one.name: _sample(one) for one in self.fields if one.name not in pointing}


@dataclass(frozen=True, slots=True)
class Route:
    """An operation as a function."""

    operation: InterfaceOperation
    kind: Kind
    reasons: tuple[str, ...]

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.operation.verb

    @property
    def path(self) -> str:
        """The path, with its parameter in braces."""
        return self.operation.path

    @property
    def function(self) -> str:
        """The function's name: `createClaim` becomes `create_claim`."""
        return snake("".join(f"_{one}" if one.isupper() else one for one in self.operation.name))

    @property
    def status(self) -> int:
        """The status of success."""
        if self.method == "DELETE":
            return 204
        return 201 if self.is_creation else 200

    @property
    def is_creation(self) -> bool:
        """Whether it makes a record."""
        return self.method == "POST" and self.operation.crud == "C"

    @property
    def is_move(self) -> bool:
        """Whether it moves a record to another status."""
        return self.method == "POST" and self.operation.crud == "U"

    @property
    def returns(self) -> str:
        """The type that the function returns."""
        if self.method == "DELETE":
            return "None"
        return "dict[str, list[Row]]" if self.method == "GET" and not parameter(self.path) else "Row"

    @property
    def new_status(self) -> str:
        """The status that a move leads to."""
        return past_participle(self.path.rsplit("/", 1)[-1])

    @property
    def expression(self) -> str:
        """What the function does."""
        records, one = self.kind.variable, f'call.parameters["{parameter(self.path)}"]'
        if self.is_move:
            return f'{records}.move({one}, "{self.new_status}")'
        match self.method:
            case "POST":
                return f"{records}.create(call.body)"
            case "PATCH":
                return f"{records}.change({one}, call.body)"
            case "DELETE":
                return f"{records}.erase({one})"
            case _:
                return f"{records}.get({one})" if parameter(self.path) else f"{records}.list(call.query)"


@dataclass(frozen=True, slots=True)
class Package:
    """A component as a Python package."""

    component: Component
    kinds: tuple[Kind, ...]
    routes: tuple[Route, ...]
    listens: tuple[str, ...]

    @property
    def name(self) -> str:
        """The package's name."""
        return package_name(self.component.id)

    @property
    def served(self) -> list[Kind]:
        """The record kinds that a route or a listener touches."""
        touched = {route.kind.entity.id for route in self.routes}
        if self.hearing:
            touched.add(self.kinds[0].entity.id)
        return [kind for kind in self.kinds if kind.entity.id in touched]

    @property
    def constants(self) -> list[str]:
        """The constants of those, sorted as imports are."""
        return sorted(kind.constant for kind in self.served)

    @property
    def web_names(self) -> list[str]:
        """What its routes and listeners need of the kernel's module `application`."""
        return ["Application", *(["Call"] if self.routes else []), *(["Event"] if self.listens else [])]

    @property
    def storage_names(self) -> list[str]:
        """What they need of the kernel's module `storage`."""
        rows = any("Row" in route.returns for route in self.routes)
        return [*(["Records"] if self.served else []), *(["Row"] if rows else []), "Store"]

    @property
    def paths(self) -> list[str]:
        """The first parts of its paths."""
        return sorted({f"`/{route.path.split('/')[1]}`" for route in self.routes})

    @property
    def hearing(self) -> str:
        """The statement that makes a record out of an event; empty where a record needs more than an event tells."""
        kind = self.kinds[0]
        needed = [one for one in kind.fields if one.required and one.name not in _FROM_EVENT]
        is_fed = bool(self.listens) and not any(route.is_creation for route in self.routes)
        if not is_fed or any(one.kind not in _WORDS for one in needed):
            return ""
        known = {one.name for one in kind.fields}
        values = [f'"{name}": {source}' for name, source in
                  (("event_type", "event.type"), ("subject_id", "event.subject")) if name in known]  # fmt: skip
        values += [f'"{one.name}": event.type' for one in needed]
        return f"{kind.variable}.create({{{', '.join(values)}}})"

    def route(self, operation: str) -> Route | None:
        """Return the route of an operation."""
        return next((one for one in self.routes if one.operation.name == operation), None)


def packages(application: ApplicationArchitecture, requirements: Sequence[Requirement]) -> tuple[Package, ...]:
    """Return a package for each component that keeps records."""
    entities = {one.id: one for one in application.data_entities}
    statements = {one.id: f"{one.id}: {one.statement}" for one in requirements}
    found = []
    for component in application.components:
        if component.type not in GENERATED or not component.owns_entities:
            continue
        owned = [entities[one] for one in component.owns_entities if one in entities]
        kinds = tuple(_kind(one, component, owned) for one in _pointed_first(owned))
        by_entity = {kind.entity.id: kind for kind in kinds}
        routes = tuple(
            Route(one, by_entity[one.entity], tuple(statements[req] for req in one.req_ids if req in statements))
            for one in _operations(application, component.id, Interface.REST)
            if one.entity in by_entity
        )
        found.append(Package(component, kinds, routes, _heard(application, component.id)))
    return tuple(found)


def package_name(component_id: str) -> str:
    """Return the Python package of a component."""
    return snake(component_id.removeprefix("CMP-"))


def subscriptions(application: ApplicationArchitecture, known: Iterable[Package]) -> dict[str, list[str]]:
    """Return who listens to which events, by event type."""
    names = {one.component.id: one.name for one in known}
    return {
        operation.path: [names[one] for one in interface.consumer_ids if one in names]
        for interface in application.interfaces
        if interface.protocol == Interface.EVENT and interface.provider_id in names
        for operation in interface.operations
    }


def _operations(
    application: ApplicationArchitecture, component_id: str, protocol: Interface.Protocol.ValueType
) -> list[InterfaceOperation]:
    return [
        operation
        for interface in application.interfaces
        if interface.provider_id == component_id and interface.protocol == protocol
        for operation in interface.operations
    ]


def _heard(application: ApplicationArchitecture, component_id: str) -> tuple[str, ...]:
    return tuple(
        operation.path
        for interface in application.interfaces
        if interface.protocol == Interface.EVENT and component_id in interface.consumer_ids
        for operation in interface.operations
    )


def _kind(entity: DataEntity, component: Component, owned: Sequence[DataEntity]) -> Kind:
    tables = {one.id: snake(last_plural(one.name)) for one in owned}
    there = {one.name for one in entity.attributes}
    return Kind(
        entity=entity,
        topic=f"{component.id.removeprefix('CMP-')}.{slug(entity.name)}",
        fields=tuple(_field(one) for one in writable(entity)),
        references=tuple(
            (f"{one.name}_id", tables[one.to])
            for one in entity.relations
            if one.to in tables and f"{one.name}_id" in there
        ),
    )


def _field(attribute: EntityAttribute) -> FieldView:
    kind = "text" if attribute.type == "json" else attribute.type
    return FieldView(attribute.name, kind, attribute.required, attribute.pii)


def _pointed_first(owned: Sequence[DataEntity]) -> list[DataEntity]:
    """Return the entities so that each comes after those that it points to; links never go in a circle."""
    placed: list[DataEntity] = []
    waiting = list(owned)
    while waiting:
        there = {one.id for one in waiting}
        free = [one for one in waiting if not any(link.to in there and link.to != one.id for link in one.relations)]
        placed += free or waiting[:1]
        waiting = [one for one in waiting if one not in placed]
    return placed


def _sample(field: FieldView) -> Json:
    if field.kind == "string":
        return "someone@example.org" if "email" in field.name else f"{field.name.replace('_', ' ')} 1"
    return _SAMPLES[field.kind]
