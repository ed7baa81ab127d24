"""Serves DescriptionService."""

from __future__ import annotations

from google.api import httpbody_pb2

from archwright import asyncapi, openapi
from archwright.engine.v1 import description_pb2 as pb
from archwright.serving.calls import Call


class DescriptionApi:
    """Describes the API itself."""

    async def get_open_api(self, request: pb.GetOpenApiRequest, call: Call) -> httpbody_pb2.HttpBody:
        """Return the OpenAPI document."""
        return httpbody_pb2.HttpBody(content_type="application/json", data=openapi.document())

    async def get_async_api(self, request: pb.GetAsyncApiRequest, call: Call) -> httpbody_pb2.HttpBody:
        """Return the AsyncAPI document."""
        return httpbody_pb2.HttpBody(content_type="application/json", data=asyncapi.document())
