"""Takes webhooks: `POST /hooks/changes/{rule}` with the rule's secret rings for its changes to be looked at."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import socket
from collections.abc import Iterator, Mapping
from typing import Final, Protocol, TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.changes.rules import Rule

SECRET_HEADER: Final = "x-archwright-secret"  # noqa: S105  a name, not a secret
BODY_BYTES_MAX: Final = 1 << 16
BODY_SECONDS_MAX: Final = 10.0
_CLOSE: Final = {"connection": "close"}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service: it stops us."""
        yield


class Bell(Protocol):
    """What is rung."""

    def ring(self) -> None:
        """Have the changes of a rule looked at."""
        ...


Rings: TypeAlias = Mapping[str, tuple[Rule, Bell]]
"""By the name of a rule: the rule, and what is rung for it."""


def hooks(rings: Rings) -> Starlette:
    """Return what answers webhooks. What they say is dropped: they only ring, so one that comes again does no harm."""

    async def ring(request: Request) -> Response:
        rule, looking = rings.get(request.path_params["rule"], (None, None))
        secret = rule.hook_secret.get_secret_value() if rule is not None and rule.hook_secret is not None else ""
        # As bytes, since Starlette reads a header as Latin-1, and compared in any case, so that time tells nothing.
        is_known = hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode("latin-1"), secret.encode())
        if not secret or looking is None or not is_known:
            return PlainTextResponse(f"There is no such hook, or {SECRET_HEADER} is wrong.\n", 404, _CLOSE)
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                is_small = await _is_small(request)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("The body did not come.\n", 408, _CLOSE)
        if not is_small:
            return PlainTextResponse(f"The body may have {BODY_BYTES_MAX} bytes.\n", 413, _CLOSE)
        looking.ring()
        return Response(status_code=202)

    return Starlette(routes=[Route("/hooks/changes/{rule}", ring, methods=["POST"])])


async def _is_small(request: Request) -> bool:
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > BODY_BYTES_MAX:
            return False
    return True


def server_of(app: Starlette) -> _Server:
    """Return a server of these hooks, to be served on a socket."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", limit_concurrency=100)
    return _Server(config)


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises OSError where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
