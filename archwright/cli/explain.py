"""`archwright workflows explain`: why each unfinished step is not done, and who or what it waits for."""

from __future__ import annotations

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.options import AsJson, WorkflowId
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import StepExplanation, Workflow


@calls
async def explain_workflow(client: Client, workflow_id: WorkflowId, as_json: AsJson = False) -> None:
    """Say why each unfinished step of a workflow is not done."""
    explained = await client.explain(workflow_id)
    if as_json:
        show.json(explained)
        return
    status = Workflow.Status.Name(explained.status).lower()
    typer.echo(f"{workflow_id} {status}. {explained.summary}")
    rows = [(step.step, _reason(step), show.when(step.until), step.message) for step in explained.steps]
    show.table(("STEP", "WHY", "UNTIL", "IN WORDS"), rows, empty="No step is unfinished.")


def _reason(step: StepExplanation) -> str:
    return StepExplanation.Reason.Name(step.reason).lower().replace("_", " ")
