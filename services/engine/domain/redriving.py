"""How a failed workflow goes on from a task that waits for a person, perhaps with another input.

A workflow goes on as a whole: what failed or was called off beside the task begins anew too, as by a retry, for the
workflow could not end without it.
"""

from __future__ import annotations

from archwright.errors import InputMismatch, TransitionIllegal, Violation
from archwright.language.schema import validator
from services.engine.domain.commands import RedriveTask
from services.engine.domain.steering import retry_from
from services.engine.domain.story import Story
from services.engine.domain.transitions import WorkflowStatus


def redrive(story: Story, command: RedriveTask) -> None:
    """Go on from what failed, with the input for this task that somebody edited."""
    workflow, path = story.workflow, command.step
    failed = workflow.exhausted.get(path)
    if workflow.compensated and failed is not None and failed.task_id == command.task_id:
        raise TransitionIllegal(
            f"Step {path!r} was to undo something, and could not: the workflow has compensated and never goes on. "
            "Do by hand what the step was to do, and then discard the dead letter.",
            facts={"workflow_id": workflow.workflow_id, "task_id": command.task_id, "step": path},
        )
    if workflow.status is WorkflowStatus.FAILED and not workflow.compensated:
        if failed is None or failed.task_id != command.task_id:
            raise TransitionIllegal(
                f"Task {command.task_id} of step {path!r} is not what workflow {workflow.workflow_id} waits for any "
                "more: it went on since. `archwright dead-letters list` shows what waits.",
                facts={"workflow_id": workflow.workflow_id, "task_id": command.task_id, "step": path},
            )
        if command.input is not None:
            _require_fit(story, command)
    retry_from(story, command, step=path, given=command.input)


def _require_fit(story: Story, command: RedriveTask) -> None:
    schema = story.plan.node(command.step).step.input_schema
    if schema is None:
        return
    problems = validator(schema).problems(command.input, root="input")
    if problems:
        raise InputMismatch(
            f"The input does not fit the input_schema of step {command.step!r}. Correct it and redrive again.",
            violations=[Violation(problem.field, problem.description) for problem in problems],
            facts={"step": command.step},
        )
