"""Takes WebSockets: `/ws/workflow/{workflow_id}/events` and `/ws/workflow/{workflow_id}/status`.

Browsers cannot read why an upgrade was refused. So whoever asks for one of these paths gets a WebSocket, then a
message that says what is wrong, and a close code; only what is no such request is refused as HTTP.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.workflows_pb2 import GetWorkflowRequest, Workflow
from archwright.errors import ArchwrightError, CursorOutOfRange, RequestInvalid, TokenInvalid
from archwright.serving.tokens import TokenVerifier
from services.realtime import messages
from services.realtime.closing import code_of
from services.realtime.hubs import Hubs
from services.realtime.watcher import Kind, Watcher

log = structlog.get_logger(__name__)

HEALTH_PATH = "/healthz"
_PATH = re.compile(r"/ws/workflow/([^/]+)/(events|status)")
_WORDS_MAX = 100
"""How many messages a client may send, all of which are ignored."""


class Sockets:
    """Lets callers watch."""

    def __init__(self, hubs: Hubs, engine: Connection, verifier: TokenVerifier, *, ping_seconds: float) -> None:
        self._hubs = hubs
        self._engine = engine
        self._verifier = verifier
        self._ping_seconds = ping_seconds

    def judge(self, socket: ServerConnection, request: Request) -> Response | None:
        """Answer what is no request for a WebSocket of ours."""
        path = urlsplit(request.path).path
        if path == HEALTH_PATH:
            return socket.respond(HTTPStatus.OK, "up\n")
        if _PATH.fullmatch(path) is None:
            return socket.respond(
                HTTPStatus.NOT_FOUND, "There is nothing here but /ws/workflow/{workflow_id}/events and …/status.\n"
            )
        return None

    async def serve(self, socket: ServerConnection) -> None:
        """Tell a client about a workflow until one of both has enough."""
        try:
            await self._serve(socket)
        except ArchwrightError as refused:
            await _refuse(socket, refused)
        except (ConnectionClosed, TimeoutError, OSError):
            socket.transport.abort()
        except Exception:  # the top of a handler; the client is told that it is our fault, and to come back
            log.exception("watcher_failed")
            await socket.close(1011, "A fault of ours; it was logged.")

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        workflow_id, kind, after_seq = _asked(socket.request.path)
        token = _token(socket.request)
        caller = self._verifier.verify(token)
        async with self._hubs.room(caller.tenant):
            engine = self._engine.showing(token)
            workflow = await _look_up(engine, workflow_id, after_seq)
            cursor = after_seq if kind is Kind.EVENTS else workflow.last_seq
            watcher = Watcher(socket, kind, cursor, engine, token, caller.expires_at)
            await watcher.send(messages.hello(workflow, after_seq, self._ping_seconds))
            async with self._hubs.watching(watcher, caller.tenant, workflow):
                await _ignore(socket)


async def _look_up(engine: Connection, workflow_id: str, after_seq: int) -> Workflow:
    """Return the workflow as the caller may see it; raises CursorOutOfRange when it has not come that far."""
    request = GetWorkflowRequest(workflow_id=workflow_id)
    workflow: Workflow = await engine.unary(stubs.workflows(engine.channel).GetWorkflow, request)
    if after_seq > workflow.last_seq:
        raise CursorOutOfRange(
            f"after_seq is {after_seq}, and the history of {workflow_id} ends at {workflow.last_seq}. "
            "Leave it out to begin at the start.",
            facts={"after_seq": str(after_seq), "last_seq": str(workflow.last_seq)},
        )
    return workflow


async def _ignore(socket: ServerConnection) -> None:
    """Wait for the end, reading what a client has no reason to send."""
    words = 0
    async for _ in socket:
        words += 1
        if words > _WORDS_MAX:
            raise RequestInvalid("This WebSocket only tells; it takes no messages.")


async def _refuse(socket: ServerConnection, refused: ArchwrightError) -> None:
    try:
        await socket.send(messages.problem(refused), text=True)
        await socket.close(code_of(refused), refused.message.encode()[:120].decode(errors="ignore"))
    except (ConnectionClosed, OSError):
        socket.transport.abort()


def _asked(target: str) -> tuple[str, Kind, int]:
    """Return which workflow is asked for, what of it, and after which event; raises RequestInvalid."""
    parts = urlsplit(target)
    match = _PATH.fullmatch(parts.path)
    assert match is not None
    kind = Kind(match[2])
    after_seq = 0
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name != "after_seq" or kind is Kind.STATUS:
            known = "`after_seq` is" if kind is Kind.EVENTS else "None is"
            raise RequestInvalid(f"There is no parameter {name[:40]!r}. {known} all that …/{kind} takes.")
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise RequestInvalid(f"after_seq is {value[:40]!r}; it must be the number of an event, or 0.")
        after_seq = int(value)
    return unquote(match[1]), kind, after_seq


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenInvalid("There is no token. Send it as `Authorization: Bearer …`, or as `?access_token=…`.")
    return token
