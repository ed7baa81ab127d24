"""The traceability matrix: each requirement followed to what meets it.

A requirement reaches the capabilities, processes and components that name it; a component reaches the nodes that
host it; a node may also serve a requirement directly, as a firewall does. A constraint reaches what the requirements
that follow from it reach; one that nothing follows from, such as a budget, bears on every component. Tests come with
the developer's scaffold.
"""

from __future__ import annotations

from collections.abc import Iterable

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.solution_architect_pb2 import TraceabilityRow
from services.agents.roles.solution_architect.sources import Sources


def matrix(sources: Sources) -> list[TraceabilityRow]:
    """Return a row for each requirement that is to be met, in their order."""
    hosts: dict[str, set[str]] = {}
    for node in sources.infrastructure.nodes:
        for component_id in node.hosts_component_ids:
            hosts.setdefault(component_id, set()).add(node.id)
    rows = {one.id: _row(one.id, sources, hosts) for one in sources.wanted()}
    return [_constrained(rows, one, sources, hosts) for one in sources.wanted()]


def is_empty(row: TraceabilityRow) -> bool:
    """Return whether nothing that is to be built or run meets the requirement."""
    return not (row.component_ids or row.node_ids)


def _constrained(
    rows: dict[str, TraceabilityRow], requirement: Requirement, sources: Sources, hosts: dict[str, set[str]]
) -> TraceabilityRow:
    row = rows[requirement.id]
    if requirement.kind != Requirement.CONSTRAINT or row.component_ids:
        return row
    followers = [rows[one] for one in sources.derived.get(row.req_id, ()) if one in rows]
    everywhere = [one.id for one in sources.application.components]
    reached = {one for follower in followers for one in follower.component_ids} or set(everywhere)
    nodes = {one for follower in followers for one in follower.node_ids}
    nodes.update(node_id for component_id in reached for node_id in hosts.get(component_id, ()))
    return TraceabilityRow(
        req_id=row.req_id,
        capability_ids=row.capability_ids,
        process_ids=row.process_ids,
        component_ids=_in_order(everywhere, reached),
        node_ids=_in_order((one.id for one in sources.infrastructure.nodes), nodes.union(row.node_ids)),
    )


def _row(req_id: str, sources: Sources, hosts: dict[str, set[str]]) -> TraceabilityRow:
    components = {one.id for one in sources.application.components if req_id in one.req_ids}
    for tactic in sources.application.quality_tactics:
        if tactic.req_id == req_id:
            components.update(tactic.component_ids)
    nodes = {one.id for one in sources.infrastructure.nodes if req_id in one.serves_req_ids}
    nodes.update(node_id for component_id in components for node_id in hosts.get(component_id, ()))
    return TraceabilityRow(
        req_id=req_id,
        capability_ids=_in_order(
            (one.id for one in sources.business.capabilities),
            {one.id for one in sources.business.capabilities if req_id in one.req_ids},
        ),
        process_ids=_in_order(
            (one.id for one in sources.business.processes),
            {one.id for one in sources.business.processes if req_id in one.req_ids},
        ),
        component_ids=_in_order((one.id for one in sources.application.components), components),
        node_ids=_in_order((one.id for one in sources.infrastructure.nodes), nodes),
    )


def _in_order(all_ids: Iterable[str], found: set[str]) -> list[str]:
    return [one for one in all_ids if one in found]
