"""Definitions: checked, published and read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.engine.v1.definitions_pb2 import (
    Definition,
    DefinitionProblem,
    GetDefinitionRequest,
    ListDefinitionsRequest,
    PublishDefinitionRequest,
    ValidateDefinitionRequest,
)

PAGE_SIZE = 200


class Definitions:
    """The definitions of a mesh."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.definitions(connection.channel)

    async def validate(self, source: str) -> Sequence[DefinitionProblem]:
        """Return what is wrong with the text, in its order; nothing when it could be published."""
        answer = await self._connection.unary(self._stub.ValidateDefinition, ValidateDefinitionRequest(source=source))
        return tuple(answer.problems)

    async def publish(self, source: str, *, request_id: str | None = None) -> Definition:
        """Publish the text. Its version never changes afterwards; publishing the same again is no error."""
        request = PublishDefinitionRequest(source=source, request_id=request_id or ids.show("req", ids.new_uuid()))
        return await self._connection.unary(self._stub.PublishDefinition, request)

    async def get(self, name: str, version: str = "") -> Definition:
        """Return the definition, in its newest version unless one is named."""
        return await self._connection.unary(self._stub.GetDefinition, GetDefinitionRequest(name=name, version=version))

    async def list(self) -> AsyncIterator[Definition]:
        """Yield the newest version of every definition by name, without its source."""

        async def page(token: str) -> tuple[Sequence[Definition], str]:
            request = ListDefinitionsRequest(page_size=PAGE_SIZE, page_token=token)
            answer = await self._connection.unary(self._stub.ListDefinitions, request)
            return answer.definitions, answer.next_page_token

        async for definition in walk(page):
            yield definition
