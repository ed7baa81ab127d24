"""How requests leave over HTTP: to the address that was judged, by no proxy, and without following redirects."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

import httpx

from services.chassis.egress import Guard

_PORTS: Final = {"http": 80, "https": 443}
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to the address that the guard gave for a host, under the host's name."""

    def __init__(self, guard: Guard, trust: ssl.SSLContext) -> None:
        self._guard = guard
        # A connection is known by its address alone, so one that was made under a name must not serve another.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(verify=trust, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises Forbidden, OSError, or what httpx raises."""
        host = request.url.raw_host.decode("ascii")
        address = await self._guard.address_of(host, request.url.port or _PORTS[request.url.scheme])
        return await self._transport.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._transport.aclose()


def client_of(guard: Guard, trust: ssl.SSLContext) -> httpx.AsyncClient:
    """Return a client for whoever sends to places that others named."""
    return httpx.AsyncClient(transport=GuardedTransport(guard, trust), trust_env=False, follow_redirects=False)


def trust_of(*ca_files: Path | None) -> ssl.SSLContext:
    """Return whom to trust: the authorities of this machine, and those in the files."""
    trust = ssl.create_default_context()
    for ca_file in filter(None, ca_files):
        trust.load_verify_locations(ca_file)
    return trust


def told(error: Exception) -> str:
    """Return in one line what went wrong while sending."""
    text = "".join(character if character.isprintable() else " " for character in str(error))[:200]
    return text.rstrip(".") or type(error).__name__


def leave_proxies() -> None:
    """Forget the proxies of the environment, for the libraries that would ask it: a proxy looks names up again."""
    for name in _PROXIES:
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
