"""The business analyst as an agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.business_analyst.checks import check
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
ROLE = Role("business_analyst", "requirements", check)


@agent.task("analyze")
async def analyze(task: Task) -> dict[str, Any]:
    """Turn the request of the input into requirements and open questions."""
    request = Request.from_input(task.input)
    await task.progress(10, f"Read {len(request.text)} characters")
    draft = produce(request, task.task_type)
    output = await refined(task, draft, ROLE)
    found = output.requirements
    await task.progress(
        90,
        f"{len(found.requirements)} requirements, {len(found.facts)} facts, {len(found.entities)} kinds of records, "
        f"{len(found.open_questions)} open questions",
    )
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the requirements of the input, or those that the request's own text gives."""
    own = None if given(task.input, "requirements") else produce(Request.from_input(task.input), task.task_type)
    found = review_of(task.input, ROLE, own)
    await task.progress(90, found.summary[0])
    return to_payload(found)


@agent.task("impact_analysis")
async def assess_change(task: Task) -> dict[str, Any]:
    """Say what the request of the input, taken as one for a change, wants changed."""
    output = produce(replace(Request.from_input(task.input), request_type="modification"), task.task_type)
    found = output.requirements.change_assessment
    await task.progress(
        90, f"{len(found.matched_elements)} elements named, {len(found.new_requirements)} requirements that are new"
    )
    return to_payload(output)
