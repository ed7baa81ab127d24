"""ServiceNow and Jira Service Management as their interfaces are: real HTTP servers that keep what they are told.

Faults are told to them: the next answers may be errors, silence, redirects, or no JSON, and a change may be made whose
answer is lost.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from archwright.local import certificates
from archwright.pacing import rest
from services.changes.hooks import _Server, listening

USER, SECRET = "archwright", "s3cret"
Answer = Callable[[Request], Awaitable[Response]]


@dataclass
class ChangeServer:
    """What is the same about both."""

    url: str = ""
    faults: list[str] = field(default_factory=list)
    """What becomes of the next requests, one after the other."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was made, by key."""
    finds_everything: bool = False
    """Whether it does not understand what is looked for, and finds all there is."""
    refuses: str = ""
    """What must not be in a change."""
    finds_late: bool = False
    """Whether what is new is not found yet."""
    retry_after: str = "7"
    asked: int = 0
    """How many requests came."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def faulty(self, answer: Answer) -> Answer:
        """Let a request fail as was told."""

        async def answered(request: Request) -> Response:
            expected = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {expected}":
                return JSONResponse({"error": {"message": "User Not Authenticated"}}, 401)
            self.asked += 1
            fault = self.faults.pop(0) if self.faults else ""
            match fault:
                case "":
                    return await answer(request)
                case "lost":
                    await answer(request)
                    return PlainTextResponse("upstream reset", 502)
                case "silent":
                    await self.over.wait()
                    return Response()
                case "endless":
                    return StreamingResponse(_endless())
                case "garbage":
                    return PlainTextResponse("<html>It works!</html>")
                case "redirect":
                    return RedirectResponse("http://127.0.0.1:1/")
                case "busy" | "busy 429" | "busy 503":
                    status = int(fault.removeprefix("busy").strip() or 429)
                    return PlainTextResponse("", status, headers={"retry-after": self.retry_after})
                case _:
                    return JSONResponse({"error": fault}, int(fault))

        return answered


async def _endless() -> AsyncIterator[bytes]:
    for _ in range(256):  # far more than anybody should read
        yield b"x" * 65_536
        await rest(0)


@dataclass
class ServiceNowServer(ChangeServer):
    """The Table API of change requests."""

    def routes(self) -> list[Route]:
        table = "/api/now/table/change_request"
        return [
            Route(table, self.faulty(self._list), methods=["GET"]),
            Route(table, self.faulty(self._create), methods=["POST"]),
            Route(f"{table}/{{key}}", self.faulty(self._get), methods=["GET"]),
            Route(f"{table}/{{key}}", self.faulty(self._patch), methods=["PATCH"]),
            Route("/api/now/table/sysapproval_approver", self.faulty(self._approvers), methods=["GET"]),
        ]

    def decide(self, approval: str, by: str = "Abel Tuter", comments: str = "") -> None:
        """Decide all that wait."""
        for row in self.rows.values():
            if row["approval"] == "requested":
                row |= {"approval": approval, "_by": by, "_comments": comments}

    async def _list(self, request: Request) -> Response:
        [wanted] = re.findall(r"correlation_id=([^^]*)", request.query_params["sysparm_query"])
        found = [row for row in self.rows.values() if self.finds_everything or row["correlation_id"] == wanted]
        return JSONResponse({"result": [] if self.finds_late else found})

    async def _create(self, request: Request) -> Response:
        key, told = f"{len(self.rows) + 1:032x}", await request.json()
        if self.refuses and self.refuses in told["description"]:
            return JSONResponse({"error": {"message": "Operation Failed"}}, 400)
        row = {"state": "-5", **told, "sys_id": key, "number": f"CHG{len(self.rows) + 30001:07d}"}
        self.rows[key] = row
        return JSONResponse({"result": row}, 201)

    async def _get(self, request: Request) -> Response:
        row = self.rows.get(request.path_params["key"])
        if row is None:
            return JSONResponse({"error": {"message": "No Record found"}, "status": "failure"}, 404)
        return JSONResponse({"result": row})

    async def _patch(self, request: Request) -> Response:
        row = self.rows[request.path_params["key"]]
        row |= await request.json()
        return JSONResponse({"result": row})

    async def _approvers(self, request: Request) -> Response:
        [key] = re.findall(r"sysapproval=([^^]*)", request.query_params["sysparm_query"])
        row = self.rows[key]
        return JSONResponse({"result": [{"approver.name": row.get("_by", ""), "comments": row.get("_comments", "")}]})


@dataclass
class JiraServer(ChangeServer):
    """Requests of a service desk, and issues."""

    has_approvals: bool = True

    def routes(self) -> list[Route]:
        return [
            Route("/rest/api/3/search/jql", self.faulty(self._search), methods=["POST"]),
            Route("/rest/servicedeskapi/request", self.faulty(self._create), methods=["POST"]),
            Route("/rest/servicedeskapi/request/{key}/approval", self.faulty(self._approvals), methods=["GET"]),
            Route("/rest/servicedeskapi/request/{key}/comment", self.faulty(self._comment), methods=["POST"]),
            Route("/rest/api/3/issue/{key}", self.faulty(self._issue), methods=["GET"]),
            Route("/rest/api/3/issue/{key}/transitions", self.faulty(self._transition), methods=["POST"]),
        ]

    def decide(self, decision: str, by: str = "Mia Krystof", comments: str = "") -> None:
        """Decide all that wait."""
        for row in self.rows.values():
            if row["decision"] == "pending":
                row |= {"decision": decision, "by": by, "status": comments or row["status"]}

    async def _search(self, request: Request) -> Response:
        [label] = re.findall(r'labels = "([^"]*)"', (await request.json())["jql"])
        labels = {key: row["requestFieldValues"]["labels"] for key, row in self.rows.items()}
        found = [key for key, its in labels.items() if self.finds_everything or label in its]
        found = [] if self.finds_late else found
        return JSONResponse({"issues": [{"key": key, "fields": {"labels": labels[key]}} for key in found]})

    async def _create(self, request: Request) -> Response:
        key = f"CHG-{len(self.rows) + 1}"
        waiting = {"decision": "pending", "status": "Waiting for approval", "comments": []}
        self.rows[key] = {**await request.json(), **waiting}
        return JSONResponse({"issueId": "1", "issueKey": key}, 201)

    async def _approvals(self, request: Request) -> Response:
        row = self.rows.get(request.path_params["key"])
        if row is None:
            return JSONResponse({"errorMessage": "The request does not exist."}, 404)
        decided = {"approver": {"displayName": row.get("by", "")}, "approverDecision": row["decision"]}
        approval = {"id": "1", "finalDecision": row["decision"], "approvers": [decided]}
        return JSONResponse({"size": 1, "values": [approval] if self.has_approvals else []})

    async def _comment(self, request: Request) -> Response:
        self.rows[request.path_params["key"]]["comments"].append((await request.json())["body"])
        return JSONResponse({"id": "1"}, 201)

    async def _issue(self, request: Request) -> Response:
        row = self.rows.get(request.path_params["key"])
        if row is None:
            return JSONResponse({"errorMessages": ["Issue does not exist"]}, 404)
        fields = {"status": {"name": row["status"]}, "labels": row["requestFieldValues"]["labels"]}
        return JSONResponse({"key": request.path_params["key"], "fields": fields})

    async def _transition(self, request: Request) -> Response:
        row = self.rows[request.path_params["key"]]
        row |= {"transition": (await request.json())["transition"]["id"]}
        return Response(status_code=204)


@asynccontextmanager
async def serving(
    server: ServiceNowServer | JiraServer, authority: certificates.Certificates | None = None
) -> AsyncIterator[None]:
    """Serve on a free port, in clear or with a certificate of `localhost`."""
    config = uvicorn.Config(
        Starlette(routes=server.routes()),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        ssl_certfile=authority.server_file if authority else None,
        ssl_keyfile=authority.server_key_file if authority else None,
    )
    http = _Server(config)
    with listening("127.0.0.1", 0) as socket:
        place = "https://localhost" if authority else "http://127.0.0.1"
        server.url = f"{place}:{socket.getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            group.create_task(http.serve([socket]))
            try:
                yield
            finally:
                server.over.set()
                http.should_exit = http.force_exit = True
