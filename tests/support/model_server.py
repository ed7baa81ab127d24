"""A server that speaks OpenAI's protocol as many do, and says what a test has written down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.changes.hooks import listening, server_of

MODEL = "scripted-1"
TOKENS_IN, TOKENS_OUT = 1000, 200


@dataclass(frozen=True)
class Says:
    """Words where an answer of the given form was asked for."""

    text: str


@dataclass(frozen=True)
class Fails:
    """An error of HTTP."""

    status: int


@dataclass(frozen=True)
class Silence:
    """No answer at all."""


Reply: TypeAlias = dict[str, Any] | Says | Fails | Silence


@dataclass
class ModelServer:
    """The last reply is given again and again."""

    replies: list[Reply]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all requests."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        body = await request.json()
        reply = self.replies[min(len(self.asked), len(self.replies) - 1)]
        self.asked.append(body)
        match reply:
            case Fails(status):
                return JSONResponse({"error": {"message": "scripted", "type": "scripted"}}, status)
            case Silence():
                await self.over.wait()
                return JSONResponse({}, 503)
            case Says(text):
                message: dict[str, Any] = {"role": "assistant", "content": text}
            case dict():
                name = body["tools"][0]["function"]["name"]
                call = {"name": name, "arguments": json.dumps(reply)}
                calls = [{"id": f"call_{len(self.asked)}", "type": "function", "function": call}]
                message = {"role": "assistant", "content": None, "tool_calls": calls}
        return JSONResponse(
            {
                "id": f"chat_{len(self.asked)}",
                "object": "chat.completion",
                "created": 1_700_000_000,
                "model": MODEL,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {
                    "prompt_tokens": TOKENS_IN,
                    "completion_tokens": TOKENS_OUT,
                    "total_tokens": TOKENS_IN + TOKENS_OUT,
                },
            }
        )


@asynccontextmanager
async def model_server(*replies: Reply) -> AsyncIterator[ModelServer]:
    """Listen on a free port of this machine."""
    server = ModelServer(list(replies))
    http = server_of(Starlette(routes=[Route("/v1/chat/completions", server.complete, methods=["POST"])]))
    with listening("127.0.0.1", 0) as socket:
        server.url = f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
        async with asyncio.TaskGroup() as group:
            group.create_task(http.serve([socket]))
            try:
                yield server
            finally:
                server.over.set()
                http.should_exit = True
