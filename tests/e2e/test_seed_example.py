"""The example that the workflow language began with runs as it stands, once the steps that it names are there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import DefinitionInvalid, DefinitionVersionTaken

EXCERPT = """\
workflow:
  name: "architecture_creation"
  steps:
    - name: "requirement_analysis"
      agent: "business_analyst"
      conditions:
        - if: "request_type == 'new_architecture'"
          next: "business_architecture"
        - if: "request_type == 'modification'"
          next: "impact_analysis"
"""
STEPS = """\
    - name: "business_architecture"
      agent: "business_architect"
      next: end
    - name: "impact_analysis"
      agent: "solution_architect"
      next: end
"""
# The built-in definition has the same name, and is its version 1.0.0.
VERSION = """\
  version: "2.0.0"
"""


BRANCHES = {"new_architecture": "business_architecture", "modification": "impact_analysis"}


async def test_the_seeds_example_runs_through_the_branch_that_each_request_asks_for(mesh: Any) -> None:
    for agent_type in ("business_analyst", "business_architect", "solution_architect"):
        await mesh.add_agent(agent_type)
    async with mesh.client() as client:
        await client.definitions.publish(EXCERPT + STEPS + VERSION)

        for request_type, branch in BRANCHES.items():
            given = {"request_type": request_type}
            workflow = await client.start("architecture_creation", given, version="2.0.0")
            async with asyncio.timeout(30):
                ended = await client.wait(workflow.workflow_id)

            assert pb.Workflow.Status.Name(ended.status) == "COMPLETED"
            assert list(ended.steps_completed) == ["requirement_analysis", branch]
            assert list(ended.output.fields) == [branch]
            worked = [effect["step"] for effect in mesh.ledger if effect["workflow_id"] == workflow.workflow_id]
            assert worked == ["requirement_analysis", branch]


async def test_the_excerpt_alone_is_refused_and_so_is_a_second_version_1_of_its_name(mesh: Any) -> None:
    async with mesh.client() as client:
        with pytest.raises(DefinitionInvalid) as refused:
            await client.definitions.publish(EXCERPT)
        with pytest.raises(DefinitionVersionTaken, match="give this one a new version"):
            await client.definitions.publish(EXCERPT + STEPS)

    lacking = [(each.field, each.line) for each in refused.value.violations]
    assert lacking == [("steps[0].conditions[0].next", 8), ("steps[0].conditions[1].next", 10)]
    assert "'business_architecture'" in refused.value.violations[0].description
