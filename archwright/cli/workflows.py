"""`archwright workflows`: what is under way, what happened, and what may be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from archwright.cli import show, steering
from archwright.cli.calling import calls
from archwright.cli.deliverables import fetch, finish, summarise
from archwright.cli.explain import explain_workflow
from archwright.cli.options import AsJson, WorkflowId
from archwright.cli.progress import Progress
from archwright.cli.wording import said_by
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Task, WaitingFor, Workflow
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

app = typer.Typer(help="Start workflows, show, follow and steer them.")

for name, command in {
    "start": steering.start_workflow,
    "pause": steering.pause_workflow,
    "resume": steering.resume_workflow,
    "cancel": steering.cancel_workflow,
    "retry": steering.retry_workflow,
    "rerun": steering.rerun_workflow,
    "signal": steering.signal_workflow,
    "explain": explain_workflow,
}.items():
    app.command(name)(command)

_COUNT_DEFAULT = 50
_STEPS_SHOWN = 20
_STEP_WIDTH_MAX = 40
_AWAITED = {
    "agent": "an agent: task",
    "retry": "a retry: task",
    "time": "a time",
    "bodies": "the steps inside of it",
}


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
    status: Annotated[
        Status | None,
        typer.Option("--status", metavar="STATUS", help=f"Only those that are so: {', '.join(Status)}."),
    ] = None,
    definition: Annotated[str, typer.Option("--definition", help="Only those of this definition.")] = "",
    filtered: Annotated[
        str,
        typer.Option(
            "--filter", metavar="TEXT", help="Only those of which it is true: 'user_id = ann AND status != completed'."
        ),
    ] = "",
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Begin with the oldest.")] = False,
    count: Annotated[int, typer.Option("--count", min=1, help="At most so many.")] = _COUNT_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List workflows, newest first."""
    wanted = Workflow.Status.Value(status.name) if status else Workflow.STATUS_UNSPECIFIED
    order_by = "created_at asc" if oldest_first else ""
    found: list[Workflow] = []
    async for workflow in client.list(status=wanted, definition=definition, filter=filtered, order_by=order_by):
        found.append(workflow)
        if len(found) == count:
            break
    if as_json:
        show.json(found)
        return
    rows = [
        (
            workflow.workflow_id,
            _status(workflow) + (", degraded" if workflow.degraded else ""),
            f"{workflow.definition_name} {workflow.definition_version}",
            show.shortened(workflow.current_step, _STEP_WIDTH_MAX),
            show.when(workflow.created_at),
            show.between(workflow.created_at, workflow.completed_at),
        )
        for workflow in found
    ]
    show.table(("WORKFLOW", "STATUS", "DEFINITION", "STEP", "CREATED", "TOOK"), rows, empty="No workflows.")


@app.command("show")
@calls
async def show_workflow(client: Client, workflow_id: WorkflowId, as_json: AsJson = False) -> None:
    """Show a workflow, with its input and output."""
    await _show(client, workflow_id, as_json)


@app.command("get", hidden=True)
@calls
async def get_workflow(client: Client, workflow_id: WorkflowId, as_json: AsJson = False) -> None:
    """Show a workflow, with its input and output: the same as `show`."""
    await _show(client, workflow_id, as_json)


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
    rows = [
        (str(event.seq), show.when(event.timestamp), event.event_type, _place(event), said.words if said else "")
        for event in events
        for said in [said_by(event)]
    ]
    show.table(("SEQ", "WHEN", "EVENT", "STEP", "IN WORDS"), rows, empty="Nothing has happened after that event.")


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
            task.agent_id or task.queue,
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


async def _show(client: Client, workflow_id: str, as_json: bool) -> None:
    workflow = await client.get(workflow_id)
    if as_json:
        show.json(workflow)
        return
    summarise(workflow, show.console())
    held = f"by {workflow.paused_by} since {show.when(workflow.paused_at)}" if workflow.paused_by else ""
    part_of = f"{workflow.parent_workflow_id}, step {workflow.parent_step}" if workflow.parent_workflow_id else ""
    show.facts(
        (
            ("definition", f"{workflow.definition_name} {workflow.definition_version}"),
            ("paused", held),
            ("part of", part_of),
            ("goes on from", workflow.rerun_of),
            ("waiting", "\n".join(map(_waiting, workflow.waiting_for))),
            ("done", _some(workflow.steps_completed, workflow.steps_completed_count)),
            ("skipped", _some(workflow.steps_skipped)),
            ("failed", _some(workflow.steps_failed)),
            ("retries", str(workflow.retries or "")),
            ("started by", workflow.user_id),
            ("session", workflow.session_id),
            ("created", show.when(workflow.created_at)),
            ("times out", "" if workflow.completed_at.seconds else show.when(workflow.deadline)),
            ("ended", show.when(workflow.completed_at)),
            ("events", str(workflow.last_seq)),
        )
    )


def _place(event: WorkflowEvent) -> str:
    """Return the step that an event is about, or the body."""
    fields = event.payload.fields
    return event.step or (fields["scope"].string_value if "scope" in fields else "")


def _waiting(waiting: WaitingFor) -> str:
    awaited = WaitingFor.Kind.Name(waiting.kind).lower()
    until = f" until {show.when(waiting.until)}" if waiting.until.seconds else ""
    name = f" {waiting.name}" if waiting.name else ""
    return f"{waiting.step} for {_AWAITED.get(awaited, awaited)}{name}{until}"


def _some(steps: Sequence[str], count: int = 0) -> str:
    """Return the newest of some steps, and how many there are besides."""
    more = max(count, len(steps)) - min(len(steps), _STEPS_SHOWN)
    before = f"{more:,} before, " if more > 0 else ""
    return before + ", ".join(steps[-_STEPS_SHOWN:])


def _status(workflow: Workflow) -> str:
    return Workflow.Status.Name(workflow.status).lower()
