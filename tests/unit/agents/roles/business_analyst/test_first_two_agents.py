import pytest

from archwright import Agent
from services.agents.deliverables import from_json
from services.agents.roles.business_analyst.service import agent as analyst
from services.agents.roles.business_analyst.service import analyze
from services.agents.roles.business_architect.service import agent as architect
from services.agents.roles.business_architect.service import design


class Told:
    """A task that remembers the progress it was told of."""

    def __init__(self, task_type: str, task_input: object) -> None:
        self.task_type = task_type
        self.input = task_input
        self.percents: list[float] = []

    async def progress(self, percent: float, message: str) -> None:
        assert message
        self.percents.append(percent)


async def test_the_architect_works_with_what_the_analyst_returns() -> None:
    request = {
        "request": "Customers must be able to report a claim. Adjusters must assess each claim. Clerks can pay claims."
    }
    first = Told("analyze", {"request": request})
    requirements = await analyze(first)  # type: ignore[arg-type] # a task, as far as the function looks
    second = Told("design", {"request": request, "requirements": requirements})
    business = await design(second)  # type: ignore[arg-type] # likewise

    assert from_json(requirements).WhichOneof("deliverable") == "requirements"
    assert from_json(business).business.processes
    assert first.percents == second.percents == [10, 90]


@pytest.mark.parametrize(
    ("agent", "agent_type", "task_type", "capability"),
    [
        (analyst, "business_analyst", "analyze", "requirements_analysis"),
        (architect, "business_architect", "design", "capability_mapping"),
    ],
)
def test_agents_offer_what_the_workflow_asks_for(
    agent: Agent, agent_type: str, task_type: str, capability: str
) -> None:
    assert agent.agent_type == agent_type
    assert agent.duty(task_type) is not None
    assert capability in agent.capabilities
