"""Puts the realtime service together: the only file that knows all its parts."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, serve, unix_serve

from archwright.connection import Connection
from archwright.serving import logs
from archwright.serving.server import ServerTls
from archwright.serving.tokens import TokenVerifier
from services.chassis import lifecycle
from services.chassis.clock import SystemClock
from services.chassis.loops import forever
from services.chassis.metrics import Metrics
from services.chassis.metrics_server import serving as serving_metrics
from services.chassis.settings import SettingsInvalid, read
from services.realtime.hubs import Hubs
from services.realtime.measures import Measures
from services.realtime.settings import RealtimeSettings
from services.realtime.sockets import Sockets

_LOOK_SECONDS = 1.0
_MESSAGE_BYTES_MAX = 1 << 12
_KEEPALIVE_SECONDS = 20.0
_USAGE = "usage: python -m services.realtime"


def main(arguments: Sequence[str]) -> int:
    """Serve; return the exit code: 1 for a failure, 2 for a wrong environment or command."""
    if arguments:
        sys.stderr.write(_USAGE + "\n")
        return 2
    try:
        settings = read(RealtimeSettings)
    except SettingsInvalid as invalid:
        sys.stderr.write(f"realtime: {invalid}\n")
        return 2
    logs.configure(service="realtime", level=settings.log_level, form=settings.log_form)
    return lifecycle.serve(lambda stop: live(settings, stop), settings)


async def live(settings: RealtimeSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then send everybody elsewhere."""
    clock, metrics = SystemClock(), Metrics()
    measures = Measures(metrics)
    verifier = TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience)
    async with (
        _engines(settings) as engines,
        serving_metrics(metrics.registry, settings.metrics_host, settings.metrics_port) as metrics_address,
        asyncio.TaskGroup() as work,
    ):
        hubs = Hubs(engines, settings, clock, measures, work)
        measures.tell_watchers(lambda: hubs)
        sockets = Sockets(hubs, engines[0], verifier, ping_seconds=settings.ping_seconds)
        async with _serving(settings, sockets) as server:
            looking = work.create_task(forever("look_after", hubs.look_after, pause=_LOOK_SECONDS, clock=clock))
            lifecycle.announce_ready("realtime", _address(settings, server), metrics=metrics_address)
            await stop.wait()
            await hubs.send_away(settings.drain_seconds)
            looking.cancel()


@asynccontextmanager
async def _engines(settings: RealtimeSettings) -> AsyncIterator[Sequence[Connection]]:
    async with AsyncExitStack() as stack:
        engines = []
        for address in settings.engine_address.split(","):
            engine = Connection.open(address.strip(), token="", ca_file=settings.tls_ca_file)
            stack.push_async_callback(engine.aclose)
            engines.append(engine)
        yield engines


def _serving(settings: RealtimeSettings, sockets: Sockets) -> AbstractAsyncContextManager[Server]:
    # What the library finds to complain of in a request is its sender's affair; our own faults we log ourselves.
    logger = logging.getLogger("websockets.server")
    logger.setLevel(logging.CRITICAL)
    options: dict[str, Any] = {
        "process_request": sockets.judge,
        "compression": None,
        "max_size": _MESSAGE_BYTES_MAX,
        "ping_interval": _KEEPALIVE_SECONDS,
        "ping_timeout": _KEEPALIVE_SECONDS,
        "server_header": "archwright",
        "logger": logger,
    }
    if settings.socket_file is not None:
        return unix_serve(sockets.serve, str(settings.socket_file), **options)
    tls = None if settings.server_tls is None else _tls(settings.server_tls)
    return serve(sockets.serve, settings.host, settings.port, ssl=tls, **options)


def _address(settings: RealtimeSettings, server: Server) -> str:
    if settings.socket_file is not None:
        return f"unix:{settings.socket_file}"
    port = next(iter(server.sockets)).getsockname()[1]
    return f"{settings.host}:{port}"


def _tls(files: ServerTls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.cert_file, files.key_file)
    return context
