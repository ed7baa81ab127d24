"""What the system runs on: the nodes that its components, numbers and qualities ask for, and what is metered on them.

A node is a product of the price catalogue. Things that cost money without being anything to run on (traffic, disk,
log volume) are nodes too, with the rule `INF-METERED`, so that the bill has a line for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture, Component, Interface
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import HighAvailability, Node
from services.agents.naming import mentions, stems
from services.agents.providers import Database, Host, Provider
from services.agents.roles.infrastructure_architect.availability import Redundancy
from services.agents.roles.infrastructure_architect.sizing import Numbers

METERED = "INF-METERED"
WAF_RULES = 10
MILLION = 1_000_000
FAR_AWAY = ("mainframe", "legacy", "on-premises", "on premises", "erp", "core system", "ledger")
"""Words of external systems that are reached through a private line rather than the internet."""

_WRITES_PER_UNIT = {"1k requests": 1000.0, "10k operations": 10_000.0}


@dataclass(frozen=True, slots=True)
class Demand:
    """Everything that decides about nodes."""

    spec: RequirementsSpec
    application: ApplicationArchitecture
    provider: Provider
    numbers: Numbers
    copies: Redundancy

    def components(self, *types: Component.Type.ValueType) -> list[str]:
        """Return the ids of the components of these types."""
        return [one.id for one in self.application.components if one.type in types]

    @property
    def behind(self) -> list[str]:
        """The ids of everything that is not a channel."""
        return [one.id for one in self.application.components if one.type != Component.UI]

    def about(self, *characteristics: str) -> list[str]:
        """Return the ids of the quality requirements of these characteristics."""
        return [one.id for one in self.spec.requirements if one.quality.iso25010 in characteristics]

    @property
    def limits(self) -> list[str]:
        """The ids of the requirements that limit where and by what the system runs."""
        words = ("cloud", "aws", "azure", "gcp", "region", "hosted", "premises", "data centre", "european union")
        return [
            one.id
            for one in self.spec.requirements
            if one.kind != Requirement.FUNCTIONAL and any(mentions(stems(one.statement), word) for word in words)
        ]


def nodes(demand: Demand) -> list[Node]:
    """Return everything the system runs on and everything that is metered, in the order of a request's way."""
    return [
        *_edge(demand),
        *_compute(demand),
        *_records(demand),
        *_messages(demand),
        *_files(demand),
        *_network(demand),
        *_operations(demand),
    ]


def choose_host(provider: Provider, vcpu: float, memory_gib: float, hosts_max: int) -> tuple[Host, int]:
    """Return the smallest host that holds every component once and needs no more than `hosts_max` of it; and how many.

    Beyond the largest host the number grows, so more load never gives less capacity.
    """
    sizes = sorted(provider.compute, key=lambda host: (host.vcpu, host.memory_gib))
    roomy = [host for host in sizes if host.memory_gib >= memory_gib] or sizes[-1:]
    fitting = next((host for host in roomy if ceil(vcpu / host.vcpu) <= hosts_max), roomy[-1])
    by_memory = ceil(memory_gib / fitting.memory_gib)
    return fitting, max(1, ceil(vcpu / fitting.vcpu), by_memory)


def choose_database(provider: Provider, vcpu: float, *, replicated: bool) -> tuple[Database, int]:
    """Return the smallest database that bears the load, with a copy or without, and how many share it."""
    sizes = sorted(
        (one for one in provider.database if one.replicated is replicated), key=lambda one: (one.vcpu, one.memory_gib)
    )
    fitting = next((one for one in sizes if one.vcpu >= vcpu), sizes[-1])
    return fitting, max(1, ceil(vcpu / fitting.vcpu))


def _edge(demand: Demand) -> Iterator[Node]:
    channels = demand.components(Component.UI)
    numbers, fast = demand.numbers, demand.about("performance_efficiency")
    if channels:
        yield _node(demand, "dns", "NOD-names", "Name Service", Node.NETWORK, "public", 1, "Channels need a name.")
        firewall = "People reach the channels from the internet."
        yield _node(
            demand, "waf", "NOD-firewall", "Web Application Firewall", Node.WAF, "public", 1, firewall,
            serves=demand.about("security"),
        )  # fmt: skip
        yield _metered(demand, "waf_rules", "NOD-firewall-rules", "Firewall Rules", Node.WAF, WAF_RULES)
        requests = numbers["requests_per_month"] / MILLION
        yield _metered(demand, "waf_requests", "NOD-firewall-requests", "Firewall Requests", Node.WAF, requests)
        yield _node(
            demand, "cdn", "NOD-edge", "Content Delivery", Node.CDN, "public", numbers["bandwidth_gb_month"],
            "Channels are files that do not change between releases.", hosts=channels, serves=fast,
        )  # fmt: skip
    yield _node(
        demand, "load_balancer", "NOD-entrance", "Load Balancer", Node.LB, "public", demand.copies.load_balancer,
        "One address in front of all copies; it leaves out those that are not healthy.",
        serves=demand.about("reliability"), ha=_ha(demand.copies.load_balancer, demand.copies.regions),
    )  # fmt: skip
    per_unit = demand.provider.roles["load_balancer_capacity"].unit
    units = numbers["bandwidth_gb_month"] if per_unit == "GB" else max(1.0, numbers["balancer_units"])
    yield _metered(demand, "load_balancer_capacity", "NOD-entrance-capacity", "Load Balancer Capacity", Node.LB, units)


