"""Answers whoever reads a process's metrics: `GET /metrics`, over plain HTTP, on an address of its own.

It shares the event loop, so nothing that is read moves meanwhile, and no thread takes the processor away from it. What
the answer looks like is the library's matter; here it is only seen to that nobody can hold much: a request is small
and comes soon, an answer is taken soon, few are served at a time, and each connection serves one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

log = structlog.get_logger(__name__)

PATH: Final = "/metrics"
HEAD_BYTES_MAX: Final = 8_192
SECONDS_MAX: Final = 5.0
READERS_MAX: Final = 8


class _Refused(Exception):
    """A request that is not answered with metrics; `status` is what HTTP calls it."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@asynccontextmanager
async def serving(registry: CollectorRegistry, host: str, port: int) -> AsyncIterator[str]:
    """Serve while the block lasts, and give the address, `host:port`; raises OSError when it is taken."""
    readers = _Readers(registry)
    try:
        server = await asyncio.start_server(readers.serve, host, port, limit=HEAD_BYTES_MAX)
    except OSError as refused:
        raise OSError(
            f"Cannot listen on {host}:{port} for metrics: it is taken, or not an address here. "
            "ARCHWRIGHT_METRICS_HOST and ARCHWRIGHT_METRICS_PORT name another; port 0 takes a free one."
        ) from refused
    try:
        bound = server.sockets[0].getsockname()[1]
        yield f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"
    finally:
        server.close()
        await server.wait_closed()


class _Readers:
    """Those who are being answered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answer = make_wsgi_app(registry)
        self._count = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close; close at once while too many others are being answered."""
        if self._count >= READERS_MAX:
            writer.transport.abort()
            return
        self._count += 1
        try:
            async with asyncio.timeout(SECONDS_MAX):
                writer.write(await self._response(reader))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # it went, or it is too slow to be waited for
        finally:
            self._count -= 1
            writer.close()

    async def _response(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return self._told(_environ(await _head(reader)))
        except _Refused as refused:
            return _in_words(refused.status, str(refused))

    def _told(self, environ: Mapping[str, str]) -> bytes:
        status, headers = "", list[tuple[str, str]]()

        def start(told: str, given: list[tuple[str, str]]) -> None:
            nonlocal status
            status = told
            headers.extend(given)

        try:
            body = b"".join(self._answer(environ, start))
        except Exception:  # the top of a handler; a figure that cannot be told must not go unnoticed
            log.exception("metrics_not_told")
            return _in_words("500 Internal Server Error", "The metrics cannot be told; the log says why.")
        return _written(status, headers, body)


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise _Refused("431 Request Header Fields Too Large", f"At most {HEAD_BYTES_MAX} bytes are read.") from None


def _environ(head: str) -> dict[str, str]:
    """Return what WSGI calls a request; raises _Refused for one that asks for nothing that is here."""
    request, *fields = head.split("\r\n")
    words = request.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Refused("400 Bad Request", "This is no HTTP/1 request.")
    path, _, query = words[1].partition("?")
    if path != PATH:
        raise _Refused("404 Not Found", f"There is nothing here but {PATH}.")
    environ = {"REQUEST_METHOD": words[0], "PATH_INFO": path, "QUERY_STRING": query}
    for field in fields:
        name, _, value = field.partition(":")
        if name.lower() in {"accept", "accept-encoding"}:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value.strip()
    return environ


def _in_words(status: str, words: str) -> bytes:
    return _written(status, [("Content-Type", "text/plain; charset=utf-8")], f"{words}\n".encode())


def _written(status: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    fields = [*headers, ("Content-Length", str(len(body))), ("Connection", "close")]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body
