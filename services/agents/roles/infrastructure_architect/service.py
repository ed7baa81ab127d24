"""The infrastructure architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.change.impact import Asker, impact_of
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.infrastructure_architect.checks import check
from services.agents.roles.infrastructure_architect.deliverable import produce

agent = Agent(
    "infrastructure_architect",
    capabilities=[
        "infrastructure_design",
        "capacity_planning",
        "cloud_architecture",
        "disaster_recovery",
        "cost_optimization",
    ],
)
ROLE = Role("infrastructure_architect", "infrastructure", check, ("requirements", "business", "application"))


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Design the infrastructure for the requirements and the application architecture of the input."""
    requirements, application = given(task.input, "requirements"), given(task.input, "application")
    placed = len(application.application.components) if application is not None else 0
    await task.progress(10, f"Read {placed} components to place")
    draft = produce(requirements, application, task_type=task.task_type)
    output = await refined(task, draft, ROLE)
    made = output.infrastructure
    await task.progress(
        90,
        f"{made.provider} {made.region.id}: {len(made.nodes)} nodes, {made.sizing.peak_rps:.1f} requests a second, "
        f"{made.availability.computed:.3f} % in service",
    )
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the infrastructure of the input."""
    found = review_of(task.input, ROLE)
    await task.progress(90, found.summary[0])
    return to_payload(found)


@agent.task("impact_analysis")
async def analyse_impact(task: Task) -> dict[str, Any]:
    """Say what a requested change reaches in technology."""
    found = impact_of(task.input, Asker(agent.agent_type, ("infrastructure",)))
    await task.progress(90, "; ".join(found.summary))
    return to_payload(found)
