"""What an infrastructure must be to be right: everything has its place, and the figures follow from one another."""

from __future__ import annotations

import math
from collections.abc import Iterator

from archwright.agents.v1.application_architect_pb2 import Component
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation.given import Given, wrong

SHARE = 1e-6


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with an infrastructure."""
    made = output.infrastructure
    hosted = {component_id for one in made.nodes for component_id in one.hosts_component_ids}
    for component in given.of("application").application.components:
        if component.type != Component.SAAS and component.id not in hosted:
            yield wrong("NOT_HOSTED", f"{component.id} runs nowhere.", component.id)
    for node in made.nodes:
        if node.qty <= 0:
            yield wrong("QUANTITY_MISSING", f"There are {node.qty:g} of {node.id}.", node.id)
        if not (node.rationale or node.rule_id):
            yield wrong("UNWANTED", f"{node.id} has no reason to be there.", node.id)
    yield from _availability(made, output)


def _availability(made: InfrastructureArchitecture, output: AgentOutput) -> Iterator[Finding]:
    found = made.availability
    product = math.prod(link.combined / 100 for link in found.chain) * 100
    if found.chain and not math.isclose(product, found.computed, rel_tol=SHARE):
        yield wrong("AVAILABILITY_UNTRUE", f"The chain comes to {product:.4f} %, not to {found.computed:.4f} %.")
    for link in found.chain:
        combined = (1 - (1 - link.single / 100) ** link.replicas) * 100
        if not math.isclose(combined, link.combined, rel_tol=SHARE):
            yield wrong("LINK_UNTRUE", f"{link.replicas} of {link.node_id} come to {combined:.4f} %.", link.node_id)
    if found.target > found.computed and not any("AVAILABILITY" in one.code for one in output.findings):
        yield wrong(
            "TARGET_MISSED", f"{found.computed:.3f} % are less than {found.target:g} %, and no finding says so."
        )
