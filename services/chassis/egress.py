"""Which addresses our services may connect to when somebody else has named the host.

A URL that a user or an agent writes is followed from inside the network. So what counts is the address that the
connection goes to, not the name: a name is looked up once, its addresses are judged, and the connection goes to one
that passed. A name that means something else a moment later changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Returns the addresses of a host; raises OSError when it has none."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_NEVER_BY_NAME: Final = _networks(
    *("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "168.63.129.16/32"),
    *("127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128"),
)
"""Where clouds answer anybody with secrets, and the service's own machine."""

_NOT_PUBLIC: Final = _networks(
    "168.63.129.16/32",  # where Azure answers its machines
    # These carry IPv4 addresses that nobody would judge, or are out of use.
    *("192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10"),
)
"""What `ipaddress` takes for public and is not, or leads to an address of which it cannot tell."""

_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)


class Forbidden(Exception):
    """A host is at no address that we may connect to."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator has listed: hosts by name, domains by `.suffix`, and networks. Nothing by default."""

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

        Whoever runs a host's DNS chooses its address. So a name that is listed opens neither the service's own
        machine nor the places where clouds give secrets to whoever asks: those have to be listed as networks.
        """
        address = _plain(address)
        if any(address in network for network in self.networks if network.version == address.version):
            return True
        return self.permits_name(host) and not _is_in(address, _NEVER_BY_NAME)


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets connections out to the whole internet, and inwards only to what the operator has listed."""

    allowance: Allowance
    setting: str
    """The environment variable that holds the list, to be named where something is refused."""
    resolve: Resolve

    async def address_of(self, host: str, port: int) -> Address:
        """Return the address to connect to; raises Forbidden, or OSError when the host is not known."""
        host = host.lower().rstrip(".")
        if not _is_written_plainly(host):
            raise Forbidden(f"{host!r} hides an address by its notation. Write it as 192.0.2.1 or 2001:db8::1.")
        for address in await self.resolve(host, port):
            if is_public(address) or self.allowance.permits(host, address):
                return _plain(address)
        raise Forbidden(
            f"{host} is at no address on the internet, and inside the network only what the operator lists may be "
            f"asked. Add the host to {self.setting}, or its network if it is on this machine."
        )


def is_public(address: Address) -> bool:
    """Return whether an address is one of the internet, for one receiver."""
    address = _plain(address)
    return address.is_global and not address.is_multicast and not _is_in(address, _NOT_PUBLIC)


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host by the machine's own means; raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


def _plain(address: Address) -> Address:
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _is_written_plainly(host: str) -> bool:
    """Return whether a host is a name or a proper address, and not one such as 0x7f.1 or 2130706433."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host) and not _NUMBER.fullmatch(host.rpartition(".")[2])
    return True
