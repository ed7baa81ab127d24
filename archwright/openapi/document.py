"""Puts the document together: who serves, how callers say who they are, the paths, and what they refer to."""

from __future__ import annotations

from functools import cache

import orjson

from archwright.contract import Contract, Method, contract
from archwright.openapi import operations, problems, schemas
from archwright.openapi.schemas import Json

BEARER = "bearer"
QUERY_TOKEN = "query_token"  # noqa: S105 - a name, not a token


@cache
def document() -> bytes:
    """Return the document as JSON."""
    return orjson.dumps(_document(contract()), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _document(spoken: Contract) -> Json:
    bound = [service for service in spoken.services if any(method.binding for method in service.methods)]
    paths: dict[str, Json] = {}
    for method in (method for service in bound for method in service.methods):
        if method.binding:
            operation = operations.operation(spoken, method, security=_security(spoken, method))
            paths.setdefault(method.binding.path, {})[method.binding.verb] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Archwright",
            "version": "v1",
            "summary": "A durable workflow engine for teams of AI agents.",
            "description": "Every call is also a gRPC call of the same name on the same address. "
            "Fields that a body has and the schema does not are ignored.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The gateway that served this document."}],
        "security": [{BEARER: []}],
        "tags": [{"name": operations.tag(service.full_name), "description": service.comment} for service in bound],
        "paths": paths,
        "components": {
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Signed with ES256. `archwright token` prints one for the local mesh.",
                },
                QUERY_TOKEN: {
                    "type": "apiKey",
                    "in": "query",
                    "name": "access_token",
                    "description": "The same token, for browsers, which cannot set headers on an event stream.",
                },
            },
            "schemas": schemas.components(spoken, operations.messages(spoken)) | problems.components(spoken),
            "responses": problems.responses(),
        },
    }


def _security(spoken: Contract, method: Method) -> list[dict[str, list[str]]]:
    if method.anonymous:
        return []
    if spoken.is_event_stream(method):
        return [{BEARER: []}, {QUERY_TOKEN: []}]
    return [{BEARER: []}]
