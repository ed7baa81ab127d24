"""`archwright workflows`: what is under way, what happened, and calling it off."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.deliverables import fetch, finish, summarise
from archwright.cli.options import AsJson, WorkflowId
from archwright.cli.progress import Progress
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Task, Workflow

app = typer.Typer(help="Show workflows, follow them and call them off.")

_COUNT_DEFAULT = 50


class Status(StrEnum):
    """Where a workflow stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


@app.command("list")
@calls
async def list_workflows(
    client: Client,
    status: Annotated[Status | None, typer.Option("--status", help="Only those that stand so.")] = None,
    definition: Annotated[str, typer.Option("--definition", help="Only those of this definition.")] = "",
    count: Annotated[int, typer.Option("--count", min=1, help="At most so many.")] = _COUNT_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List workflows, newest first."""
    wanted = Workflow.Status.Value(status.name) if status else Workflow.STATUS_UNSPECIFIED
    found: list[Workflow] = []
    async for workflow in client.list(status=wanted, definition=definition):
        found.append(workflow)
        if len(found) == count:
            break
    if as_json:
        show.json(found)
        return
    rows = [
        (
            workflow.workflow_id,
            _status(workflow),
            f"{workflow.definition_name} {workflow.definition_version}",
            workflow.current_step,
            show.when(workflow.created_at),
            show.between(workflow.created_at, workflow.completed_at),
        )
        for workflow in found
    ]
    show.table(("WORKFLOW", "STATUS", "DEFINITION", "STEP", "CREATED", "TOOK"), rows, empty="No workflows.")


@app.command("get")
@calls
async def get_workflow(client: Client, workflow_id: WorkflowId, as_json: AsJson = False) -> None:
    """Show a workflow, with its input and output."""
    workflow = await client.get(workflow_id)
    if as_json:
        show.json(workflow)
        return
    console = show.console()
    summarise(workflow, console)
    show.facts(
        (
            ("definition", f"{workflow.definition_name} {workflow.definition_version}"),
            ("step", workflow.current_step),
            ("done", ", ".join(workflow.steps_completed)),
            ("failed", ", ".join(workflow.steps_failed)),
            ("started by", workflow.user_id),
            ("created", show.when(workflow.created_at)),
            ("ended", show.when(workflow.completed_at)),
            ("events", str(workflow.last_seq)),
        )
    )


@app.command("watch")
@calls
async def watch_workflow(
    client: Client,
    workflow_id: WorkflowId,
    after_seq: Annotated[int, typer.Option("--after-seq", min=0, help="Only what happened after this event.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Fetch its files into this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a workflow to its end; the exit code tells how it ended."""
    if out is not None:
        console = show.console()
        finished = await finish(client, workflow_id, out, console)
        finished.tell(console)
        raise typer.Exit(finished.exit_code)
    updates = client.watch(workflow_id, after_seq)
    if as_json:
        async for update in updates:
            typer.echo(MessageToJson(update, preserving_proto_field_name=True, indent=None))
    else:
        await Progress(show.console()).follow(updates)
    workflow = await client.get(workflow_id)
    raise typer.Exit(0 if workflow.status == Workflow.COMPLETED else 1)


@app.command("history")
@calls
async def show_history(
    client: Client,
    workflow_id: WorkflowId,
    after_seq: Annotated[int, typer.Option("--after-seq", min=0, help="Only events after this one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List what happened to a workflow, oldest first."""
    events = [event async for event in client.history(workflow_id, after_seq)]
    if as_json:
        show.json(events)
        return
    rows = [(str(event.seq), show.when(event.timestamp), event.event_type, event.step) for event in events]
    show.table(("SEQ", "WHEN", "EVENT", "STEP"), rows, empty="Nothing has happened after that event.")


@app.command("tasks")
@calls
async def list_tasks(client: Client, workflow_id: WorkflowId, as_json: AsJson = False) -> None:
    """List the tasks of a workflow in the order they were made."""
    tasks = await client.tasks(workflow_id)
    if as_json:
        show.json(tasks)
        return
    rows = [
        (
            task.task_id,
            task.step_id,
            Task.Status.Name(task.status).lower(),
            task.agent_id or task.agent_type,
            str(task.attempt),
            show.between(task.created_at, task.completed_at),
        )
        for task in tasks
    ]
    show.table(("TASK", "STEP", "STATUS", "AGENT", "ATTEMPT", "TOOK"), rows, empty="No tasks yet.")


@app.command("artifacts")
@calls
async def list_artifacts(
    client: Client,
    workflow_id: WorkflowId,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Fetch them into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the files that a workflow made, or fetch them."""
    if out is not None:
        for place in await fetch(client, workflow_id, out):
            typer.echo(place)
        return
    artifacts = await client.artifacts(workflow_id)
    if as_json:
        show.json(artifacts)
        return
    rows = [(artifact.name, f"{artifact.size_bytes:,}", artifact.media_type) for artifact in artifacts]
    show.table(("NAME", "BYTES", "TYPE"), rows, empty="No files yet.")


@app.command("cancel")
@calls
async def cancel_workflow(
    client: Client,
    workflow_id: WorkflowId,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")] = "",
    as_json: AsJson = False,
) -> None:
    """Call a workflow off: its open tasks are taken from their agents."""
    workflow = await client.cancel(workflow_id, reason)
    if as_json:
        show.json(workflow)
        return
    typer.echo(f"{workflow.workflow_id} {_status(workflow)}")


def _status(workflow: Workflow) -> str:
    return Workflow.Status.Name(workflow.status).lower()
