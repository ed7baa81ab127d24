"""`archwright schedules`: workflows that start by themselves, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.failures import InFile, about
from archwright.cli.input_file import STANDARD_INPUT, InputFile, read_text
from archwright.cli.lengths import length_of
from archwright.cli.options import AsJson
from archwright.cli.timings import moment_of, timing_of
from archwright.client import Client
from archwright.engine.v1.schedules_pb2 import PreviewScheduleResponse, Schedule, Timing
from archwright.errors import ArchwrightError, RequestInvalid

app = typer.Typer(help="Start workflows at times that are known before.")

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's name.")]
Note = Annotated[str, typer.Option("--note", help="Why, for people.")]
CronOption = Annotated[
    str, typer.Option("--cron", metavar="FIELDS", help="Five fields, such as '0 6 * * MON-FRI', or @daily.")
]
TimeZone = Annotated[
    str,
    typer.Option(
        "--time-zone", metavar="ZONE", help="Whose clock --cron means, such as Europe/Berlin.", show_default="UTC"
    ),
]
Every = Annotated[str, typer.Option("--every", metavar="LENGTH", help="Instead of --cron: 30s, 15m, 8h or 7d.")]
Offset = Annotated[str, typer.Option("--offset", metavar="LENGTH", help="By how much each firing of --every is later.")]


class Overlap(StrEnum):
    """What becomes of a firing while the workflow of the one before is still under way."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel-previous"


