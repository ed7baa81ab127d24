"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archwright.cli.printable import printable

_WIDTH_FOR_PROGRAMS = 500


def console() -> Console:
    """Return where people read: as wide as their terminal, or as wide as it takes where a program reads."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_FOR_PROGRAMS)


def json(value: Message | Sequence[Message] | Mapping[str, Sequence[Message | Mapping[str, object]]]) -> None:
    """Print messages as the REST interface gives them, and what is none as it is."""
    plain: object
    match value:
        case Message():
            plain = _plain(value)
        case Mapping():
            plain = {name: [_plain(message) for message in messages] for name, messages in value.items()}
        case _:
            plain = [_plain(message) for message in value]
    sys.stdout.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows under headings, or the sentence `empty` when there are none."""
    if not rows:
        console().print(empty)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column, heading in enumerate(headings):
        # The first column is what the next command is given, so it is never cut short.
        whole = max(len(row[column]) for row in rows) if column == 0 else None
        shown.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=whole)
    for row in rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    console().print(shown)


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values beneath each other, leaving out what is empty."""
    shown = Table.grid(padding=(0, 2))
    for name, value in rows:
        if value:
            shown.add_row(Text(name, style="dim"), Text(printable(value)))
    console().print(shown)


def when(moment: Timestamp) -> str:
    """Return a moment in the time of this machine, empty when it has not come."""
    if not moment.seconds:
        return ""
    return moment.ToDatetime(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def between(start: Timestamp, end: Timestamp) -> str:
    """Return how long it took, empty when it has not ended."""
    return duration((seconds(end) - seconds(start)).total_seconds()) if start.seconds and end.seconds else ""


def seconds(moment: Timestamp) -> datetime:
    """Return the moment as a datetime in UTC."""
    return moment.ToDatetime(tzinfo=UTC)


def duration(length_seconds: float) -> str:
    """Return a length of time as people say it: 0.4 s, 2 min 05 s, 1 h 02 min."""
    if length_seconds < 60:
        return f"{length_seconds:.1f} s"
    minutes, rest = divmod(round(length_seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def shortened(path: str, width_max: int) -> str:
    """Return a step's path, without its beginning where it is longer than there is room for: its name comes last."""
    return path if len(path) <= width_max else "…" + path[1 - width_max :]


def _plain(message: Message | Mapping[str, object]) -> object:
    if not isinstance(message, Message):
        return message
    told = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return _whole(told)


def _whole(value: object) -> object:
    """Return the value with 3 for 3.0: in a Struct every number is a float."""
    match value:
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
