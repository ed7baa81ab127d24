"""Which path leads where at the gateway, as the contract says it.

A REST path is matched twice: as it comes, where only streams need settings of their own, and again as the
gRPC path that the transcoder makes of it, which decides about the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from archwright.contract import Contract

Upstream: TypeAlias = str
"""The name of a cluster of Envoy's: `engine`, `registry`, `realtime`, or a role's."""

PACKAGES: tuple[tuple[str, Upstream], ...] = (
    ("archwright.engine.v1.", "engine"),
    ("archwright.registry.v1.", "registry"),
)
ROLES = re.compile(r"archwright\.agents\.v1\.(\w+)Service\b")
"""The typed service of a role."""

OPEN_SERVICES = ("/grpc.health.", "/grpc.reflection.")
"""Services that ask for no token; the engine answers for the mesh."""

SOCKETS = "/ws/workflow/[^/]+/(events|status)"
"""Where WebSockets are."""


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of the gateway, and what a call that fits it gets."""

    match: dict[str, object]
    upstream: Upstream | None = None
    streams: bool = False
    streams_up: bool = False
    sends_events: bool = False
    upgrades: bool = False
    regex: str = ""

    @property
    def is_for_browsers(self) -> bool:
        """Whether the token may be in the query: browsers cannot set a header there."""
        return self.sends_events or self.upgrades


def services(contract: Contract) -> list[str]:
    """Return the services that have a REST form."""
    return [
        service.full_name
        for service in contract.services
        if _upstream(service.full_name) and any(method.binding for method in service.methods)
    ]


def anonymous_paths(contract: Contract) -> list[str]:
    """Return the exact paths that ask for no token."""
    paths = ["/"]  # nothing is there yet, and saying so needs no token
    for method in contract.methods():
        if method.anonymous:
            paths.append(method.path)
            if method.binding and not method.binding.variables:
                paths.append(method.binding.path)
    return paths


def routes(contract: Contract) -> list[Route]:
    """Return the rules in the order in which they are tried."""
    return [
        Route({"safe_regex": {"regex": SOCKETS}}, "realtime", streams=True, upgrades=True, regex=SOCKETS),
        *_rest_streams(contract),
        *_grpc_streams(contract),
        *(Route(_grpc({"prefix": f"/{package}"}), upstream) for package, upstream in PACKAGES),
        *(Route(_grpc({"prefix": prefix}), "engine", streams=True) for prefix in OPEN_SERVICES),
        Route({"prefix": "/"}),
    ]


def _rest_streams(contract: Contract) -> Iterator[Route]:
    for method in contract.methods():
        upstream = _upstream(method.service)
        if method.binding and method.streams and upstream:
            regex = method.binding.regex
            yield Route(
                {"safe_regex": {"regex": regex}},
                upstream,
                streams=True,
                sends_events=contract.is_event_stream(method),
                regex=regex,
            )


def _grpc_streams(contract: Contract) -> Iterator[Route]:
    for method in contract.methods():
        upstream = _upstream(method.service)
        if method.streams and upstream:
            yield Route(_grpc({"path": method.path}), upstream, streams=True, streams_up=method.client_streaming)


def _grpc(match: dict[str, object]) -> dict[str, object]:
    """Narrow `match` to gRPC calls: JSON sent to a gRPC path is a mistake, and is told so."""
    return match | {"grpc": {}}


def _upstream(service: str) -> Upstream | None:
    if role := ROLES.match(service):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", role[1]).lower()
    return next((upstream for package, upstream in PACKAGES if service.startswith(package)), None)
