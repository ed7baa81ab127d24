"""The technology layer of the shared model: nodes, what they offer, and the artifacts that they run.

A node is assigned to the artifact of a component, and the artifact realizes the component; never the other way round.
"""

from __future__ import annotations

from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture, Node
from archwright.agents.v1.model_pb2 import ModelOp, Trace
from services.agents.draft import Draft
from services.agents.roles.infrastructure_architect.nodes import METERED

_LAYER = "technology"
_RUNS_CODE = frozenset({Node.VM, Node.CONTAINER, Node.K8S, Node.FUNCTION, Node.CDN})
_NETWORK = "NOD-private-network"


def describe(draft: Draft, architecture: InfrastructureArchitecture, component_names: dict[str, str]) -> None:
    """Add the architecture's elements, relations and traces to the draft."""
    draft.element(
        _NETWORK,
        ModelOp(
            type="CommunicationNetwork",
            name=f"Private Network {architecture.network.vpcs[0]}",
            layer=_LAYER,
            rationale=f"Runs in {architecture.region.id}: {architecture.region.reason}",
            props={"region": architecture.region.id, "provider": architecture.provider},
        ),
    )
    for node in architecture.nodes:
        _trace(draft, node)
        if node.rule_id != METERED:
            _node(draft, node, component_names)
    for control in architecture.security_controls:
        for req_id in control.req_ids:
            for node_id in control.node_ids:
                draft.trace(node_id, req_id, Trace.SATISFIES)


def _node(draft: Draft, node: Node, component_names: dict[str, str]) -> None:
    kind = "Node" if node.type in _RUNS_CODE else "SystemSoftware"
    draft.element(
        node.id,
        ModelOp(
            type=kind,
            name=node.name,
            layer=_LAYER,
            rationale=node.rationale,
            trace_ids=[*node.hosts_component_ids, *node.serves_req_ids],
            props={"sku": node.sku, "zone": node.zone, "quantity": f"{node.qty:g} {node.unit}"},
        ),
    )
    draft.relation("Association", _NETWORK, node.id)
    service = node.id.replace("NOD-", "TSV-", 1)
    draft.element(
        service,
        ModelOp(
            type="TechnologyService",
            name=f"{node.name} Service",
            layer=_LAYER,
            rationale=f"What {node.name} offers.",
            trace_ids=[node.id],
        ),
    )
    draft.relation("Realization", node.id, service)
    for component in node.hosts_component_ids:
        if node.type in _RUNS_CODE:
            _artifact(draft, node.id, component, component_names.get(component, component))
        draft.relation("Serving", service, component)
    for req_id in node.serves_req_ids:
        draft.relation("Realization", node.id, req_id)


def _artifact(draft: Draft, node_id: str, component: str, name: str) -> None:
    artifact = component.replace("CMP-", "ART-", 1)
    draft.element(
        artifact,
        ModelOp(
            type="Artifact",
            name=f"{name} Image",
            layer=_LAYER,
            rationale="What is built, stored in the registry and started.",
            trace_ids=[component],
        ),
    )
    draft.relation("Assignment", node_id, artifact)
    draft.relation("Realization", artifact, component)


def _trace(draft: Draft, node: Node) -> None:
    for component in node.hosts_component_ids:
        draft.trace(node.id, component, Trace.REALIZES)
    for req_id in node.serves_req_ids:
        draft.trace(node.id, req_id, Trace.SATISFIES)
