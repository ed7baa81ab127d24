"""Renders Envoy's configuration from the one template, for the local mesh and for the cluster alike.

What depends on the contract (services, paths, who needs a token) is read from the contract; what depends on
the place is in `GatewayConfig`. Nothing else differs between the sizes.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import jinja2

from archwright.contract import contract
from archwright.local import gateway_files, gateway_routes
from archwright.local.gateway_refusals import NATIVE_GRPC, refusals
from archwright.local.programs import ROLES
from archwright.serving.pipeline import UNARY_SECONDS_MAX
from archwright.serving.status import DETAILS_KEY
from archwright.serving.tokens import LEEWAY_SECONDS

_MIB = 1024 * 1024
_PIPE = "unix:"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service behind the gateway, and how to know that it is the right one."""

    endpoints: tuple[str, ...]
    """`host:port` of each replica, or of a name that stands for all of them; or `unix:/path` of one on this machine."""
    ca_file: str | None = None
    """Who signed the service's certificate; None where a mesh such as Istio encrypts underneath."""
    server_name: str = "localhost"
    """The name in the service's certificate."""
    is_probed: bool = True
    """Whether its health is asked for. Who comes up after the gateway, and is one, is found by being called."""

    @property
    def is_static(self) -> bool:
        """Whether no name has to be looked up."""
        return all(_is_pipe(endpoint) or _is_ip_address(_split(endpoint)[0]) for endpoint in self.endpoints)


NOBODY = Upstream((), is_probed=False)
"""A service of which there is no replica."""


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Where a gateway listens, whom it believes and what it stands before. Files are named as Envoy sees them."""

    listen: str
    admin: str
    tls_cert_file: str
    tls_key_file: str
    jwks_file: str
    token_issuer: str
    token_audience: str
    descriptors_file: str
    engine: Upstream
    registry: Upstream
    realtime: Upstream
    roles: Mapping[str, Upstream] = field(default_factory=dict)
    """The typed services of the roles, by role; a call of one that is not here finds nobody."""
    trusted_proxies: int = 0
    """How many proxies of our own stand before the gateway and tell the truth about callers' addresses."""
    health_path: str = "/healthz"
    connections_max: int = 10_000
    body_bytes_max: int = 2 * _MIB
    answer_bytes_max: int = 16 * _MIB
    call_seconds_max: int = round(UNARY_SECONDS_MAX) + 5
    """Longer than the services' own limit, so that the answer is theirs."""

    @property
    def upstreams(self) -> Mapping[str, Upstream]:
        """All services behind the gateway, by the names of their clusters."""
        return {
            "engine": self.engine,
            "registry": self.registry,
            "realtime": self.realtime,
            **dict.fromkeys(ROLES, NOBODY),
            **self.roles,
        }


def render(config: GatewayConfig) -> str:
    """Return Envoy's configuration, as YAML."""
    # YAML holds no markup to escape; every value goes through `tojson`, which YAML reads as it is.
    environment = jinja2.Environment(  # noqa: S701
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    spoken = contract()
    return environment.from_string(gateway_files.template()).render(
        config=config,
        routes=gateway_routes.routes(spoken),
        services=gateway_routes.services(spoken),
        anonymous_paths=gateway_routes.anonymous_paths(spoken),
        anonymous_prefixes=gateway_routes.OPEN_SERVICES,
        refusals=refusals(config.body_bytes_max),
        native_grpc=NATIVE_GRPC,
        details_key=DETAILS_KEY,
        leeway_seconds=round(LEEWAY_SECONDS),
        address=_address,
        cel=_cel,
    )


def _address(endpoint: str) -> str:
    if _is_pipe(endpoint):
        return json.dumps({"pipe": {"path": endpoint.removeprefix(_PIPE)}})
    host, port = _split(endpoint)
    return json.dumps({"socket_address": {"address": host, "port_value": port}})


def _cel(*conditions: str) -> str:
    """Return the filter that holds where all conditions do."""
    return json.dumps(
        {
            "extension_filter": {
                "name": "envoy.access_loggers.extension_filters.cel",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                    "expression": " && ".join(f"({condition})" for condition in conditions),
                },
            }
        }
    )


def _split(endpoint: str) -> tuple[str, int]:
    host, colon, port = endpoint.rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise ValueError(f"{endpoint!r} is not an address like 127.0.0.1:8443")
    return host.strip("[]"), int(port)


def _is_pipe(endpoint: str) -> bool:
    return endpoint.startswith(_PIPE)


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
