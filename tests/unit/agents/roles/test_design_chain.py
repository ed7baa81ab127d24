"""The three designing roles as agents, on the examples' real requirements: what one returns, the next takes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from archwright import Agent
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.sdk.errors import Permanent
from archwright.testing import performed
from services.agents.deliverables import from_json
from services.agents.inputs import given
from services.agents.model.graph import Severity
from services.agents.model.merge import merge
from services.agents.roles.application_architect.service import agent as application_architect
from services.agents.roles.business_analyst.service import agent as analyst
from services.agents.roles.business_architect.service import agent as business_architect
from services.agents.roles.developer.service import agent as developer
from services.agents.roles.infrastructure_architect.service import agent as infrastructure_architect

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))


async def chain(request: dict[str, Any]) -> dict[str, AgentOutput]:
    """Return what each role returns for a request, by the key that later steps know it by."""
    steps = (
        ("requirements", analyst, "analyze"),
        ("business", business_architect, "design"),
        ("application", application_architect, "design"),
        ("infrastructure", infrastructure_architect, "design"),
        ("scaffold", developer, "generate"),
    )
    known: dict[str, Any] = {"request": request}
    for key, agent, task_type in steps:
        done = await performed(agent, dict(known), task_type=task_type)
        assert [percent for percent, message in done.progress if message] == [10, 90]
        known[key] = done.output
    return {key: from_json(known[key]) for key, *_ in steps}


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
async def outputs(request: pytest.FixtureRequest) -> dict[str, AgentOutput]:
    return await chain(yaml.safe_load(request.param.read_text()))


def test_every_must_is_followed_to_a_component_a_node_and_a_test(outputs: dict[str, AgentOutput]) -> None:
    components: dict[str, set[str]] = {}
    for one in outputs["application"].application.components:
        for req_id in one.req_ids:
            components.setdefault(req_id, set()).add(one.id)
    hosted = {it for one in outputs["infrastructure"].infrastructure.nodes for it in one.hosts_component_ids}
    tested = {one.req_id for one in outputs["scaffold"].scaffold.test_map}
    for one in outputs["requirements"].requirements.requirements:
        if one.priority == Requirement.MUST:
            assert one.id in tested
            if one.kind == Requirement.FUNCTIONAL:
                assert components[one.id]
                assert components[one.id] <= hosted


def test_the_whole_model_is_sound(outputs: dict[str, AgentOutput]) -> None:
    model = merge(outputs.values())

    assert [one for one in model.problems if one.severity is not Severity.INFO] == []


def test_nothing_is_degraded_while_every_input_is_there(outputs: dict[str, AgentOutput]) -> None:
    assert not outputs["application"].degraded
    assert not outputs["infrastructure"].degraded


def test_no_output_is_larger_than_a_payload_may_be(outputs: dict[str, AgentOutput]) -> None:
    assert sum(one.ByteSize() for one in outputs.values()) < 900_000


async def test_a_request_of_one_word_is_designed_too() -> None:
    found = await chain({"request": "Build an app."})

    assert found["application"].application.components
    assert found["infrastructure"].infrastructure.nodes


def test_a_key_that_holds_something_else_is_named() -> None:
    with pytest.raises(Permanent, match="'requirements'"):
        given({"requirements": {"findings": "none"}}, "requirements")


@pytest.mark.parametrize("empty", [None, {}, {"agent_type": "business_analyst"}])
def test_a_key_without_a_deliverable_counts_as_absent(empty: object) -> None:
    assert given({"requirements": empty}, "requirements") is None


@pytest.mark.parametrize(
    ("agent", "agent_type", "task_type", "capability"),
    [
        (application_architect, "application_architect", "design", "application_design"),
        (infrastructure_architect, "infrastructure_architect", "design", "capacity_planning"),
        (developer, "developer", "generate", "code_generation"),
    ],
)
def test_the_agents_offer_what_the_workflow_asks_for(
    agent: Agent, agent_type: str, task_type: str, capability: str
) -> None:
    assert agent.agent_type == agent_type
    assert agent.duty(task_type) is not None
    assert capability in agent.capabilities
