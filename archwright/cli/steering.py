"""The commands of `archwright workflows` that do something: start, pause, resume, cancel, retry, rerun and signal."""

from __future__ import annotations

from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.failures import InFile, about
from archwright.cli.input_file import STANDARD_INPUT, InputFile, read_text
from archwright.cli.options import AsJson, WorkflowId
from archwright.cli.run import DefinitionName, Input, start
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import ArchwrightError

RequestId = Annotated[
    str, typer.Option("--request-id", help="With the same id again nothing more is done: safe to repeat.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the history.")]


@calls
async def start_workflow(
    client: Client,
    definition: DefinitionName,
    input_file: Input = "",
    session: Annotated[str, typer.Option("--session", help="What you group your workflows by.")] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Start a workflow, and print its id.

    `archwright run` does the same, and can follow it to its files.
    """
    workflow = await start(client, definition, input_file, request_id, session)
    if as_json:
        show.json(workflow)
    else:
        typer.echo(workflow.workflow_id)


@calls
async def pause_workflow(
    client: Client, workflow_id: WorkflowId, reason: Reason = "", request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Begin nothing new; what agents work on may end. Its time stands still."""
    _tell(await client.pause(workflow_id, reason, request_id=request_id or None), as_json)


@calls
async def resume_workflow(
    client: Client, workflow_id: WorkflowId, request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Let a paused workflow go on."""
    _tell(await client.resume(workflow_id, request_id=request_id or None), as_json)


@calls
async def cancel_workflow(
    client: Client, workflow_id: WorkflowId, reason: Reason = "", request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Call a workflow off: its open tasks are taken from their agents."""
    _tell(await client.cancel(workflow_id, reason, request_id=request_id or None), as_json)


@calls
async def retry_workflow(
    client: Client, workflow_id: WorkflowId, request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Let a failed workflow go on from what failed, with all that was done."""
    _tell(await client.retry(workflow_id, request_id=request_id or None), as_json)


@calls
async def rerun_workflow(
    client: Client,
    workflow_id: WorkflowId,
    from_step: Annotated[str, typer.Option("--from", metavar="STEP", help="The first step to do anew.")],
    input_file: Annotated[
        str,
        typer.Option("--input", metavar="FILE", help="Another input: YAML or JSON.", show_default="that of before"),
    ] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Start a new workflow from a step of this one; all that is not downstream of it is taken over.

    Prints the new workflow's id.
    """
    given, shown = _file(input_file)
    try:
        content = given.content() if given else None
        workflow = await client.rerun(workflow_id, from_step, content, request_id=request_id or None)
    except ArchwrightError as error:
        if given is None or not any(each.field.startswith("input") for each in error.violations):
            raise
        raise InFile(shown, given.placed(error)) from None
    if as_json:
        show.json(workflow)
    else:
        typer.echo(workflow.workflow_id)


@calls
async def signal_workflow(
    client: Client,
    workflow_id: WorkflowId,
    name: Annotated[str, typer.Argument(metavar="SIGNAL", help="The signal's name.")],
    payload_file: Annotated[
        str, typer.Option("--payload", metavar="FILE", help="What to tell: YAML or JSON.", show_default="nothing")
    ] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Tell a workflow a word that one of its steps waits for, or will."""
    given, shown = _file(payload_file)
    with about(shown):
        payload = given.content() if given else None
    _tell(await client.signal(workflow_id, name, payload, request_id=request_id or None), as_json)


def _tell(workflow: Workflow, as_json: bool) -> None:
    if as_json:
        show.json(workflow)
    else:
        typer.echo(f"{workflow.workflow_id} {Workflow.Status.Name(workflow.status).lower()}")


def _file(file: str) -> tuple[InputFile | None, str]:
    if not file:
        return None, ""
    shown = "standard input" if file == STANDARD_INPUT else file
    with about(shown):
        return InputFile(read_text(file)), shown
