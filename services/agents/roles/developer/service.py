"""The developer as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.developer.checks import check
from services.agents.roles.developer.deliverable import produce
from services.agents.roles.developer.deployment.chosen import deploy_provider, plan_deployment

agent = Agent("developer", capabilities=["code_generation", "api_scaffolding", "iac_generation", "test_generation"])
ROLE = Role("developer", "scaffold", check, ("requirements", "business", "application", "infrastructure", "solution"))
SETTINGS = (deploy_provider,)
"""What reads settings of this role alone."""


@agent.task("generate")
async def generate(task: Task) -> dict[str, Any]:
    """Write the repository for the architecture of the input."""
    requirements, application = given(task.input, "requirements"), given(task.input, "application")
    infrastructure, solution = given(task.input, "infrastructure"), given(task.input, "solution")
    found = len(application.application.components) if application is not None else 0
    await task.progress(10, f"Read {found} components to write")
    draft = produce(requirements, application, infrastructure, solution, task_type=task.task_type)
    output = await refined(task, draft, ROLE)
    await plan_deployment(output, deploy_provider())
    made = output.scaffold
    await task.progress(90, f"{len(made.files)} files, {len(made.test_map)} tests of requirements")
    for file in made.files:
        await task.put_artifact(f"scaffold/{file.path}", file.content.encode(), "text/plain; charset=utf-8")
        # The repository goes to the client as files. Later steps read what is in it, not its text.
        file.ClearField("content")
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the repository of the input."""
    found = review_of(task.input, ROLE)
    await task.progress(90, found.summary[0])
    return to_payload(found)
