"""The command `python -m benchmarks`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from benchmarks import mesh as meshes
from benchmarks import throughput as measuring

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.callback()
def benchmarks() -> None:
    """Measure Archwright on this machine."""


@app.command()
def throughput(
    workflows: Annotated[int, typer.Option(min=1, help="How many workflows of eight steps.")] = 4_000,
    concurrent: Annotated[int, typer.Option(min=1, help="How many of them at once.")] = 1_000,
    engines: Annotated[int, typer.Option(min=1)] = 1,
    agents: Annotated[int, typer.Option(min=1)] = 1,
    profiled: Annotated[str, typer.Option("--profile", help="Sample these processes: engine or agent.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Durable steps a second, with many workflows at once."""
    shape = meshes.Shape(engines, agents, settings={"MAX_CONCURRENT_WORKFLOWS": str(max(1_000, 2 * concurrent))})

    async def use(mesh: meshes.Mesh) -> dict[str, Any]:
        return await measuring.measure(mesh, workflows=workflows, concurrent=concurrent, profiled=profiled)

    print(json.dumps(meshes.run(shape, use, _say), indent=None if as_json else 2))


def _say(line: str) -> None:
    print(line, file=sys.stderr)


app()
