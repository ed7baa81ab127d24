"""A real HTTP server that answers webhooks as it is told, byte for byte, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Asked:
    """One request."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found = orjson.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class HookServer:
    """Answers every request with the next of `answers`, and with the last one from then on."""

    port: int = 0
    answers: list[bytes] = field(default_factory=lambda: [OK])
    asked: list[Asked] = field(default_factory=list)
    is_endless: bool = False
    """Whether the answer's body never ends."""
    is_silent: bool = False
    """Whether it never answers."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    """Told whenever something was asked."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _request(reader)
            async with self.changed:
                self.asked.append(asked)
                self.changed.notify_all()
            if self.is_silent:
                await self.over.wait()
            writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            while self.is_endless:
                writer.write(b"x" * (1 << 20))
                await writer.drain()
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone, which is theirs to do
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
    return Asked(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def hook_server(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[HookServer]:
    """Serve while the block lasts."""
    hooks = HookServer(answers=list(answers) or [OK])
    server = await asyncio.start_server(hooks.talk, "127.0.0.1", 0, ssl=tls)
    hooks.port = server.sockets[0].getsockname()[1]
    try:
        yield hooks
    finally:
        hooks.over.set()
        server.close()
        await server.wait_closed()


def answer(status: str, *headers: str) -> bytes:
    """Return an answer without a body."""
    return "\r\n".join((f"HTTP/1.1 {status}", "Content-Length: 0", *headers, "", "")).encode()
