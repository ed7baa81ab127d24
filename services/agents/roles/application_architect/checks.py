"""What an application architecture must be to be right: everything realised, and owned once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation.given import Given, wrong

POINTS = 1e-6


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with an application architecture."""
    made = output.application
    realised = {req_id for one in made.components for req_id in one.req_ids}
    firm = {Requirement.MUST, Requirement.SHOULD}
    for one in given.of("requirements").requirements.requirements:
        if one.kind == Requirement.FUNCTIONAL and one.priority in firm and one.id not in realised:
            yield wrong("NOT_REALISED", f"{one.id} is realised by no component.", one.id)
    for name, count in Counter(one.name.lower() for one in made.components).items():
        if count > 1:
            yield wrong("NAME_REPEATED", f"{count} components are called {name!r}.")
    for component in made.components:
        if not (component.req_ids or component.rule_id):
            yield wrong("UNWANTED", f"{component.id} has neither a requirement nor a rule behind it.", component.id)
    components = {one.id for one in made.components}
    for entity in made.data_entities:
        if entity.owner_component_id not in components:
            yield wrong("OWNER_MISSING", f"Nobody owns {entity.id}.", entity.id)
    for interface in made.interfaces:
        if interface.provider_id in interface.consumer_ids:
            yield wrong("CALLS_ITSELF", f"{interface.id} is consumed by who provides it.", interface.id)
    for score in made.style.score_table:
        if abs(score.total - sum(one.weight * one.score for one in score.criteria)) > POINTS:
            yield wrong("POINTS_UNTRUE", f"The points of {score.style!r} do not come to {score.total:g}.")
    if made.style.name not in {score.style for score in made.style.score_table}:
        yield wrong("STYLE_UNFOUNDED", f"The style {made.style.name!r} was never compared with others.")
