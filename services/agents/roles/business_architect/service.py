"""The business architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.change.impact import Asker, impact_of
from services.agents.deliverables import to_payload
from services.agents.inputs import given, wish
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.business_architect.checks import check
from services.agents.roles.business_architect.deliverable import capabilities_alone, produce

agent = Agent(
    "business_architect",
    capabilities=["business_modeling", "capability_mapping", "value_stream_mapping", "strategy_alignment"],
)
ROLE = Role("business_architect", "business", check, ("requirements",))


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Design how the business works that the input's requirements speak of."""
    requirements = given(task.input, "requirements")
    asked = len(requirements.requirements.requirements) if requirements is not None else 0
    await task.progress(10, f"Read {asked} requirements")
    draft = produce(requirements, wish(task.input), task.task_type)
    output = await refined(task, draft, ROLE)
    made = output.business
    await task.progress(
        90,
        f"{len(made.capabilities)} capabilities, {len(made.processes)} processes, {len(made.goals)} goals",
    )
    return to_payload(output)


@agent.task("analyze")
async def analyse(task: Task) -> dict[str, Any]:
    """Find the capabilities and goals that the input's requirements speak of, and design nothing yet."""
    output = capabilities_alone(produce(given(task.input, "requirements"), wish(task.input), task.task_type))
    made = output.business
    await task.progress(90, f"{len(made.capabilities)} capabilities, {len(made.goals)} goals")
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the business architecture of the input."""
    found = review_of(task.input, ROLE)
    await task.progress(90, found.summary[0])
    return to_payload(found)


@agent.task("impact_analysis")
async def analyse_impact(task: Task) -> dict[str, Any]:
    """Say what a requested change reaches in strategy and business."""
    found = impact_of(task.input, Asker(agent.agent_type, ("business",)))
    await task.progress(90, "; ".join(found.summary))
    return to_payload(found)
