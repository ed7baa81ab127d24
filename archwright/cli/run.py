"""`archwright run`: starts a workflow, and on demand follows it to its deliverables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.deliverables import finish
from archwright.cli.failures import InFile, about
from archwright.cli.input_file import STANDARD_INPUT, InputFile, read_text
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import ArchwrightError

DefinitionName = Annotated[
    str, typer.Argument(metavar="DEFINITION", help="Its name; a version or channel after an @, or the latest.")
]
Input = Annotated[
    str, typer.Option("--input", metavar="FILE", help="YAML or JSON; - is standard input.", show_default="no input")
]


@calls
async def command(
    client: Client,
    definition: DefinitionName,
    input_file: Input = "",
    watch: Annotated[bool, typer.Option("--watch", help="Follow it, then fetch its files.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where its files go.", show_default="deliverables/<id>"),
    ] = None,
    request_id: Annotated[
        str, typer.Option("--request-id", help="Two starts with the same id are one workflow: safe to repeat.")
    ] = "",
) -> None:
    """Start a workflow.

    Without --watch it prints the workflow's id and ends. With it, the last line names the folder with the files.

    \b
    archwright run architecture_creation --input examples/claims-platform.yaml --watch
    echo '{"request": "A booking site for a museum"}' | archwright run architecture_creation --input -
    """  # noqa: D301 - the character itself is what keeps the lines apart
    workflow = await start(client, definition, input_file, request_id)
    if not watch:
        typer.echo(workflow.workflow_id)
        return
    console = show.console()
    console.print(f"{workflow.workflow_id} started: {workflow.definition_name} {workflow.definition_version}")
    finished = await finish(client, workflow.workflow_id, out, console)
    finished.tell(console)
    raise typer.Exit(finished.exit_code)


async def start(
    client: Client, definition: str, input_file: str, request_id: str = "", session_id: str = ""
) -> Workflow:
    """Start the workflow; errors about its input name the file, the line and the column."""
    name, _, version = definition.partition("@")
    if not input_file:
        return await client.start(name, {}, version=version, request_id=request_id or None, session_id=session_id)
    shown = "standard input" if input_file == STANDARD_INPUT else input_file
    with about(shown):
        given = InputFile(read_text(input_file))
        content = given.content()
    try:
        return await client.start(name, content, version=version, request_id=request_id or None, session_id=session_id)
    except ArchwrightError as error:
        if not error.violations:
            raise
        raise InFile(shown, given.placed(error)) from None
