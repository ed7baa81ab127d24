"""Serves DescriptionService."""

from __future__ import annotations

from google.api import httpbody_pb2

from archwright import openapi
from archwright.engine.v1 import description_pb2 as pb
from archwright.serving.calls import Call


class DescriptionApi:
    """Describes the API itself."""

    async def get_open_api(self, request: pb.GetOpenApiRequest, call: Call) -> httpbody_pb2.HttpBody:
        """Return the OpenAPI document."""
        return httpbody_pb2.HttpBody(content_type="application/json", data=openapi.document())
