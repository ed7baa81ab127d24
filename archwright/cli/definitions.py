"""`archwright definitions`: the recipes that workflows follow."""

from __future__ import annotations

from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.exit_codes import ExitCode
from archwright.cli.failures import about, told
from archwright.cli.input_file import read_text
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.errors import Violation

app = typer.Typer(help="Show, check and publish definitions.")

File = Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON; - is standard input.")]


@app.command("list")
@calls
async def list_definitions(client: Client, as_json: AsJson = False) -> None:
    """List the newest version of every definition."""
    found = [definition async for definition in client.definitions.list()]
    if as_json:
        show.json(found)
        return
    rows = [
        (definition.name, definition.version, str(len(definition.steps)), definition.description)
        for definition in found
    ]
    show.table(("NAME", "VERSION", "STEPS", "DESCRIPTION"), rows, empty="No definitions.")


@app.command("get")
@calls
async def get_definition(
    client: Client,
    name: Annotated[str, typer.Argument(help="Its name, or name@version.")],
    as_json: AsJson = False,
) -> None:
    """Print a definition's text as it was published."""
    wanted, _, version = name.partition("@")
    definition = await client.definitions.get(wanted, version)
    if as_json:
        show.json(definition)
        return
    typer.echo(definition.source.rstrip("\n"))


@app.command("validate")
@calls
async def validate_definition(client: Client, file: File, as_json: AsJson = False) -> None:
    """Check a definition without publishing it; each problem is a line `file:line:column: message`."""
    problems = await client.definitions.validate(read_text(file))
    if as_json:
        show.json(problems)
    else:
        for problem in problems:
            typer.echo(told(Violation(problem.path, problem.message, problem.line, problem.column), file))
    if problems:
        raise typer.Exit(ExitCode.USAGE)
    if not as_json:
        typer.echo(f"{file} is good.")


@app.command("publish")
@calls
async def publish_definition(client: Client, file: File, as_json: AsJson = False) -> None:
    """Publish a definition. A published version never changes; publishing the same text again is no error."""
    text = read_text(file)
    with about(file):
        definition = await client.definitions.publish(text)
    if as_json:
        show.json(definition)
        return
    typer.echo(f"{definition.name} {definition.version} is published.")
