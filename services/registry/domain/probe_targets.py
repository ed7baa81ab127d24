"""Which addresses the registry may ask how an agent is.

Whoever may register an agent names a URL, and the registry would call it from inside the network. So nothing may be
asked but what the operator has listed, and the list is held against the address that the connection goes to, not
only against the name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from archwright.errors import RequestInvalid, Violation

SETTING = "ARCHWRIGHT_HEALTH_CHECK_ALLOW"

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEFAULT_PORTS = {"http": 80, "https": 443, "grpc": 50051, "grpcs": 50051}
_NEVER_BY_NAME: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32"),
        *("127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128"),
    )
)
"""Where clouds answer anybody with secrets, and the registry's own machine."""


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


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be asked: hosts by name, domains by `.suffix`, and networks. Nothing by default."""

    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, text: str) -> Allowance:
        """Return what a list such as `10.0.0.0/8, agents.internal, .svc.cluster.local` allows; raises ValueError."""
        names: set[str] = set()
        suffixes: list[str] = []
        networks: list[Network] = []
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if "/" in entry or not entry.replace(".", "").replace("-", "").isalnum():
                    raise ValueError(
                        f"{entry!r} is neither a host, nor a .suffix of hosts, nor a network such as 10.0.0.0/8"
                    ) from None
                if entry.startswith("."):
                    suffixes.append(entry)
                else:
                    names.add(entry)
        return cls(frozenset(names), tuple(suffixes), tuple(networks))

    def permits_name(self, host: str) -> bool:
        """Return whether a host may be asked by this name, whatever address it has."""
        return host in self.names or host.endswith(self.suffixes)

    def permits(self, host: str, address: Address) -> bool:
        """Return whether this address of a host may be asked.

        Whoever runs a host's DNS chooses its address. So a name that is listed opens neither the registry's own
        machine nor the places where clouds give secrets to whoever asks: those have to be listed as networks.
        """
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in self.networks if network.version == address.version):
            return True
        is_delicate = any(address in network for network in _NEVER_BY_NAME if network.version == address.version)
        return self.permits_name(host) and not is_delicate


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
