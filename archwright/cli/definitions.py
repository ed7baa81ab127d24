"""`archwright definitions`: the recipes that workflows follow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from archwright.cli import definition_words as words
from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.exit_codes import ExitCode
from archwright.cli.failures import about, told
from archwright.cli.input_file import STANDARD_INPUT, read_text
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.client.definitions import published
from archwright.client.definitions import text as text_reference
from archwright.engine.v1.definitions_pb2 import DefinitionProblem, DefinitionReference
from archwright.errors import DefinitionInvalid, RequestInvalid, Violation

app = typer.Typer(help="Write, check, publish, compare and retire definitions.")
channel_app = typer.Typer(help="Words such as stable and canary, each pointing at one version.")
app.add_typer(channel_app, name="channel", no_args_is_help=True)

_TEXTS = (".yaml", ".yml", ".json")

File = Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON; - is standard input.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The definition's name.")]
NameAndVersion = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="Its name; a version or channel after the @, or the latest.")
]
_FILE_OR_NAME = "A file, - for standard input, or a published definition: its name, or name@version."
FileOrName = Annotated[str, typer.Argument(metavar="FILE|NAME[@VERSION]", help=_FILE_OR_NAME)]
Note = Annotated[str, typer.Option("--note", help="Why, and what to use instead; for people.")]


@app.command("list")
@calls
async def list_definitions(client: Client, as_json: AsJson = False) -> None:
    """List every definition in its latest version."""
    found = [definition async for definition in client.definitions.list()]
    if as_json:
        show.json(found)
        return
    rows = [
        (definition.name, definition.version, str(len(definition.steps)), definition.description)
        for definition in found
    ]
    show.table(("NAME", "VERSION", "STEPS", "DESCRIPTION"), rows, empty="No definitions.")


@app.command("versions")
@calls
async def list_versions(client: Client, name: Name, as_json: AsJson = False) -> None:
    """List the versions of a definition, the highest first."""
    found = [version async for version in client.definitions.versions(name)]
    if as_json:
        show.json(found)
        return
    rows = [
        (each.version, ", ".join(each.channels), show.when(each.created_at), each.created_by, words.deprecation(each))
        for each in found
    ]
    show.table(("VERSION", "CHANNELS", "PUBLISHED", "BY", "DEPRECATED"), rows, empty="No versions.")


@app.command("get")
@calls
async def get_definition(client: Client, name: NameAndVersion, as_json: AsJson = False) -> None:
    """Print a definition's text as it was published."""
    wanted, version = _split(name)
    definition = await client.definitions.get(wanted, version)
    if as_json:
        show.json(definition)
        return
    typer.echo(definition.source.rstrip("\n"))


@app.command("validate")
@calls
async def validate_definition(client: Client, file: File, as_json: AsJson = False) -> None:
    """Check a definition without publishing it; each problem is a line `file:line:column: message`."""
    found = await client.definitions.validate(read_text(file))
    if as_json:
        show.json(found)
    else:
        for problem in found.problems:
            typer.echo(told(_violation(problem), file))
        _warn(found.warnings, file)
    if not found.valid:
        raise typer.Exit(ExitCode.USAGE)
    if not as_json:
        typer.echo(f"{file} is good.")


@app.command("plan")
@calls
async def plan_definition(client: Client, of: FileOrName, as_json: AsJson = False) -> None:
    """Tell what a workflow would do, which agents would take its steps now, and what is missing.

    Nothing is started. Exits with 2 when something is missing, with 5 when nobody can say.
    """
    reference = _reference(of)
    with about(of):
        plan = await client.definitions.plan(reference)
    if as_json:
        show.json(plan)
    else:
        show.table(words.PLAN_HEADINGS, [words.planned(step) for step in plan.steps], empty="No steps.")
        _warn(plan.warnings, of)
        for step in plan.steps:
            if step.missing:
                typer.echo(f"missing: {step.path}: {step.missing}")
        typer.echo(words.readiness(plan))
    if not plan.complete:
        raise typer.Exit(ExitCode.USAGE if plan.agents_known else ExitCode.NOT_REACHABLE)


@app.command("publish")
@calls
async def publish_definition(
    client: Client,
    file: File,
    channels: Annotated[
        list[str], typer.Option("--channel", metavar="CHANNEL", help="Point this channel at it too; may be repeated.")
    ] = [],  # noqa: B006 - Typer copies it, and takes no tuple for an option that may be repeated
    as_json: AsJson = False,
) -> None:
    """Publish a definition. A published version never changes; publishing the same text again is no error."""
    source = read_text(file)
    with about(file):
        definition = await client.definitions.publish(source, channels=channels)
    if as_json:
        show.json(definition)
        return
    _warn(definition.warnings, file)
    typer.echo(f"{definition.name} {definition.version} is published.")
    for channel in dict.fromkeys(channels):
        typer.echo(f"{definition.name}@{channel} is {definition.version} now.")


