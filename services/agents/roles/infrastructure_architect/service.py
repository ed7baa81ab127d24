"""The infrastructure architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.inputs import given
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


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Design the infrastructure for the requirements and the application architecture of the input."""
    requirements, application = given(task.input, "requirements"), given(task.input, "application")
    placed = len(application.application.components) if application is not None else 0
    await task.progress(10, f"Read {placed} components to place")
    output = produce(requirements, application, task_type=task.task_type)
    made = output.infrastructure
    await task.progress(
        90,
        f"{made.provider} {made.region.id}: {len(made.nodes)} nodes, {made.sizing.peak_rps:.1f} requests a second, "
        f"{made.availability.computed:.3f} % in service",
    )
    return to_payload(output)