@app.command("create")
@calls
async def create_schedule(
    client: Client,
    name: Annotated[str, typer.Argument(metavar="SCHEDULE", help="What to call it.")],
    definition: Annotated[
        str, typer.Option("--definition", help="Whose workflows it starts: name, name@version or name@channel.")
    ],
    cron: CronOption = "",
    time_zone: TimeZone = "",
    every: Every = "",
    offset: Offset = "",
    input_file: Annotated[
        str, typer.Option("--input", metavar="FILE", help="YAML or JSON; - is standard input.", show_default="no input")
    ] = "",
    time_field: Annotated[
        str, typer.Option("--time-field", help="Field of the input that is given each firing's time.")
    ] = "",
    overlap: Annotated[
        Overlap, typer.Option("--overlap", help="What to do when the workflow before is still under way.")
    ] = Overlap.SKIP,
    paused: Annotated[bool, typer.Option("--paused", help="Begin paused.")] = False,
    note: Note = "",
    request_id: Annotated[
        str, typer.Option("--request-id", help="Two calls with the same id make one schedule: safe to repeat.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a schedule.

    \b
    archwright schedules create nightly --definition report --cron '0 2 * * *' --time-zone Europe/Berlin
    archwright schedules create poll --definition poll --every 15m --overlap skip
    """  # noqa: D301 - the character itself is what keeps the lines apart
    wanted, _, version = definition.partition("@")
    timing = timing_of(cron, time_zone, every, offset)
    given, shown = _input(input_file)
    with _placed(given, shown):
        schedule = await client.schedules.create(
            name,
            wanted,
            given.content() if given else {},
            timing,
            version=version,
            time_field=time_field,
            overlap=Schedule.Overlap.Value(overlap.name),
            paused=paused,
            note=note,
            request_id=request_id or None,
        )
    if as_json:
        show.json(schedule)
        return
    typer.echo(f"{schedule.name} {_next(schedule)}")


@app.command("list")
@calls
async def list_schedules(client: Client, as_json: AsJson = False) -> None:
    """List all schedules."""
    found = [schedule async for schedule in client.schedules.list()]
    if as_json:
        show.json(found)
        return
    rows = [
        (
            schedule.name,
            _definition(schedule),
            _when(schedule.timing),
            "paused" if schedule.paused else show.when(schedule.next_fire_at),
            show.when(schedule.last_fire_at),
            schedule.last_problem,
        )
        for schedule in found
    ]
    show.table(("SCHEDULE", "DEFINITION", "WHEN", "NEXT", "LAST", "PROBLEM"), rows, empty="No schedules.")


@app.command("show")
@calls
async def show_schedule(client: Client, name: Name, as_json: AsJson = False) -> None:
    """Show a schedule and its latest workflows."""
    schedule = await client.schedules.get(name)
    if as_json:
        show.json(schedule)
        return
    show.facts(
        (
            ("schedule", schedule.name),
            ("definition", _definition(schedule)),
            ("when", _when(schedule.timing)),
            ("overlap", Schedule.Overlap.Name(schedule.overlap).lower().replace("_", " ")),
            ("time field", schedule.time_field),
            ("status", "paused" if schedule.paused else "active"),
            ("note", schedule.note),
            ("next", show.when(schedule.next_fire_at)),
            ("queued", show.when(schedule.queued_fire_at)),
            ("last", show.when(schedule.last_fire_at)),
            ("problem", schedule.last_problem),
            ("skipped", str(schedule.skipped or "")),
            ("workflows", "\n".join(schedule.workflow_ids)),
            ("created", show.when(schedule.created_at)),
            ("created by", schedule.created_by),
        )
    )


@app.command("pause")
@calls
async def pause_schedule(client: Client, name: Name, note: Note = "", as_json: AsJson = False) -> None:
    """Let its firings pass by; what it has started goes on."""
    schedule = await client.schedules.pause(name, note)
    if as_json:
        show.json(schedule)
        return
    typer.echo(f"{schedule.name} is paused.")


@app.command("resume")
@calls
async def resume_schedule(client: Client, name: Name, note: Note = "", as_json: AsJson = False) -> None:
    """Let a paused schedule go on with its next firing."""
    schedule = await client.schedules.resume(name, note)
    if as_json:
        show.json(schedule)
        return
    typer.echo(f"{schedule.name} {_next(schedule)}")


@app.command("delete")
@calls
async def delete_schedule(client: Client, name: Name) -> None:
    """Delete a schedule; what it has started goes on."""
    await client.schedules.delete(name)
    typer.echo(f"{name} is deleted.")


@app.command("backfill")
@calls
async def backfill_schedule(
    client: Client,
    name: Name,
    first: Annotated[str, typer.Option("--from", metavar="TIME", help="Such as 2026-11-01 or 2026-11-01T06:00:00Z.")],
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="Included.")],
    as_json: AsJson = False,
) -> None:
    """Start the workflows of firings in the past that have none; safe to repeat. A time without a zone is in UTC."""
    firings = await client.schedules.backfill(name, moment_of("--from", first), moment_of("--to", last))
    if as_json:
        show.json(firings)
        return
    rows = [(each.workflow_id, show.when(each.fire_at), "started" if each.anew else "was there") for each in firings]
    show.table(("WORKFLOW", "FIRING", ""), rows, empty="It has no firings between these times.")


@app.command("preview")
@calls
async def preview_schedule(
    client: Client,
    name: Annotated[
        str, typer.Argument(metavar="[SCHEDULE]", help="A schedule's name; or give --cron or --every.")
    ] = "",
    cron: CronOption = "",
    time_zone: TimeZone = "",
    every: Every = "",
    offset: Offset = "",
    after: Annotated[
        str, typer.Option("--after", metavar="TIME", help="Only firings after it.", show_default="now")
    ] = "",
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="How many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Print when a schedule fires next, or when a new one would; in UTC."""
    if name and (cron or every):
        raise RequestInvalid("A schedule's name and --cron or --every exclude each other.")
    of = name or timing_of(cron, time_zone, every, offset)
    fire_times = await client.schedules.preview(of, after=moment_of("--after", after) if after else None, count=count)
    if as_json:
        answer = PreviewScheduleResponse()
        for moment in fire_times:
            answer.fire_times.add().FromDatetime(moment)
        show.json(answer)
        return
    for moment in fire_times:
        typer.echo(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _input(input_file: str) -> tuple[InputFile | None, str]:
    if not input_file:
        return None, ""
    shown = "standard input" if input_file == STANDARD_INPUT else input_file
    with about(shown):
        return InputFile(read_text(input_file)), shown


@contextmanager
def _placed(given: InputFile | None, shown: str) -> Iterator[None]:
    """Have what is wrong with the input told with its place in the file."""
    try:
        yield
    except ArchwrightError as error:
        if given is None or not any(each.field.startswith("input") for each in error.violations):
            raise
        raise InFile(shown, given.placed(error)) from None


def _definition(schedule: Schedule) -> str:
    return f"{schedule.definition_name} {schedule.definition_version}".strip()


def _when(timing: Timing) -> str:
    if timing.WhichOneof("kind") == "cron":
        return f"{timing.cron} {timing.time_zone}"
    every, offset = timing.interval.every.seconds, timing.interval.offset.seconds
    return f"every {length_of(every)}" + (f" + {length_of(offset)}" if offset else "")


def _next(schedule: Schedule) -> str:
    return "is paused." if schedule.paused else f"fires next at {show.when(schedule.next_fire_at)}."
