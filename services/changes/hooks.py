"""Takes webhooks: `POST /hooks/changes/{rule}` with the rule's secret rings for its changes to be looked at."""

from __future__ import annotations

import contextlib
import hmac
import socket
from collections.abc import Iterator, Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.changes.loops.look_at_changes import LookAtChanges
from services.changes.rules import Rule

SECRET_HEADER = "x-archwright-secret"  # noqa: S105  a name, not a secret


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service: it stops us."""
        yield


def hooks(rings: Mapping[str, tuple[Rule, LookAtChanges]]) -> Starlette:
    """Return what answers webhooks. Their content is not even read."""

    async def ring(request: Request) -> Response:
        rule, looking = rings.get(request.path_params["rule"], (None, None))
        secret = rule.hook_secret.get_secret_value() if rule is not None and rule.hook_secret is not None else ""
        shown = request.headers.get(SECRET_HEADER, "")
        if not secret or looking is None or not hmac.compare_digest(shown.encode(), secret.encode()):
            return PlainTextResponse(f"There is no such hook, or {SECRET_HEADER} is wrong.\n", 404)
        looking.ring()
        return Response(status_code=202)

    return Starlette(routes=[Route("/hooks/changes/{rule}", ring, methods=["POST"])])


def server_of(app: Starlette) -> _Server:
    """Return a server of these hooks, to be served on a socket."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", limit_concurrency=100)
    return _Server(config)


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises OSError where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
