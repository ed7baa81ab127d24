"""A gRPC server of ours: its services, health and reflection on one address.

It is up before it is ready: health says SERVING only once `set_ready(True)` was called, and no longer when it
stops, so that callers go elsewhere first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from archwright.serving.pipeline import Served, Verifier, make_handlers

MESSAGE_BYTES_MAX: Final = 4 << 20

_OPTIONS: Final = (
    # Two servers on one port would share its calls at random.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Without it a frozen peer is noticed after 70 s instead of 15.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients ping every 10 s; a tighter limit would answer them too_many_pings.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The server's certificate chain and key; with `client_ca_file`, clients must show a certificate of it."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None


class Server:
    """Serves services on one address (`host:port`, port 0 for a free one, or `unix:/path`)."""

    def __init__(self, address: str, tls: ServerTls | None, verifier: Verifier, services: Sequence[Served]) -> None:
        """Build every method's way; raises ValueError when a method has no access rule or no answer."""
        self._address = address
        self._tls = tls
        self._handlers = make_handlers(services, verifier)
        self._names = [served.descriptor.full_name for served in services]
        self._health = health_aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen, and return the port; raises OSError when the address is taken."""
        server = grpc.aio.server(options=_OPTIONS)
        await self.set_ready(False)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        open_names = [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
        reflection.enable_server_reflection([*self._names, *open_names], server)
        # After health and reflection: the last handler takes whatever is left.
        server.add_generic_rpc_handlers(tuple(self._handlers))
        port = self._listen(server)
        await server.start()
        self._server = server
        return port

    async def set_ready(self, ready: bool) -> None:
        """Tell health checks whether to send calls here."""
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)

    async def stop(self, grace_seconds: float) -> None:
        """Take no new calls, give those under way `grace_seconds`, then cancel them."""
        if self._server is None:
            return
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)
        self._server = None

    def _listen(self, server: grpc.aio.Server) -> int:
        try:
            if self._tls is None:
                return server.add_insecure_port(self._address)
            return server.add_secure_port(self._address, _credentials(self._tls))
        except RuntimeError as refused:
            raise OSError(f"Cannot listen on {self._address}: it is taken, or not an address here.") from refused


def _credentials(tls: ServerTls) -> grpc.ServerCredentials:
    authority = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_credentials(
        [(tls.key_file.read_bytes(), tls.cert_file.read_bytes())],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )
