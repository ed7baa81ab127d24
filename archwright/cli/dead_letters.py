"""`archwright dead-letters`: what is out of retries, and what is done about it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.deliverables import outline
from archwright.cli.editor import edited
from archwright.cli.failures import InFile, about
from archwright.cli.input_file import InputFile, read_text
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.client.dead_letters import WAITING
from archwright.engine.v1.dead_letters_pb2 import (
    DeadLetter,
    DeadLetterOutcome,
    DiscardDeadLettersResponse,
    RedriveDeadLettersResponse,
)
from archwright.errors import InputMismatch, RequestInvalid
from archwright.payloads import from_struct
from archwright.problem.v1.reason_pb2 import ErrorCategory

app = typer.Typer(help="Show what is out of retries, and redrive or discard it.")

LetterId = Annotated[str, typer.Argument(metavar="LETTER", help="The dead letter's id, letter_…")]
SomeLetter = Annotated[str, typer.Argument(metavar="[LETTER]", help="The dead letter's id, letter_…", show_default="")]
Filter = Annotated[
    str,
    typer.Option(
        "--filter",
        help="Comparisons joined by AND, of kind, state, workflow_id, definition_name, agent_type, category, code, "
        "created_at.",
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="All that wait, at most 1,000 at a time.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")]
RequestId = Annotated[
    str, typer.Option("--request-id", help="With the same id again nothing more is done: safe to repeat.")
]


@app.command("list")
@calls
async def list_dead_letters(
    client: Client,
    filter_: Filter = "",
    all_: Annotated[bool, typer.Option("--all", help="Also those that were redriven or discarded.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the dead letters that wait, newest first."""
    found = [letter async for letter in client.dead_letters.list(filter_ if all_ else _of_waiting(filter_))]
    if as_json:
        show.json(found)
        return
    rows = [
        (
            letter.letter_id,
            _state(letter),
            letter.definition_name,
            letter.group or letter.step,
            letter.code,
            str(letter.attempts_made),
            show.when(letter.created_at),
        )
        for letter in found
    ]
    headings = ("LETTER", "STATE", "DEFINITION", "STEP OR GROUP", "CODE", "TRIED", "SINCE")
    show.table(headings, rows, empty="Nothing waits for anybody." if not all_ else "There are no dead letters.")


@app.command("show")
@calls
async def show_dead_letter(client: Client, letter_id: LetterId, as_json: AsJson = False) -> None:
    """Show a dead letter: what went wrong, at every attempt, and what was given."""
    letter = await client.dead_letters.get(letter_id)
    if as_json:
        show.json(letter)
        return
    show.facts(
        (
            ("dead letter", letter.letter_id),
            ("state", _state(letter)),
            ("workflow", letter.workflow_id),
            ("definition", f"{letter.definition_name} {letter.definition_version}"),
            ("step", letter.step),
            ("task", letter.task_id),
            ("event", letter.event_id),
            ("group", letter.group),
            ("for", letter.agent_type),
            ("failed", f"{_category(letter.category)} {letter.code}".strip()),
            ("message", letter.message),
            ("tried", str(letter.attempts_made)),
            ("attempts", "\n".join(_attempts(letter))),
            ("since", show.when(letter.created_at)),
            ("ended", show.when(letter.ended_at)),
            ("ended by", letter.ended_by),
            ("reason", letter.discard_reason),
        )
    )
    console = show.console()
    for line in outline(from_struct(letter.input)):
        console.print(line, markup=False)


