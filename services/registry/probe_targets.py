"""Which addresses the registry may ask how an agent is.

Whoever may register an agent names a URL, and the registry would call it from inside the network. So nothing may be
asked but what the operator has listed, and the list is held against the address that the connection goes to, not
only against the name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from archwright.errors import RequestInvalid, Violation
from services.chassis.egress import Address, Allowance

SETTING = "ARCHWRIGHT_HEALTH_CHECK_ALLOW"

_DEFAULT_PORTS = {"http": 80, "https": 443, "grpc": 50051, "grpcs": 50051}


@dataclass(frozen=True, slots=True)
class Target:
    """What a health check URL names."""

    scheme: str
    host: str
    port: int
    path: str
    """Of the request, with its query; of a gRPC check the service that is asked for."""

    @property
    def authority(self) -> str:
        """Host and port, as requests name them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def target_of(url: str) -> Target:
    """Return what a URL names; raises RequestInvalid."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.username is not None or parts.password is not None:
        raise _refused("holds a name or a password; a health check is asked without")
    if parts.fragment:
        raise _refused("holds a fragment, which no server is ever sent")
    try:
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        raise _refused("names no port from 1 to 65535") from None
    path = parts.path.lstrip("/") if parts.scheme.startswith("grpc") else (parts.path or "/")
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def require_allowed(url: str, allowance: Allowance) -> None:
    """Raise RequestInvalid where it is clear already that a URL may not be asked; a name is looked up later."""
    if not url:
        return
    target = target_of(url)
    try:
        address = ipaddress.ip_address(target.host)
    except ValueError:
        if allowance.permits_name(target.host) or allowance.networks:
            return
    else:
        if allowance.permits(target.host, address):
            return
    raise _refused(
        f"names {target.host}, which the registry may not ask. Leave the URL empty, or have the operator add the host "
        f"to {SETTING}"
    )


def first_allowed(target: Target, addresses: Sequence[Address], allowance: Allowance) -> Address | None:
    """Return the address to connect to, the first that may be asked, or None."""
    return next((address for address in addresses if allowance.permits(target.host, address)), None)


def _refused(why: str) -> RequestInvalid:
    return RequestInvalid(
        f"The registration is refused: health_check_url {why}.", violations=[Violation("health_check_url", why)]
    )
