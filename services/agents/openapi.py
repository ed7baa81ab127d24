"""The OpenAPI 3.1 description of what a component offers, as a value: a pure function of the application architecture.

The architect checks its interfaces with it, the developer puts it into the repository, so both speak of the same paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archwright.agents.v1.application_architect_pb2 import (
    ApplicationArchitecture,
    DataEntity,
    EntityAttribute,
    Interface,
    InterfaceOperation,
)
from services.agents.naming import pascal

VERSION = "1.0.0"
GIVEN_BY_THE_SERVICE = frozenset({"id", "status", "created_at", "updated_at"})
"""Attributes that callers read but never write."""

_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "string": {"type": "string", "maxLength": 255},
    "text": {"type": "string", "maxLength": 10_000},
    "integer": {"type": "integer"},
    "decimal": {"type": "string", "pattern": r"^-?\d{1,14}(\.\d{1,4})?$"},
    "money": {"type": "string", "pattern": r"^-?\d{1,14}(\.\d{1,2})?$"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "uuid": {"type": "string", "format": "uuid"},
    "json": {},
}
_PROBLEM = {"$ref": "#/components/responses/Problem"}


def document(application: ApplicationArchitecture, component_id: str) -> dict[str, Any]:
    """Return the description of a component's calls; its paths are empty when it has none."""
    component = next(one for one in application.components if one.id == component_id)
    entities = {one.id: one for one in application.data_entities}
    calls = [
        operation
        for interface in application.interfaces
        if interface.provider_id == component_id and interface.protocol == Interface.REST
        for operation in interface.operations
    ]
    paths: dict[str, Any] = {}
    for operation in calls:
        paths.setdefault(operation.path, {})[operation.verb.lower()] = _operation(operation, entities[operation.entity])
    used = dict.fromkeys(operation.entity for operation in calls)
    schemas: dict[str, Any] = {"Problem": _problem_schema()}
    for entity_id in used:
        schemas.update(_schemas(entities[entity_id]))
    return {
        "openapi": "3.1.0",
        "info": {"title": component.name, "version": VERSION, "description": component.responsibility},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "What is wrong and what can be done.",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def writable(entity: DataEntity) -> list[EntityAttribute]:
    """Return the attributes that callers give."""
    return [one for one in entity.attributes if one.name not in GIVEN_BY_THE_SERVICE]


def parameter(path: str) -> str:
    """Return the name of the parameter in a path, or an empty string."""
    return path.partition("{")[2].partition("}")[0]


def _operation(operation: InterfaceOperation, entity: DataEntity) -> dict[str, Any]:
    name = pascal(entity.name)
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": f"{operation.name} ({', '.join(operation.req_ids)})" if operation.req_ids else operation.name,
        "tags": [name],
        "responses": {**_answers(operation, name), "default": _PROBLEM},
    }
    parameters = []
    if parameter(operation.path):
        parameters.append(_parameter(parameter(operation.path), "path", {"type": "string", "format": "uuid"}))
    elif operation.verb == "GET":
        limits = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        parameters += [_parameter("status", "query", {"type": "string"}), _parameter("limit", "query", limits)]
    if parameters:
        described["parameters"] = parameters
    is_creation = operation.verb == "POST" and operation.crud == "C"
    if is_creation or operation.verb == "PATCH":
        schema = {"$ref": f"#/components/schemas/{'New' if is_creation else 'Changed'}{name}"}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _answers(operation: InterfaceOperation, name: str) -> dict[str, Any]:
    one = {"$ref": f"#/components/schemas/{name}"}
    match operation.verb:
        case "DELETE":
            return {"204": {"description": "It is no longer there."}}
        case "POST" if operation.crud == "C":
            return {"201": _json(f"The new {name}.", one)}
        case "GET" if not parameter(operation.path):
            schema = {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": one}}}
            return {"200": _json("Those that match, the newest first.", schema)}
        case _:
            return {"200": _json(f"The {name} as it is now.", one)}


def _json(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, where: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _schemas(entity: DataEntity) -> dict[str, Any]:
    """Return how a record is read, made and changed: the same values, more or fewer of which must be there."""
    name = pascal(entity.name)
    values = {"$ref": f"#/components/schemas/{name}Values"}
    own = {one.name: dict(_SCHEMAS[one.type]) for one in entity.attributes if one.name in GIVEN_BY_THE_SERVICE}
    required = [one.name for one in writable(entity) if one.required]
    return {
        f"{name}Values": {"type": "object", "properties": {one.name: _value(one) for one in writable(entity)}},
        name: {"allOf": [values], "properties": own, "required": [*own, *required]},
        f"New{name}": {"allOf": [values], "required": required, "unevaluatedProperties": False},
        f"Changed{name}": {"allOf": [values], "minProperties": 1, "unevaluatedProperties": False},
    }


def _value(attribute: EntityAttribute) -> dict[str, Any]:
    """Return the schema of an attribute; what need not be given may be null."""
    schema = dict(_SCHEMAS[attribute.type])
    if attribute.pii:
        schema["x-personal"] = True
    if not attribute.required and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


def _problem_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["title", "status"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