@app.command("redrive")
@calls
async def redrive(
    client: Client,
    letter_id: SomeLetter = "",
    filter_: Filter = "",
    all_: All = False,
    edit: Annotated[bool, typer.Option("--edit", help="Change the task's input in $EDITOR before.")] = False,
    input_: Annotated[
        str,
        typer.Option("--input", metavar="FILE", help="What the task is given from now on: YAML or JSON, - for stdin."),
    ] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Try again what one dead letter is of, or all that a filter names."""
    if _is_one(letter_id, filter_, all_, dry_run):
        if edit and input_:
            raise RequestInvalid("Give --edit or --input, not both.")
        text = await _edited(client, letter_id) if edit else read_text(input_) if input_ else ""
        _tell(await _redriven(client, letter_id, text, input_ or "the edited input", request_id), as_json)
        return
    if edit or input_:
        raise RequestInvalid("--edit and --input are for one dead letter: name it by its id.")
    wanted = _of_waiting(filter_)
    _tell_each(
        await client.dead_letters.redrive_many(wanted, dry_run=dry_run, request_id=request_id or None),
        "redriven",
        as_json,
    )


@app.command("discard")
@calls
async def discard(
    client: Client,
    letter_id: SomeLetter = "",
    filter_: Filter = "",
    all_: All = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever looks later.")] = "",
    dry_run: DryRun = False,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Mark one dead letter, or all that a filter names, as ones that nobody waits for."""
    if _is_one(letter_id, filter_, all_, dry_run):
        _tell(await client.dead_letters.discard(letter_id, reason, request_id=request_id or None), as_json)
        return
    wanted = _of_waiting(filter_)
    _tell_each(
        await client.dead_letters.discard_many(wanted, reason, dry_run=dry_run, request_id=request_id or None),
        "discarded",
        as_json,
    )


def _is_one(letter_id: str, filter_: str, all_: bool, dry_run: bool) -> bool:
    """Return whether one dead letter is meant. Raises RequestInvalid where it is not clear which are."""
    if letter_id and (filter_ or all_):
        raise RequestInvalid("Give the id of one dead letter, or --filter or --all, not both.")
    if letter_id and dry_run:
        raise RequestInvalid("--dry-run is for --filter and --all; `archwright dead-letters show` shows one.")
    if not (letter_id or filter_ or all_):
        raise RequestInvalid("Which? Give the id of a dead letter, --filter, or --all.")
    return bool(letter_id)


def _of_waiting(filter_: str) -> str:
    return filter_ if "state" in filter_ else f"{filter_} AND {WAITING}" if filter_ else WAITING


async def _edited(client: Client, letter_id: str) -> str:
    """Return what a person makes of the input of a dead letter. Raises RequestInvalid where they leave it as it is."""
    before = json.dumps(from_struct((await client.dead_letters.get(letter_id)).input), indent=2, ensure_ascii=False)
    after = edited(f"{before}\n", suffix=".json")
    if after.strip() == before:
        raise RequestInvalid(
            "The input was not changed, and nothing was done. Leave out --edit to redrive it as it is."
        )
    return after


async def _redriven(client: Client, letter_id: str, text: str, file: str, request_id: str) -> DeadLetter:
    if not text:
        return await client.dead_letters.redrive(letter_id, request_id=request_id or None)
    with about(file):
        given = InputFile(text)
        content = given.content()
    try:
        return await client.dead_letters.redrive(letter_id, content, request_id=request_id or None)
    except InputMismatch as error:
        raise InFile(file, given.placed(error)) from None


def _tell(letter: DeadLetter, as_json: bool) -> None:
    if as_json:
        show.json(letter)
        return
    typer.echo(f"{letter.letter_id} {_state(letter)}")


def _tell_each(answer: RedriveDeadLettersResponse | DiscardDeadLettersResponse, done: str, as_json: bool) -> None:
    if as_json:
        show.json(answer)
        return
    words = {DeadLetterOutcome.DONE: done, DeadLetterOutcome.WOULD_BE_DONE: f"would be {done}"}
    for outcome in answer.outcomes:
        typer.echo(f"{outcome.letter_id} {words.get(outcome.result) or 'refused: ' + outcome.message}")
    refused = sum(outcome.result == DeadLetterOutcome.REFUSED for outcome in answer.outcomes)
    would = any(outcome.result == DeadLetterOutcome.WOULD_BE_DONE for outcome in answer.outcomes)
    told = f"{len(answer.outcomes) - refused} {'would be ' if would else ''}{done}"
    typer.echo(told + (f", {refused} refused" if refused else "") + (f", {answer.left} left" if answer.left else ""))


def _attempts(letter: DeadLetter) -> list[str]:
    return [
        f"{each.attempt} {show.when(each.failed_at)} {each.agent_id or 'nobody'}: "
        f"{f'{_category(each.category)} {each.code} ' if each.code else ''}{each.message}"
        for each in letter.attempts
    ]


def _state(letter: DeadLetter) -> str:
    return DeadLetter.State.Name(letter.state).lower()


def _category(category: ErrorCategory.ValueType) -> str:
    return ErrorCategory.Name(category).lower() if category else ""