def _compute(demand: Demand) -> Iterator[Node]:
    hosted, numbers = demand.behind, demand.numbers
    memory = 1 + numbers["host_memory_per_component_gib"] * len(hosted)
    host, count = choose_host(demand.provider, numbers["vcpu_needed"], memory, int(numbers["hosts_max_small"]))
    count = max(count, demand.copies.compute) * demand.copies.regions
    numbers.values |= {"vcpu_per_host": host.vcpu, "hosts_least": float(count)}
    numbers.compute("application_hosts", "max(hosts_least, ceil(vcpu_needed / vcpu_per_host))")
    if demand.application.style.name == "microservices":
        yield _node(
            demand, "kubernetes", "NOD-cluster", "Kubernetes Control Plane", Node.K8S, "application",
            demand.copies.regions, f"{len(hosted)} services are released and scaled on their own.", hosts=hosted,
        )  # fmt: skip
    yield Node(
        id="NOD-application",
        name="Application Hosts",
        type=Node.VM,
        role="compute",
        sku=host.sku,
        qty=count,
        unit="hours",
        zone="application",
        ha=_ha(count, demand.copies.zones),
        hosts_component_ids=hosted,
        serves_req_ids=_unique(demand.about("reliability", "flexibility", "performance_efficiency"), demand.limits),
        rationale=f"The peak needs {numbers['vcpu_needed']:.1f} virtual processors, each host has {host.vcpu:g} and "
        f"room for all {len(hosted)} components; {demand.copies.compute} copies at least for the availability.",
        rule_id="INF-COMPUTE",
    )
    yield _metered(
        demand, "host_disk", "NOD-application-disk", "Disks of the Hosts", Node.VM, numbers["host_disk_gb"] * count
    )


def _records(demand: Demand) -> Iterator[Node]:
    numbers, replicated = demand.numbers, demand.copies.database > 1
    owners = [one.id for one in demand.application.components if one.owns_entities] or demand.behind
    size, count = choose_database(demand.provider, numbers["database_vcpu_needed"], replicated=replicated)
    yield Node(
        id="NOD-database",
        name="Relational Database",
        type=Node.MANAGED_DB,
        role="database",
        sku=size.sku,
        qty=count * demand.copies.regions,
        unit="hours",
        zone="restricted",
        ha=HighAvailability(
            mode="active_passive" if replicated else "none",
            replicas=demand.copies.database,
            azs=2 if replicated else 1,
        ),
        hosts_component_ids=owners,
        serves_req_ids=_unique(demand.about("reliability", "security"), demand.limits),
        rationale=f"{len(owners)} components keep records, each in a schema that only it may write.",
        rule_id="INF-DATABASE",
    )
    storage = "database_storage_replicated" if replicated else "database_storage"
    yield _metered(
        demand, storage, "NOD-database-storage", "Database Storage", Node.MANAGED_DB,
        numbers["hot_gb"] * demand.copies.regions,
    )  # fmt: skip
    yield _metered(
        demand, "database_backup", "NOD-database-backup", "Database Backups", Node.MANAGED_DB, numbers["backup_gb"]
    )
    cached = [row for row in demand.application.quality_tactics if row.rule_id == "APP-TACTIC-CACHE"]
    if cached:
        amount = numbers["cache_gib"] if demand.provider.roles["cache"].unit == "GB" else demand.copies.regions
        yield _node(
            demand, "cache", "NOD-cache", "Cache", Node.CACHE, "restricted", amount,
            "Repeated reads must not wait for the database.",
            hosts=sorted({one for row in cached for one in row.component_ids}),
            serves=sorted({row.req_id for row in cached}),
        )  # fmt: skip


def _messages(demand: Demand) -> Iterator[Node]:
    announcing = [one for one in demand.application.interfaces if one.protocol == Interface.EVENT]
    if announcing:
        calls = demand.numbers["events_per_month"] * demand.numbers["queue_calls_per_event"] / MILLION
        yield _node(
            demand, "queue", "NOD-messages", "Message Queues", Node.QUEUE, "application", calls,
            f"{len(announcing)} components announce what happened to others that do not wait.",
            hosts=_unique([one for line in announcing for one in (line.provider_id, *line.consumer_ids)]),
        )  # fmt: skip


