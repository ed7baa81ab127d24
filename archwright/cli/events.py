"""`archwright events`: what happens to all workflows, as it happens."""

from __future__ import annotations

from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson
from rich.text import Text

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.engine.v1.events_pb2 import EventsMissed
from archwright.events.catalogue import CATALOGUE, Lane
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

app = typer.Typer(help="Listen to what happens to all workflows.")


@app.command("tail")
@calls
async def tail(
    client: Client,
    types: Annotated[
        list[str], typer.Option("--type", metavar="TYPE", help="Only events of this type; may be said again.")
    ] = [],  # noqa: B006  Typer takes a list, and nobody changes it
    definition: Annotated[str, typer.Option(metavar="NAME", help="Only events of this definition's workflows.")] = "",
    workflow: Annotated[str, typer.Option(metavar="ID", help="Only events of this workflow.")] = "",
    count: Annotated[int, typer.Option(min=0, metavar="N", help="Stop after so many; 0 goes on until Ctrl-C.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Print events as they happen, until Ctrl-C: what happened to which step, without the content."""
    seen = 0
    async for told in client.events.tail(types=types, definition=definition, workflow_id=workflow):
        if isinstance(told, EventsMissed):
            typer.echo(f"Some events are missing here. {told.reason}", err=True)
            continue
        if as_json:
            typer.echo(MessageToJson(told, preserving_proto_field_name=True, indent=None))
        else:
            _tell(told)
        seen += 1
        if seen == count:
            return


@app.command("types")
def list_types() -> None:
    """List the types of events, and what they mean."""
    rows = [
        (known.name, "history, bus" if known.lane is Lane.HISTORY else "watchers only", known.meaning)
        for known in CATALOGUE.values()
    ]
    show.table(("TYPE", "WHERE", "MEANS"), rows, empty="")


def _tell(event: WorkflowEvent) -> None:
    line = Text(show.when(event.timestamp)[11:], style="dim")
    line.append(f"  {event.workflow_id}  ", style="none")
    line.append(f"{event.event_type:<22}", style="bold")
    line.append(f"  {event.step}" if event.step else "", style="none")
    routing = "  ".join(f"{name}={_shown(value)}" for name, value in event.payload.items() if value != "")
    line.append(f"  {routing}" if routing else "", style="dim")
    show.console().print(line, soft_wrap=True)


def _shown(value: object) -> str:
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(value))