@app.command("diff")
@calls
async def diff_definitions(
    client: Client,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help=_FILE_OR_NAME)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help=_FILE_OR_NAME)],
    unified: Annotated[bool, typer.Option("--unified", help="Print how their texts differ, as diff -u does.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell how two definitions differ: step by step, or as text. Workflows that are under way are not affected."""
    references = []
    for each in (before, after):
        reference = _reference(each)
        if reference.source:
            await _require_good(client, reference.source, each)
        references.append(reference)
    found = await client.definitions.diff(*references)
    if as_json:
        show.json(found)
        return
    if found.same:
        typer.echo("They say the same.")
    elif unified:
        typer.echo(found.text or "Their texts are too long and too different to be compared.", nl=not found.text)
    else:
        for change in found.changes:
            typer.echo(words.change(change))


@app.command("deprecate")
@calls
async def deprecate_definition(client: Client, name: NameAndVersion, note: Note = "", as_json: AsJson = False) -> None:
    """Retire a version: `latest` passes it over, and starts that name it are refused."""
    wanted, version = _exact(name)
    found = await client.definitions.deprecate(wanted, version, note)
    if as_json:
        show.json(found)
        return
    typer.echo(f"{found.name} {found.version} is deprecated. Workflows that follow it go on.")


@app.command("restore")
@calls
async def restore_definition(client: Client, name: NameAndVersion, as_json: AsJson = False) -> None:
    """Take a deprecation back."""
    wanted, version = _exact(name)
    found = await client.definitions.restore(wanted, version)
    if as_json:
        show.json(found)
        return
    typer.echo(f"{found.name} {found.version} may be followed again.")


@app.command("draw")
@calls
async def draw_definition(client: Client, of: FileOrName) -> None:
    """Print a definition as a Mermaid flowchart."""
    reference = _reference(of)
    with about(of):
        typer.echo(await client.definitions.draw(reference), nl=False)


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the language, for editors. It needs no mesh."""
    from archwright.language.language_schema import language_schema_text  # noqa: PLC0415 - only this command wants it

    typer.echo(language_schema_text(), nl=False)


@channel_app.command("list")
@calls
async def list_channels(client: Client, name: Name, as_json: AsJson = False) -> None:
    """List the channels of a definition; `latest` follows the highest version by itself."""
    found = await client.definitions.channels(name)
    if as_json:
        show.json(found)
        return
    rows = [(each.channel, each.version, show.when(each.updated_at), each.updated_by) for each in found]
    show.table(("CHANNEL", "VERSION", "SINCE", "BY"), rows, empty="No channels.")


@channel_app.command("set")
@calls
async def set_channel(
    client: Client,
    name: Name,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as stable.")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Such as 1.2.0.")],
    as_json: AsJson = False,
) -> None:
    """Point a channel at a version; the next start by it follows that one."""
    found = await client.definitions.set_channel(name, channel, version)
    if as_json:
        show.json(found)
        return
    typer.echo(f"{found.name}@{found.channel} is {found.version} now.")


@channel_app.command("delete")
@calls
async def delete_channel(
    client: Client, name: Name, channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as canary.")]
) -> None:
    """Delete a channel; the version that it points at stays."""
    await client.definitions.delete_channel(name, channel)
    typer.echo(f"{name}@{channel} is deleted.")


def _reference(of: str) -> DefinitionReference:
    """Return what a person means by a file or a name."""
    if of == STANDARD_INPUT or of.endswith(_TEXTS) or Path(of).is_file():
        source = read_text(of)
        if not source.strip():
            raise RequestInvalid(f"The file {of!r} is empty; a definition has a name and steps.", facts={"file": of})
        return text_reference(source)
    return published(*_split(of))


def _split(name: str) -> tuple[str, str]:
    wanted, _, version = name.partition("@")
    return wanted, version


def _exact(name: str) -> tuple[str, str]:
    wanted, version = _split(name)
    if not version:
        raise RequestInvalid(
            f"Say which version: {wanted}@1.2.0. `archwright definitions versions {wanted}` lists them."
        )
    return wanted, version


async def _require_good(client: Client, source: str, file: str) -> None:
    found = await client.definitions.validate(source)
    if not found.valid:
        with about(file):
            raise DefinitionInvalid(
                "The definition cannot be compared.", violations=[_violation(problem) for problem in found.problems]
            )


def _warn(warnings: Sequence[DefinitionProblem], file: str) -> None:
    for warning in warnings:
        typer.echo(f"{told(_violation(warning), file)} (warning)", err=True)


def _violation(problem: DefinitionProblem) -> Violation:
    return Violation(problem.path, problem.message, problem.line, problem.column)
