"""Explains why the unfinished steps of a workflow are not done."""

from __future__ import annotations

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.serving.calls import Call
from services.engine.api.reading import Reading
from services.engine.api.requests import key_of
from services.engine.api.views import set_time, status_number
from services.engine.domain.explaining import Explained, explain, waits_for_quota
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.standings import Standings


class Explanations:
    """Answers callers who ask why."""

    def __init__(self, reading: Reading, standings: Standings, *, workflows_max: int) -> None:
        self._reading = reading
        self._standings = standings
        self._workflows_max = workflows_max

    async def explain_workflow(self, request: pb.ExplainWorkflowRequest, call: Call) -> pb.ExplainWorkflowResponse:
        """Tell of each unfinished step why it is not done."""
        key = key_of(request.workflow_id, call)
        summary = await self._reading.summary(key)
        workflow = summary.workflow
        standings = await self._standings.of(key)
        steps = explain(summary.plan, workflow, standings, workflows_max=self._workflows_max)
        return pb.ExplainWorkflowResponse(
            status=status_number(workflow.status),
            summary=_summary(workflow, self._workflows_max),
            steps=map(_step, steps),
        )


def _step(explained: Explained) -> pb.StepExplanation:
    step = pb.StepExplanation(
        step=explained.step,
        reason=pb.StepExplanation.Reason.Value(explained.reason.name),
        message=explained.message,
        waits_for=explained.waits_for,
        task_id=explained.task_id,
    )
    set_time(step.until, explained.until)
    return step


def _summary(workflow: Workflow, workflows_max: int) -> str:
    done = f"{_steps(workflow.completed)} done"
    match workflow.status:
        case WorkflowStatus.PENDING:
            return f"It {waits_for_quota(workflows_max)}."
        case WorkflowStatus.PAUSED:
            return f"{workflow.paused_by} has paused it; {done}. `archwright workflows resume` lets it go on."
        case WorkflowStatus.RUNNING if workflow.compensating is not None:
            return f"It has failed, and undoes what it did first: {workflow.compensating.failure.message}"
        case WorkflowStatus.RUNNING:
            return f"It is under way: {done}, {_steps(len(workflow.open))} open."
        case WorkflowStatus.FAILED if workflow.compensated:
            told = _sentence(workflow.error)
            return f"It has failed, and what it did was undone. {told} `archwright workflows rerun` begins anew."
        case WorkflowStatus.FAILED:
            return f"It has failed. {_sentence(workflow.error)} `archwright workflows retry` goes on from there."
        case WorkflowStatus.CANCELLED:
            return "It was cancelled."
        case WorkflowStatus.COMPLETED:
            return "It is completed" + (", and part of its result is missing." if workflow.degraded else ".")


def _sentence(told: str) -> str:
    """Return what somebody else said so that more can follow."""
    return told if told.endswith((".", "!", "?")) else f"{told}."


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count:,} steps"
