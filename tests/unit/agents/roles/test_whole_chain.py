"""All eight roles in a row, as the workflow runs them: what one request gives, another does not."""

from __future__ import annotations

from typing import Any

import pytest
from role_chain import STEPS, carried, example

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.testing import performed
from services.agents.deliverables import from_json
from services.agents.roles.solution_architect.service import agent as solution_architect


@pytest.fixture(scope="module")
async def claims() -> dict[str, Any]:
    return await carried(example("claims-platform"))


@pytest.fixture(scope="module")
async def groceries() -> dict[str, Any]:
    return await carried(example("grocery-delivery"))


def output(known: dict[str, Any], key: str) -> AgentOutput:
    return from_json(known[key])


def test_no_role_is_degraded_while_everything_is_there(claims: dict[str, Any]) -> None:
    assert [key for key, *_ in STEPS if output(claims, key).degraded] == []


def test_two_requests_share_no_requirement_of_the_client(claims: dict[str, Any], groceries: dict[str, Any]) -> None:
    one, other = (
        {each.statement for each in output(known, "requirements").requirements.requirements if each.source.quote}
        for known in (claims, groceries)
    )
    assert one
    assert other
    assert not one & other


def test_two_requests_give_mostly_different_components(claims: dict[str, Any], groceries: dict[str, Any]) -> None:
    one, other = (
        {each.name for each in output(known, "application").application.components} for known in (claims, groceries)
    )
    assert len(one & other) / len(one | other) < 0.8


def test_two_requests_give_different_plans_and_costs(claims: dict[str, Any], groceries: dict[str, Any]) -> None:
    plans = [output(known, "plan").plan.project_duration_days for known in (claims, groceries)]
    costs = [output(known, "finance").finance.budget.p80_cents for known in (claims, groceries)]

    assert plans[0] != plans[1]
    assert costs[0] != costs[1]


async def test_the_last_step_makes_every_file(claims: dict[str, Any]) -> None:
    done = await performed(solution_architect, dict(claims), task_type="generate")

    assert {"report.html", "model.xml", *(f"deliverables/{key}.json" for key, *_ in STEPS)} <= set(done.files)
    assert done.output["assembly"]["title"] == "Online claims platform"


async def test_the_same_request_gives_the_same_outputs(claims: dict[str, Any]) -> None:
    assert await carried(claims["request"]) == claims
