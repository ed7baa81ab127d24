"""A finished workflow in a folder: every file that it made, and a few lines that say what came out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rich.console import Console

from archwright.cli.exit_codes import ExitCode
from archwright.cli.progress import Progress
from archwright.cli.show import between
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import RequestInvalid
from archwright.payloads import Json, from_struct

DEFAULT_FOLDER = Path("deliverables")


@dataclass(frozen=True, slots=True)
class Finished:
    """A workflow that has ended, and where its files are."""

    workflow: Workflow
    folder: Path
    files: tuple[Path, ...]

    @property
    def exit_code(self) -> ExitCode:
        """How the command shall end."""
        return ExitCode.OK if self.workflow.status == Workflow.COMPLETED else ExitCode.FAILED

    def tell(self, console: Console) -> None:
        """Print what came out; the last line names the folder."""
        console.print()
        summarise(self.workflow, console)
        if self.files:
            console.print(f"Deliverables: {self.folder}", markup=False)


async def finish(client: Client, workflow_id: str, out: Path | None, console: Console) -> Finished:
    """Follow the workflow to its end, printing its progress, and fetch its files."""
    await Progress(console).follow(client.watch(workflow_id))
    folder = out or DEFAULT_FOLDER / workflow_id
    files = await fetch(client, workflow_id, folder)
    return Finished(await client.get(workflow_id), folder, tuple(files))


async def fetch(client: Client, workflow_id: str, folder: Path) -> list[Path]:
    """Write every file of the workflow below the folder and return where they are."""
    written = []
    for artifact in await client.artifacts(workflow_id):
        place = folder / safe_path(artifact.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(await client.download(workflow_id, artifact.name))
        written.append(place)
    return written


def safe_path(name: str) -> PurePosixPath:
    """Return the artifact's name as a path that stays below its folder; agents choose these names."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise RequestInvalid(f"The artifact {name!r} is not written: its name leads out of the folder.")
    return path


def summarise(workflow: Workflow, console: Console) -> None:
    """Print how the workflow ended and what its output says."""
    status = Workflow.Status.Name(workflow.status).lower()
    took = between(workflow.started_at, workflow.completed_at)
    console.print(f"{workflow.workflow_id} {status}" + (f" in {took}" if took else ""), markup=False, style="bold")
    if workflow.error_details:
        console.print(workflow.error_details, markup=False, style="red")
    if workflow.degraded:
        without = f": {', '.join(workflow.missing)}" if workflow.missing else "; its history says what"
        console.print(f"Part of the result is missing{without}", markup=False, style="yellow")
    if workflow.HasField("output"):
        for line in _told(from_struct(workflow.output)):
            console.print(line, markup=False)


def _told(output: Json) -> list[str]:
    """Return the lines that an output has for people under `summary`; without them, all of it."""
    if isinstance(output, dict) and isinstance(lines := output.get("summary"), list):
        return outline([str(line) for line in lines])
    return outline(output)


def outline(value: Json, indent: int = 1) -> list[str]:
    """Return a JSON value as indented lines, a name and a value each."""
    blank = "  " * indent
    match value:
        case dict():
            fields = sorted(value.items(), key=_simple_first)
            return [line for name, inner in fields for line in _named(str(name), inner, indent)]
        case list():
            return [line for inner in value for line in _named("-", inner, indent)]
        case _:
            return [f"{blank}{value}"]


def _simple_first(field: tuple[str, Json]) -> tuple[bool, str]:
    # The wire does not keep the order of an object's fields.
    name, value = field
    return isinstance(value, dict | list), name


def _named(name: str, value: Json, indent: int) -> list[str]:
    blank = "  " * indent
    title = name.replace("_", " ")
    if isinstance(value, dict | list):
        return [f"{blank}{title}", *outline(value, indent + 1)] if value else []
    return [f"{blank}{title}: {value}" if name != "-" else f"{blank}- {value}"]
