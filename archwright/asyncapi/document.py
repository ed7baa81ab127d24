"""Puts the document together: servers, channels, and what may be received on each."""

from __future__ import annotations

from functools import cache

import orjson

from archwright.asyncapi import bus, websockets
from archwright.contract import Contract, contract
from archwright.openapi import schemas
from archwright.openapi.schemas import Json

_TOLD = (
    "archwright.events.v1.WorkflowEvent",
    "archwright.engine.v1.Workflow",
    "archwright.engine.v1.TaskProgress",
    "archwright.engine.v1.TaskChunk",
    "archwright.engine.v1.TaskReset",
)


@cache
def document() -> bytes:
    """Return the document as JSON."""
    return orjson.dumps(_document(contract()), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _document(spoken: Contract) -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Archwright",
            "version": "v1",
            "description": "What happens to workflows: on the event bus, and over WebSockets.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "bus": {
                "host": "redis:6379",
                "protocol": "redis",
                "description": "The event bus: Redis 7.0+ or Valkey 8+. It is not encrypted, and holds no content.",
            },
            "gateway": {
                "host": "localhost:8443",
                "protocol": "wss",
                "description": "The gateway.",
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            },
        },
        "channels": bus.channels() | websockets.channels(),
        "operations": bus.operations() | websockets.operations(),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Signed with ES256; browsers may send it as the query parameter `access_token`.",
                }
            },
            "messages": bus.messages() | websockets.messages(),
            "schemas": bus.schemas() | schemas.components(spoken, [(name, ()) for name in _TOLD]),
        },
    }
