"""The solution architect as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.change.given import baseline_of
from services.agents.change.impact import Asker, impact_of
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.llm.chosen import refined
from services.agents.report.dossier import KEYS
from services.agents.role import Role
from services.agents.roles.solution_architect.assembly import assemble
from services.agents.roles.solution_architect.checks import check
from services.agents.roles.solution_architect.deliverable import produce
from services.agents.roles.solution_architect.review import review

agent = Agent(
    "solution_architect",
    capabilities=[
        "solution_design",
        "traceability",
        "decision_records",
        "impact_analysis",
        "architecture_review",
    ],
)

ROLE = Role("solution_architect", "solution", check, ("requirements", "business", "application", "infrastructure"))


@agent.task("design")
async def design(task: Task) -> dict[str, Any]:
    """Decide, trace and check across the designs of the input."""
    inputs = [given(task.input, key) for key in ("requirements", "business", "application", "infrastructure")]
    await task.progress(10, f"Read {sum(one is not None for one in inputs)} designs")
    draft = produce(*inputs, task_type=task.task_type)
    output = await refined(task, draft, ROLE)
    made = output.solution
    held = sum(one.passed for one in made.consistency_report)
    await task.progress(
        90,
        f"{len(made.decisions)} decisions, {len(made.rtm)} requirements traced, "
        f"{held} of {len(made.consistency_report)} rules hold",
    )
    return to_payload(output)


@agent.task("generate")
async def generate(task: Task) -> dict[str, Any]:
    """Assemble the report, the model and the deliverables' files out of everything that the input holds."""
    outputs = {key: output for key in KEYS if (output := given(task.input, key)) is not None}
    await task.progress(10, f"Read {len(outputs)} deliverables")
    request = task.input.get("request") or {}
    assembly = assemble(outputs, request, given(task.input, "impact"), baseline_of(request))
    await task.progress(60, f"Made {len(assembly.files)} files")
    for name, (content, media_type) in assembly.files.items():
        await task.put_artifact(name, content, media_type)
    await task.progress(95, "Handed all files over")
    return to_payload(assembly.output)


@agent.task("impact_analysis")
async def analyse_impact(task: Task) -> dict[str, Any]:
    """Say what a requested change reaches, in the model that came with it, or by its requirements alone."""
    found = impact_of(task.input, Asker(agent.agent_type))
    await task.progress(90, "; ".join(found.summary))
    return to_payload(found)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Gather and judge what is wrong with the deliverables of the input."""
    outputs = {key: output for key in KEYS if (output := given(task.input, key)) is not None}
    found = review(outputs)
    await task.progress(90, found.summary[0])
    return to_payload(found)
