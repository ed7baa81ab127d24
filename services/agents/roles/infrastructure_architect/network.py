"""How nodes are kept apart: three zones, each reachable only from the one before it, one subnet in each data centre."""

from __future__ import annotations

from archwright.agents.v1.infrastructure_architect_pb2 import Network, NetworkFlow, NetworkZone, Subnet

ZONES = (
    NetworkZone(name="public", trust="untrusted", ingress_from=["internet"]),
    NetworkZone(name="application", trust="semi_trusted", ingress_from=["public"]),
    NetworkZone(name="restricted", trust="trusted", ingress_from=["application"]),
)
HTTPS, SERVICE = 443, 8080
DATABASE_PORTS = {"mysql": 3306, "postgresql": 5432}


def network(engine: str, availability_zones: int, regions: int) -> Network:
    """Return the private networks, one for each region, and what may pass in them."""
    flows = [
        NetworkFlow(from_zone="internet", to_zone="public", port=HTTPS, purpose="people and partners, TLS only"),
        NetworkFlow(from_zone="public", to_zone="application", port=SERVICE, purpose="load balancer to services"),
        NetworkFlow(
            from_zone="application", to_zone="restricted", port=DATABASE_PORTS[engine], purpose="services to records"
        ),
        NetworkFlow(
            from_zone="application", to_zone="public", port=HTTPS, purpose="services to partners and the provider"
        ),
    ]
    subnets = [
        Subnet(
            name=f"{zone.name}-{region + 1}-{az}",
            cidr=f"10.{20 + region}.{10 * place + az}.0/24",
            zone=zone.name,
            az=az,
        )
        for region in range(regions)
        for place, zone in enumerate(ZONES)
        for az in range(1, availability_zones + 1)
    ]
    return Network(
        vpcs=[f"10.{20 + region}.0.0/16" for region in range(regions)], subnets=subnets, zones=ZONES, flows=flows
    )
