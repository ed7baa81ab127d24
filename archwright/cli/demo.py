"""`archwright demo`: the main job once, on a mesh that is started for it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

import archwright
from archwright.cli import show
from archwright.cli.deliverables import Finished, finish
from archwright.cli.introduction import introduce
from archwright.cli.run import start
from archwright.client import Client
from archwright.errors import RequestInvalid
from archwright.local.mesh import Choices, up
from archwright.local.state import MeshRecord, StateFolder

_DEFINITION = "architecture_creation"
_EXAMPLE = Path("examples/claims-platform.yaml")


def command(
    input_file: Annotated[
        str, typer.Option("--input", metavar="FILE", help="Another request.", show_default=str(_EXAMPLE))
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where the files go.", show_default="deliverables/<id>"),
    ] = None,
    state_folder: Annotated[
        Path | None, typer.Option("--state", metavar="FOLDER", help="Keep the mesh's data here, instead of nowhere.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the mesh up afterwards, until Ctrl-C.")] = False,
) -> None:
    """Start a mesh, carry one architecture request through it, show what came out, and stop."""
    file = input_file or str(_example())
    console = show.console()
    began = time.monotonic()

    async def use(place: StateFolder, record: MeshRecord) -> Finished:
        console.print(f"\nThe mesh is up after {show.duration(time.monotonic() - began)}.\n", style="bold")
        async with Client.local(place.root) as client:
            workflow = await start(client, _DEFINITION, file)
            console.print(f"{workflow.workflow_id} started on {file}", markup=False)
            finished = await finish(client, workflow.workflow_id, out, console)
        console.print()
        if keep:
            finished.tell(console)
            introduce(console, place, record)
            await asyncio.Event().wait()
        return finished

    choices = Choices(state_folder, is_ephemeral=state_folder is None)
    finished = up(choices, lambda line: console.print(f"  {line}", markup=False), use)
    # Last, so that nobody has to look for it above the lines about stopping.
    finished.tell(console)
    raise typer.Exit(finished.exit_code)


def _example() -> Path:
    """Return the example: below the working directory, or else in the source tree that this is installed from."""
    for root in (Path(), Path(archwright.__file__).parents[1]):
        if (root / _EXAMPLE).is_file():
            return root / _EXAMPLE
    raise RequestInvalid(f"There is no file {_EXAMPLE} here. Name a request of your own with --input.")
