"""`archwright artifacts`: the files that a workflow made, and their versions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.deliverables import safe_path
from archwright.cli.options import AsJson, WorkflowId
from archwright.client import Client
from archwright.errors import RequestInvalid

app = typer.Typer(help="List and fetch the files that workflows made.")


@app.command("list")
@calls
async def list_artifacts(
    client: Client,
    workflow_id: WorkflowId,
    versions: Annotated[bool, typer.Option("--versions", help="Show all versions, the newest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the files of a workflow, by name."""
    found = await client.artifacts(workflow_id, versions=versions)
    if as_json:
        show.json(found)
        return
    rows = [
        (each.name, str(each.version), f"{each.size_bytes:,}", each.media_type, show.when(each.created_at))
        for each in found
    ]
    show.table(("NAME", "VERSION", "BYTES", "TYPE", "MADE"), rows, empty="No files yet.")


@app.command("get")
@calls
async def get_artifact(
    client: Client,
    workflow_id: WorkflowId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `archwright artifacts list` shows it.")],
    version: Annotated[int, typer.Option("--version", min=0, help="Which version; 0 is the newest.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - is standard output."),
    ] = None,
) -> None:
    """Fetch a file of a workflow, into this folder under the last part of its name unless `--output` says otherwise."""
    place = output or Path(safe_path(name).name)
    content = await client.download(workflow_id, name, version=version)
    if str(place) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        place.write_bytes(content)
    except OSError as error:
        raise RequestInvalid(
            f"{str(place)!r} cannot be written: {error.strerror}. Name another with --output."
        ) from None
    typer.echo(place)
