"""Channels to Archwright's servers: where, how protected, and how soon a dead peer is noticed.

An address is `https://host:port` (TLS), `http://host:port` (none, for a mesh whose sidecars encrypt) or a bare
`host:port`, which uses TLS exactly when a CA file is given.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import grpc

from archwright.errors import RequestInvalid

MESSAGE_BYTES_MAX = 64 << 20
"""A page of history, or a 1 MiB payload in the wide form of `Struct`, passes."""

Metadata: TypeAlias = tuple[tuple[str, str], ...]

_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    # A peer that froze is noticed after 15 s; without the last option it would be 70.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A server that was restarted is found again within seconds, not minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # also what a connection may take to be made
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
_NO_PROXY = ("grpc.enable_http_proxy", 0)


def open_channel(
    address: str, *, ca_file: Path | None = None, machine: str = "", is_shared: bool = True
) -> grpc.aio.Channel:
    """Return a channel that connects when it is first used; call it inside the running event loop.

    `ca_file` names the only authority that is trusted; without it, the system's are. `machine` is one `ip:port` of
    those that the address's name stands for. A channel that is not shared makes a connection of its own, where gRPC
    would use one that a channel to the same address has made. Raises RequestInvalid when the address or the file is
    no good.
    """
    target, protected = _read_address(address, protected_by_default=ca_file is not None)
    options: list[tuple[str, int | str]] = [*_OPTIONS]
    if _is_loopback(machine or target):
        options.append(_NO_PROXY)
    if not is_shared:
        options.append(("grpc.use_local_subchannel_pool", 1))
    if machine:
        # The server is known, and its certificate checked, by the name that was asked for.
        options.append(("grpc.default_authority", target))
        options.append(("grpc.ssl_target_name_override", host_of(address)[0]))
    if not protected:
        return grpc.aio.insecure_channel(machine or target, options=options)
    credentials = grpc.ssl_channel_credentials(_read_ca(ca_file) if ca_file else None)
    return grpc.aio.secure_channel(machine or target, credentials, options=options)


def host_of(address: str) -> tuple[str, int]:
    """Return host and port of an address; raises RequestInvalid when it is none."""
    parts = urlsplit(f"//{_read_address(address, protected_by_default=False)[0]}")
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def bearer(token: str) -> Metadata:
    """Return the metadata by which a call shows its token."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def _read_address(address: str, *, protected_by_default: bool) -> tuple[str, bool]:
    bare = "://" not in address
    parts = urlsplit(f"//{address}" if bare else address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or not port or parts.path not in {"", "/"} or parts.query or parts.scheme not in _SCHEMES:
        raise RequestInvalid(
            f"{address!r} is no address of a server. Write https://host:port, http://host:port or host:port.",
            facts={"address": address},
        )
    return parts.netloc, protected_by_default if bare else parts.scheme == "https"


_SCHEMES = frozenset({"", "http", "https"})


def _is_loopback(target: str) -> bool:
    host = urlsplit(f"//{target}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_ca(ca_file: Path) -> bytes:
    try:
        return ca_file.read_bytes()
    except OSError as error:
        raise RequestInvalid(
            f"The CA file {str(ca_file)!r} cannot be read: {error.strerror}. It holds, as PEM, the certificate of "
            "whoever signed the server's.",
            facts={"ca_file": str(ca_file)},
        ) from error
