"""The application architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.roles.application_architect.deliverable import produce

agent = Agent(
    "application_architect", capabilities=["application_design", "data_modeling", "api_design", "integration_design"]
)


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Design the applications for the requirements and the business architecture of the input."""
    requirements, business = given(task.input, "requirements"), given(task.input, "business")
    asked = len(requirements.requirements.requirements) if requirements is not None else 0
    await task.progress(10, f"Read {asked} requirements")
    output = produce(requirements, business, task_type=task.task_type)
    made = output.application
    await task.progress(
        90, f"{made.style.name}: {len(made.components)} components, {len(made.interfaces)} interfaces, "
        f"{len(made.data_entities)} kinds of records",
    )  # fmt: skip
    return to_payload(output)
