"""Definitions: checked, planned, published, compared, and retired."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.engine.v1.definitions_pb2 import (
    Channel,
    Definition,
    DefinitionReference,
    DefinitionVersion,
    DeleteChannelRequest,
    DeprecateDefinitionRequest,
    DiffDefinitionsRequest,
    DiffDefinitionsResponse,
    DrawDefinitionRequest,
    GetDefinitionRequest,
    GetLanguageSchemaRequest,
    ListChannelsRequest,
    ListDefinitionsRequest,
    ListDefinitionVersionsRequest,
    PlanDefinitionRequest,
    PlanDefinitionResponse,
    PublishDefinitionRequest,
    RestoreDefinitionRequest,
    SetChannelRequest,
    ValidateDefinitionRequest,
    ValidateDefinitionResponse,
)
from archwright.payloads import Json, from_struct

PAGE_SIZE = 200


def text(source: str) -> DefinitionReference:
    """Return a reference to a definition by its text, which need not be published."""
    return DefinitionReference(source=source)


def published(name: str, version: str = "") -> DefinitionReference:
    """Return a reference to a published definition, by version or channel; `latest` unless one is named."""
    return DefinitionReference(name=name, version=version)


class Definitions:
    """The definitions of a mesh. Where a version is asked for, a channel may be named too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.definitions(connection.channel)

    async def validate(self, source: str) -> ValidateDefinitionResponse:
        """Return what is wrong with the text, and what is hardly meant."""
        return await self._connection.unary(self._stub.ValidateDefinition, ValidateDefinitionRequest(source=source))

    async def plan(self, of: DefinitionReference) -> PlanDefinitionResponse:
        """Return what a workflow would do, and which agents would take its steps now; see `text` and `published`."""
        request = PlanDefinitionRequest(source=of.source, name=of.name, version=of.version)
        return await self._connection.unary(self._stub.PlanDefinition, request)

    async def publish(self, source: str, *, channels: Sequence[str] = (), request_id: str | None = None) -> Definition:
        """Publish the text, and point channels at it. Its version never changes afterwards.

        Publishing the same again is no error.
        """
        request = PublishDefinitionRequest(source=source, channels=channels, request_id=request_id or _new_request_id())
        return await self._connection.unary(self._stub.PublishDefinition, request)

    async def get(self, name: str, version: str = "") -> Definition:
        """Return the definition, by version or channel; `latest` unless one is named."""
        return await self._connection.unary(self._stub.GetDefinition, GetDefinitionRequest(name=name, version=version))

    async def list(self) -> AsyncIterator[Definition]:
        """Yield every definition by name, in its latest version, without its source."""

        async def page(token: str) -> tuple[Sequence[Definition], str]:
            request = ListDefinitionsRequest(page_size=PAGE_SIZE, page_token=token)
            answer = await self._connection.unary(self._stub.ListDefinitions, request)
            return answer.definitions, answer.next_page_token

        async for definition in walk(page):
            yield definition

    async def versions(self, name: str) -> AsyncIterator[DefinitionVersion]:
        """Yield the versions of a definition, the highest first."""

        async def page(token: str) -> tuple[Sequence[DefinitionVersion], str]:
            request = ListDefinitionVersionsRequest(name=name, page_size=PAGE_SIZE, page_token=token)
            answer = await self._connection.unary(self._stub.ListDefinitionVersions, request)
            return answer.versions, answer.next_page_token

        async for version in walk(page):
            yield version

    async def diff(self, before: DefinitionReference, after: DefinitionReference) -> DiffDefinitionsResponse:
        """Return how two definitions differ; see `text` and `published`."""
        request = DiffDefinitionsRequest(before=before, after=after)
        return await self._connection.unary(self._stub.DiffDefinitions, request)

    async def deprecate(self, name: str, version: str, note: str = "") -> DefinitionVersion:
        """Have new workflows follow a version no longer; those that follow it go on."""
        request = DeprecateDefinitionRequest(name=name, version=version, note=note, request_id=_new_request_id())
        return await self._connection.unary(self._stub.DeprecateDefinition, request)

    async def restore(self, name: str, version: str) -> DefinitionVersion:
        """Take a deprecation back."""
        request = RestoreDefinitionRequest(name=name, version=version, request_id=_new_request_id())
        return await self._connection.unary(self._stub.RestoreDefinition, request)

    async def channels(self, name: str) -> Sequence[Channel]:
        """Return the channels of a definition by name, `latest` among them."""
        answer = await self._connection.unary(self._stub.ListChannels, ListChannelsRequest(name=name))
        return tuple(answer.channels)

    async def set_channel(self, name: str, channel: str, version: str) -> Channel:
        """Point a channel at a version; it is made where there is none."""
        request = SetChannelRequest(name=name, channel=channel, version=version, request_id=_new_request_id())
        return await self._connection.unary(self._stub.SetChannel, request)

    async def delete_channel(self, name: str, channel: str) -> None:
        """Delete a channel; the version that it points at stays."""
        request = DeleteChannelRequest(name=name, channel=channel, request_id=_new_request_id())
        await self._connection.unary(self._stub.DeleteChannel, request)

    async def draw(self, of: DefinitionReference) -> str:
        """Return the definition as a Mermaid flowchart; see `text` and `published`."""
        request = DrawDefinitionRequest(source=of.source, name=of.name, version=of.version)
        return (await self._connection.unary(self._stub.DrawDefinition, request)).mermaid

    async def language_schema(self) -> dict[str, Json]:
        """Return the JSON Schema of the language."""
        answer = await self._connection.unary(self._stub.GetLanguageSchema, GetLanguageSchemaRequest())
        return dict(from_struct(answer.schema))


def _new_request_id() -> str:
    return ids.show("req", ids.new_uuid())
