"""The project manager as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.project_manager.checks import check
from services.agents.roles.project_manager.deliverable import estimated, produce

agent = Agent(
    "project_manager",
    capabilities=["project_planning", "estimation", "risk_management", "resource_planning"],
)
ROLE = Role("project_manager", "plan", check, ("requirements", "business", "application", "infrastructure", "solution"))


@agent.task("plan")
async def plan(task: Task) -> dict[str, Any]:
    """Plan the project that delivers what the input's deliverables describe."""
    inputs = [given(task.input, key) for key in ("requirements", "application", "infrastructure", "solution")]
    await task.progress(10, f"Read {sum(one is not None for one in inputs)} of {len(inputs)} deliverables")
    draft = produce(*inputs, task_type=task.task_type)
    output = await refined(task, draft, ROLE)
    made = output.plan
    await task.progress(
        90,
        f"{made.estimation.fp:.0f} function points: {len(made.activities)} activities, "
        f"{made.project_duration_days:.0f} days, {len(made.risks)} risks",
    )
    return to_payload(output)


@agent.task("estimate")
async def estimate(task: Task) -> dict[str, Any]:
    """Estimate the effort of what the input describes, without a schedule."""
    output = estimated(given(task.input, "requirements"), given(task.input, "application"), task_type=task.task_type)
    made = output.plan.estimation
    hours = made.total_hours
    await task.progress(90, f"{made.fp:.0f} function points: {hours.p10:.0f} to {hours.p90:.0f} hours")
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the plan of the input."""
    found = review_of(task.input, ROLE)
    await task.progress(90, found.summary[0])
    return to_payload(found)
