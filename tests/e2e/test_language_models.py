"""A role with a language model behind it, as a process in a mesh: its work, its account, and its workflow's budget."""

from __future__ import annotations

import json
from typing import Any

import pytest
from model_server import MODEL, TOKENS_IN, TOKENS_OUT, Fails, model_server

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.payloads import from_struct
from services.agents.deliverables import from_json

PROGRAM = ("-m", "services.agents", "business_analyst")
REQUEST = {"request": "Visitors of a museum must book a time slot. Guides can cancel a tour."}
BETTER = {"requirements": {"requirements": [{"id": "REQ-F-001", "rationale": "The halls are narrow."}]}}
TURN = TOKENS_IN + TOKENS_OUT
TWICE = """
name: twice
version: %s
model_budget: {tokens: %s}
steps:
  - {name: first, agent: business_analyst, task_type: analyze, input: {request: "${input}"}}
  - {name: second, agent: business_analyst, task_type: analyze, input: {request: "${input}"}}
output: {first: "${steps.first.output}", second: "${steps.second.output}"}
"""


def told(url: str) -> dict[str, str]:
    return {
        "ARCHWRIGHT_MODEL_NAME": f"openai-chat:{MODEL}",
        "ARCHWRIGHT_MODEL_URL": url,
        "ARCHWRIGHT_MODEL_INPUT_PRICE": "2",
        "ARCHWRIGHT_MODEL_OUTPUT_PRICE": "10",
    }


async def carried(mesh: Any, budget: int, version: str = "1.0.0") -> tuple[Workflow, dict[str, Any]]:
    async with mesh.client() as client:
        await client.definitions.publish(TWICE % (version, budget))
        started = await client.start("twice", REQUEST, version=version)
        ended = await client.wait(started.workflow_id)
        assert ended.status == Workflow.COMPLETED, ended.error_details
        found = from_struct(ended.output)
        assert isinstance(found, dict)
        return await client.get(started.workflow_id), {name: from_json(each) for name, each in found.items()}


async def test_a_model_refines_and_the_workflow_knows_what_it_took(mesh: Any) -> None:
    async with model_server(BETTER) as server:
        await mesh.add_agent("business_analyst", program=PROGRAM, **told(server.url))
        workflow, outputs = await carried(mesh, 1_000_000)

    for output in outputs.values():
        assert output.requirements.requirements[0].rationale == "The halls are narrow."
        assert (output.provenance.llm.model, output.provenance.llm.cost_micros) == (MODEL, 4000)
    assert (workflow.model_tokens, workflow.model_cost_micros) == (2 * TURN, 8000)


async def test_a_budget_that_is_spent_leaves_the_later_step_to_the_rules(mesh: Any) -> None:
    async with model_server(BETTER) as server:
        await mesh.add_agent("business_analyst", program=PROGRAM, **told(server.url))
        _, generous = await carried(mesh, 1_000_000)
        prompt = len(json.dumps(server.asked[0]["messages"])) // 4
        workflow, outputs = await carried(mesh, prompt + TURN // 2, version="2.0.0")

    assert generous["second"].mode == AgentOutput.LLM
    assert workflow.model_tokens == TURN
    assert outputs["first"].mode == AgentOutput.LLM
    assert outputs["second"].mode == AgentOutput.LLM_FALLBACK
    assert "MODEL_BUDGET_SPENT" in {finding.code for finding in outputs["second"].findings}


async def test_a_model_that_fails_fails_no_workflow(mesh: Any) -> None:
    async with model_server(Fails(400)) as server:
        await mesh.add_agent("business_analyst", program=PROGRAM, **told(server.url))
        workflow, outputs = await carried(mesh, 1_000_000)

    assert workflow.model_tokens == 0
    assert all(output.degraded for output in outputs.values())


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"ARCHWRIGHT_MODEL_NAME": "gpt"}, "write provider:model"),
        ({"ARCHWRIGHT_MODEL_NAME": "nobody:gpt"}, "nobody"),
        ({"ARCHWRIGHT_MODEL_TOKENS": "many"}, "ARCHWRIGHT_MODEL_TOKENS"),
        ({"ARCHWRIGHT_MODEL_NAME": "openai:gpt", "ARCHWRIGHT_MODEL_KEY_FILE": "/no/such/file"}, "KEY_FILE"),
    ],
)
async def test_a_model_that_cannot_be_used_is_said_at_the_start(mesh: Any, settings: dict[str, str], why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        await mesh.add_agent("business_analyst", program=PROGRAM, **settings)
