"""HCP Terraform as its API is: configurations, runs and plans of one workspace, each ready a little later."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.changes.hooks import listening, server_of

TOKEN, WORKSPACE = "tf-token", "ws-123"


@dataclass
class TerraformServer:
    """What was uploaded, and what was run."""

    outcome: str = "planned_and_finished"
    broken: str = ""
    """The path of the request that is answered with an error."""
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    looked: int = 0

    def routes(self) -> list[Route]:
        """Return what is answered."""
        workspace = f"/api/v2/workspaces/{WORKSPACE}/configuration-versions"
        return [
            Route(workspace, self.configure, methods=["POST"]),
            Route("/upload", self.take, methods=["PUT"]),
            Route("/api/v2/configuration-versions/cv-1", self.configuration),
            Route("/api/v2/runs", self.start, methods=["POST"]),
            Route("/api/v2/runs/run-1", self.run),
            Route("/api/v2/plans/plan-1", self.plan),
        ]

    async def configure(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        self.configurations.append((await request.json())["data"]["attributes"])
        attributes = {"status": "pending", "upload-url": f"{self.url}/upload"}
        return self._data("configuration-versions", "cv-1", attributes)

    async def take(self, request: Request) -> Response:
        if request.headers.get("authorization"):
            return JSONResponse({}, 400)  # the place of the upload is secret by itself
        with tarfile.open(fileobj=io.BytesIO(await request.body())) as archive:
            for entry in archive:
                found = archive.extractfile(entry)
                assert found is not None
                self.files[entry.name] = found.read()
        return Response()

    async def configuration(self, request: Request) -> Response:
        status = "uploaded" if self.files else "pending"
        return self._refused(request) or self._data("configuration-versions", "cv-1", {"status": status})

    async def start(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        self.runs.append((await request.json())["data"])
        return self._data("runs", "run-1", {"status": "pending"})

    async def run(self, request: Request) -> Response:
        self.looked += 1
        status = self.outcome if self.looked > 2 else "planning"
        relationships = {"plan": {"data": {"type": "plans", "id": "plan-1"}}}
        return self._refused(request) or self._data("runs", "run-1", {"status": status}, relationships)

    async def plan(self, request: Request) -> Response:
        counts = {"resource-additions": 12, "resource-changes": 3, "resource-destructions": 1}
        return self._refused(request) or self._data("plans", "plan-1", counts)

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"errors": [{"status": "401", "title": "unauthorized"}]}, 401)
        if self.broken and request.url.path.endswith(self.broken):
            return JSONResponse({"errors": [{"status": "500"}]}, 500)
        return None

    def _data(self, kind: str, own: str, attributes: dict[str, Any], relationships: object = None) -> Response:
        data = {"id": own, "type": kind, "attributes": attributes, "relationships": relationships or {}}
        return JSONResponse({"data": data}, media_type="application/vnd.api+json")


@asynccontextmanager
async def terraform_server(outcome: str = "planned_and_finished", broken: str = "") -> AsyncIterator[TerraformServer]:
    """Listen on a free port of this machine."""
    server = TerraformServer(outcome, broken)
    http = server_of(Starlette(routes=server.routes()))
    with listening("127.0.0.1", 0) as socket:
        server.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            group.create_task(http.serve([socket]))
            try:
                yield server
            finally:
                http.should_exit = True
