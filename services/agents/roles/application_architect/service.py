"""The application architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.change.impact import Asker, impact_of
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.application_architect.checks import check
from services.agents.roles.application_architect.deliverable import produce

agent = Agent(
    "application_architect", capabilities=["application_design", "data_modeling", "api_design", "integration_design"]
)
ROLE = Role("application_architect", "application", check, ("requirements", "business"))


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Design the applications for the requirements and the business architecture of the input."""
    requirements, business = given(task.input, "requirements"), given(task.input, "business")
    asked = len(requirements.requirements.requirements) if requirements is not None else 0
    await task.progress(10, f"Read {asked} requirements")
    draft = produce(requirements, business, task_type=task.task_type)
    output = await refined(task, draft, ROLE)
    made = output.application
    await task.progress(
        90, f"{made.style.name}: {len(made.components)} components, {len(made.interfaces)} interfaces, "
        f"{len(made.data_entities)} kinds of records",
    )  # fmt: skip
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the application architecture of the input."""
    found = review_of(task.input, ROLE)
    await task.progress(90, found.summary[0])
    return to_payload(found)


@agent.task("impact_analysis")
async def analyse_impact(task: Task) -> dict[str, Any]:
    """Say what a requested change reaches in applications and data."""
    found = impact_of(task.input, Asker(agent.agent_type, ("application",)))
    await task.progress(90, "; ".join(found.summary))
    return to_payload(found)
