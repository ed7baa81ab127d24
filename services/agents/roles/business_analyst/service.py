"""The business analyst as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.roles.business_analyst.deliverable import produce
from services.agents.roles.business_analyst.request import Request

agent = Agent(
    "business_analyst",
    capabilities=[
        "requirements_analysis",
        "requirements_elicitation",
        "stakeholder_analysis",
        "requirements_review",
        "change_assessment",
    ],
)


@agent.task("analyze")
async def analyze(task: Task) -> dict[str, Any]:
    """Turn the request of the input into requirements and open questions."""
    request = Request.from_input(task.input)
    await task.progress(10, f"Read {len(request.text)} characters")
    output = produce(request, task.task_type)
    found = output.requirements
    await task.progress(
        90,
        f"{len(found.requirements)} requirements, {len(found.facts)} facts, {len(found.entities)} kinds of records, "
        f"{len(found.open_questions)} open questions",
    )
    return to_payload(output)
