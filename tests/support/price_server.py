"""A pricing service as Infracost's is: a list of GraphQL queries in, a list of products' prices out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.changes.hooks import listening, server_of

KEY = "ico-test"


@dataclass
class PriceServer:
    """Knows prices by the size of a machine."""

    prices: Mapping[str, list[str]]
    fault: str = ""
    url: str = ""
    asked: list[list[dict[str, Any]]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        """Answer `POST /graphql`."""
        if request.headers.get("x-api-key") != KEY:
            return JSONResponse({"error": "Invalid API key"}, 403)
        queries = await request.json()
        self.asked.append(queries)
        match self.fault:
            case "broken":
                return JSONResponse({}, 500)
            case "no json":
                return PlainTextResponse("<html>")
            case "short":
                return JSONResponse([])
        return JSONResponse([self._products(query["variables"]["productFilter"]) for query in queries])

    def _products(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        sizes = {one["value"] for one in wanted["attributeFilters"]}
        found = [price for size, prices in self.prices.items() if size in sizes for price in prices]
        products = [{"prices": [{"USD": price}]} for price in found]
        return {"data": {"products": products or [{"prices": []}]}}


@asynccontextmanager
async def price_server(prices: Mapping[str, list[str]], fault: str = "") -> AsyncIterator[PriceServer]:
    """Listen on a free port of this machine."""
    server = PriceServer(prices, fault)
    http = server_of(Starlette(routes=[Route("/graphql", server.answer, methods=["POST"])]))
    with listening("127.0.0.1", 0) as socket:
        server.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            group.create_task(http.serve([socket]))
            try:
                yield server
            finally:
                http.should_exit = True
