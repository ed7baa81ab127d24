"""The business architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from archwright.payloads import Json
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.roles.business_architect.deliverable import produce

agent = Agent(
    "business_architect",
    capabilities=["business_modeling", "capability_mapping", "value_stream_mapping", "strategy_alignment"],
)


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Design how the business works that the input's requirements speak of."""
    requirements = given(task.input, "requirements")
    asked = len(requirements.requirements.requirements) if requirements is not None else 0
    await task.progress(10, f"Read {asked} requirements")
    output = produce(requirements, _text(task.input), task.task_type)
    made = output.business
    await task.progress(
        90,
        f"{len(made.capabilities)} capabilities, {len(made.processes)} processes, {len(made.goals)} goals",
    )
    return to_payload(output)


def _text(task_input: Json) -> str:
    """Return the client's own words where they came along; the requirements suffice without them."""
    request = task_input.get("request") if isinstance(task_input, dict) else None
    text = request.get("request") if isinstance(request, dict) else None
    return text if isinstance(text, str) else ""