def _files(demand: Demand) -> Iterator[Node]:
    numbers = demand.numbers
    keepers = [one.id for one in demand.application.components if one.rule_id in {"APP-DOCUMENTS", "APP-MEDIA"}]
    if not keepers and not numbers["object_gb"]:
        return
    yield _node(
        demand, "object_storage", "NOD-files", "File Storage", Node.OBJECT_STORAGE, "restricted", numbers["object_gb"],
        f"{numbers['documents_gb_per_year']:.1f} GB of documents a year, for {numbers['planned_years']:g} years.",
        hosts=keepers,
    )  # fmt: skip
    writes = numbers["object_writes_per_month"] / _WRITES_PER_UNIT[demand.provider.roles["object_writes"].unit]
    yield _metered(demand, "object_writes", "NOD-files-writes", "File Writes", Node.OBJECT_STORAGE, writes)


def _network(demand: Demand) -> Iterator[Node]:
    numbers, zones = demand.numbers, demand.copies.zones * demand.copies.regions
    yield _node(
        demand, "nat", "NOD-outlet", "Outbound Gateway", Node.NETWORK, "public", zones,
        "Hosts have no public address; one outlet for each availability zone.", ha=_ha(zones, demand.copies.zones),
    )  # fmt: skip
    outbound = numbers["logs_gb_month"] + numbers["bandwidth_gb_month"] * 0.1
    yield _metered(demand, "nat_traffic", "NOD-outlet-traffic", "Outbound Traffic", Node.NETWORK, outbound)
    traffic = numbers["bandwidth_gb_month"]
    yield _metered(demand, "egress", "NOD-internet-traffic", "Internet Traffic", Node.NETWORK, traffic)
    far = [
        one for one in demand.application.external_systems if any(mentions(stems(one.name), word) for word in FAR_AWAY)
    ]
    if far:
        yield _node(
            demand, "vpn", "NOD-private-line", "Private Line", Node.NETWORK, "application", 1,
            f"{', '.join(one.name for one in far)} is reached inside the client's own network.",
            hosts=[one.adapter_component_id for one in far],
        )  # fmt: skip


def _operations(demand: Demand) -> Iterator[Node]:
    numbers, owners = demand.numbers, [one for one in demand.application.components if one.owns_entities]
    secure = demand.about("security")
    yield _node(
        demand, "secrets", "NOD-secrets", "Secret Store", Node.SECRETS, "restricted", max(1, len(owners)),
        "Each component that keeps records has credentials of its own.", serves=secure,
    )  # fmt: skip
    yield _node(
        demand, "keys", "NOD-keys", "Encryption Keys", Node.SECRETS, "restricted", 2,
        "One key for databases and one for files.", serves=secure,
    )  # fmt: skip
    yield _node(
        demand, "logs", "NOD-logs", "Logs, Metrics and Traces", Node.OBSERVABILITY, "application",
        numbers["logs_gb_month"], "What cannot be seen cannot be kept in service.",
        serves=demand.about("reliability", "maintainability"),
    )  # fmt: skip
    yield _metered(
        demand, "log_archive", "NOD-logs-archive", "Log Archive", Node.OBSERVABILITY, numbers["logs_gb_month"] * 12
    )
    images = numbers["image_gb"] * max(1, len(demand.behind))
    yield _metered(demand, "registry", "NOD-images", "Image Registry", Node.OBJECT_STORAGE, images)


def _node(
    demand: Demand,
    role: str,
    identifier: str,
    name: str,
    kind: Node.Type.ValueType,
    zone: str,
    qty: float,
    rationale: str,
    *,
    hosts: Sequence[str] = (),
    serves: Sequence[str] = (),
    ha: HighAvailability | None = None,
) -> Node:
    product = demand.provider.roles[role]
    return Node(
        id=identifier, name=name, type=kind, role=role, sku=product.sku, qty=qty, unit=product.unit, zone=zone,
        ha=ha or _of_provider(product.unit), hosts_component_ids=hosts,
        serves_req_ids=serves, rationale=rationale, rule_id=f"INF-{role.upper().replace('_', '-')}",
    )  # fmt: skip


def _metered(demand: Demand, role: str, identifier: str, name: str, kind: Node.Type.ValueType, qty: float) -> Node:
    product = demand.provider.roles[role]
    return Node(
        id=identifier, name=name, type=kind, role=role, sku=product.sku, qty=qty, unit=product.unit,
        rationale=f"Metered by the provider in {product.unit}.", rule_id=METERED,
    )  # fmt: skip


def _of_provider(unit: str) -> HighAvailability:
    """Return how a product survives that we do not copy: what is billed by use, the provider spreads over zones."""
    spread = unit != "hours"
    return HighAvailability(mode="active_active" if spread else "none", replicas=1, azs=2 if spread else 1)


def _ha(count: int, zones: int) -> HighAvailability:
    return HighAvailability(
        mode="active_active" if count > 1 else "none", replicas=count, azs=min(zones, count) if count > 1 else 1
    )


def _unique(*lists: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(one for part in lists for one in part))
