"""Infrastructure code: Terraform in its JSON syntax, which every JSON parser can check.

Each node that a provider's resource makes becomes one resource; what is only metered needs no code. Nothing is
applied from here: the repository plans, people approve.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture, Node, Subnet
from services.agents.knowledge.load import table
from services.agents.naming import slug
from services.agents.providers import Provider, provider, resource_type

FREE = frozenset({
    "aws_vpc", "aws_subnet", "aws_security_group", "aws_eip",
    "azurerm_resource_group", "azurerm_virtual_network", "azurerm_subnet",
    "google_compute_network", "google_compute_subnetwork",
})  # fmt: skip
"""Resource types that cost nothing and so are in no price catalogue."""

DISK_GB_MIN = 20


@dataclass(frozen=True, slots=True)
class Templates:
    """How a provider's resources are written."""

    source: str
    version: str
    configuration: Mapping[str, Any]
    variables: Mapping[str, str]
    network: Mapping[str, Mapping[str, Any]]
    resources: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TerraformTable:
    """All providers that have Terraform code."""

    providers: Mapping[str, Templates]


def terraform(infrastructure: InfrastructureArchitecture, system: str) -> dict[str, Any] | None:
    """Return the root module, or None for a provider without Terraform code."""
    templates = table("terraform", TerraformTable).providers.get(infrastructure.provider)
    if templates is None:
        return None
    offer = provider(infrastructure.provider)
    resources: dict[str, dict[str, Any]] = {}
    for kind, named in templates.network.items():
        resources[kind] = _network(named, infrastructure, system)
    for node in infrastructure.nodes:
        kind = resource_type(node.role, offer)
        if kind:
            name = slug(node.id.removeprefix("NOD-"))
            resources.setdefault(kind, {})[name] = _filled(
                templates.resources[kind], _needs(node, offer, infrastructure)
            )
    name = templates.source.rpartition("/")[2]
    module = {
        "terraform": {
            "required_version": ">= 1.9",
            "required_providers": {name: {"source": templates.source, "version": templates.version}},
        },
        "provider": {name: templates.configuration},
        "resource": {kind: resources[kind] for kind in sorted(resources)},
    }
    return {**module, "variable": _variables(templates, infrastructure, json.dumps(module))}


def _needs(node: Node, offer: Provider, infrastructure: InfrastructureArchitecture) -> dict[str, Any]:
    sizes = {one.sku: one.size for one in offer.compute} | {one.sku: one.size for one in offer.database}
    replicated = node.ha.mode == "active_passive"
    return {
        "name": slug(node.id.removeprefix("NOD-")),
        "count": max(1, round(node.qty)),
        "size": sizes.get(node.sku, ""),
        "gb": max(DISK_GB_MIN, round(infrastructure.sizing.storage_gb.hot)),
        "engine": offer.engine,
        "replicated": replicated,
        "availability": "REGIONAL" if replicated else "ZONAL",
    }


def _network(named: Mapping[str, Any], infrastructure: InfrastructureArchitecture, system: str) -> dict[str, Any]:
    """Return the resources of one network type; a template named for subnets is repeated for each."""
    base = {"system": slug(system), "vpc": next(iter(infrastructure.network.vpcs), "10.20.0.0/16")}
    # A second region is a second workspace of the same module, so the module knows the first one's subnets only.
    regions = max(1, len(infrastructure.network.vpcs))
    found: dict[str, Any] = {}
    for name, template in named.items():
        if name != "<subnet>":
            found[name] = _filled(template, base)
            continue
        for subnet in infrastructure.network.subnets[: len(infrastructure.network.subnets) // regions]:
            found[subnet.name] = _filled(template, {**base, **_subnet(subnet)})
    return found


def _subnet(subnet: Subnet) -> dict[str, Any]:
    return {"subnet": subnet.name, "cidr": subnet.cidr, "zone": subnet.zone, "letter": "abcdef"[(subnet.az - 1) % 6]}


def _variables(templates: Templates, infrastructure: InfrastructureArchitecture, used_in: str) -> dict[str, Any]:
    """Return the variables that the module uses; those without a default are for the client to give."""
    found: dict[str, Any] = {
        "region": {"type": "string", "default": infrastructure.region.id, "description": infrastructure.region.reason},
        "environment": {"type": "string", "default": "production", "description": "Which copy of the system this is."},
    }
    for name, meaning in templates.variables.items():
        if f"var.{name}" in used_in:
            found[name] = {"type": "string", "description": meaning}
    return found


def _filled(template: Any, values: Mapping[str, Any]) -> Any:  # JSON in, JSON out
    match template:
        case dict():
            return {key: _filled(one, values) for key, one in template.items()}
        case list():
            return [_filled(one, values) for one in template]
        case str():
            whole = template.removeprefix("<").removesuffix(">")
            if template == f"<{whole}>" and whole in values:
                return values[whole]
            text = template
            for name, value in values.items():
                text = text.replace(f"<{name}>", str(value))
            return text
        case _:
            return template
