"""What is wrong with schedules, asked over gRPC, over REST and at the command line: refused alike, in clear words."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from archwright import Client, stubs
from archwright.channel import open_channel
from archwright.client.schedules import cron
from archwright.engine.v1 import schedules_pb2 as pb
from archwright.errors import ArchwrightError
from archwright.serving.status import from_rpc_error

BUILT_IN = "architecture_creation"
THERE = "already-there"
USAGE, NOT_FOUND, NOT_AUTHORISED = 2, 3, 4
CALL_SECONDS_MAX = 20.0
LIST = "archwright schedules list"

GOOD = {
    "name": "weekly",
    "definition_name": BUILT_IN,
    "input": {"request": "A booking site."},
    "timing": {"cron": "0 6 * * MON", "time_zone": "Europe/Berlin"},
}


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and the refusal that it gets however it comes."""

    says: str
    method: str
    body: dict[str, Any]
    reason: str
    names: tuple[str, ...]
    """What the message must hold: the thing that is wrong, and what to do next."""
    words: tuple[str, ...] = ()
    """The same at the command line; none where its options cannot say it."""
    status: int = 400
    exit_code: int = USAGE
    input: str = "request: A booking site.\n"
    """What stands in `given.yaml`."""
    field: str = ""
    """Of the first violation."""
    refused_by: tuple[str, ...] = ("gRPC", "REST")


def create(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


def timing(**timing: Any) -> dict[str, Any]:
    return create(timing=timing)


def creating(*words: str, name: str = "weekly", definition: str = BUILT_IN) -> tuple[str, ...]:
    return ("create", name, "--definition", definition, "--input", "given.yaml", *words)


INVALID = "REQUEST_INVALID"
NOWHERE = ("SCHEDULE_NOT_FOUND", ("'nowhere'", LIST))
DAILY = ("--cron", "@daily")
CASES = [
    Case(
        "a wrong field of a cron expression is named",
        *("CreateSchedule", timing(cron="61 * * * *"), INVALID, ("'61' as its minute", "0 to 59")),
        creating("--cron", "61 * * * *"),
        field="cron",
    ),
    Case(
        "a cron expression of six fields is told what it takes",
        *("CreateSchedule", timing(cron="0 0 6 * * MON"), INVALID, ("has 6 fields", "use an interval")),
        creating("--cron", "0 0 6 * * MON"),
        field="cron",
    ),
    Case(
        "a date that never comes is told so",
        *("CreateSchedule", timing(cron="0 0 30 2 *"), INVALID, ("'0 0 30 2 *'", "never fires")),
        creating("--cron", "0 0 30 2 *"),
        field="cron",
    ),
    Case(
        "an unknown time zone is told what may be meant",
        *("CreateSchedule", timing(cron="@daily", time_zone="Europe/Berln"), INVALID, ("Berln", "Europe/Berlin")),
        creating(*DAILY, "--time-zone", "Europe/Berln"),
        field="time_zone",
    ),
    Case(
        "an interval has no time zone",
        *(
            "CreateSchedule",
            timing(interval={"every": "60s"}, time_zone="UTC"),
            INVALID,
            ("timing.time_zone", "offset"),
        ),
        creating("--every", "60s", "--time-zone", "UTC"),
        field="timing.time_zone",
    ),
    Case(
        "an interval of nothing is told its limits",
        *("CreateSchedule", timing(interval={"every": "0s"}), INVALID, ("interval.every", "from 1 s to 366 d")),
        field="interval.every",
    ),
    Case(
        "an interval below a second is told so",
        *("CreateSchedule", timing(interval={"every": "0.5s"}), INVALID, ("interval.every", "whole seconds")),
        field="interval.every",
    ),
    Case(
        "an interval of years is told its limits",
        *("CreateSchedule", timing(interval={"every": "315360000000s"}), INVALID, ("interval.every",)),
        creating("--every", "9999999d"),
        field="interval.every",
    ),
    Case(
        "an offset beyond its interval is told so",
        *("CreateSchedule", timing(interval={"every": "60s", "offset": "90s"}), INVALID, ("interval.offset is 90 s",)),
        creating("--every", "60s", "--offset", "90s"),
        field="interval.offset",
    ),
    Case(
        "no timing at all is asked for",
        *("CreateSchedule", create(timing={}), INVALID, ("timing is missing",)),
        field="timing",
    ),
    Case(
        "a name with capitals is told what it takes",
        *("CreateSchedule", create(name="Weekly"), INVALID, ("'Weekly'", "lower-case letters")),
        creating(*DAILY, name="Weekly"),
        field="name",
    ),
    Case(
        "no definition is asked for",
        *("CreateSchedule", create(definition_name=""), INVALID, ("definition_name", "archwright definitions list")),
        field="definition_name",
    ),
    Case(
        "an unknown definition is named",
        *("CreateSchedule", create(definition_name="nothing"), "DEFINITION_NOT_FOUND", ("'nothing'", BUILT_IN)),
        creating(*DAILY, definition="nothing"),
        status=404,
        exit_code=NOT_FOUND,
    ),
    Case(
        "an input that does not fit is told where",
        *("CreateSchedule", create(input={"request": 5}), "INPUT_MISMATCH", ("request", "string")),
        creating(*DAILY),
        input="request: 5\n",
    ),
    Case(
        "a time field that the definition does not take is told",
        *("CreateSchedule", create(time_field="at"), "INPUT_MISMATCH", ("at", BUILT_IN)),
        creating(*DAILY, "--time-field", "at"),
    ),
    Case(
        "an unknown overlap policy is refused",
        *("CreateSchedule", create(overlap=9), INVALID, ("SKIP, QUEUE and CANCEL_PREVIOUS",)),
        refused_by=("gRPC",),
    ),
    Case(
        "a note that is too long is told the limit",
        *("CreateSchedule", create(note="x" * 1001), INVALID, ("1001 characters", "1000")),
        creating(*DAILY, "--note", "x" * 1001),
        field="note",
    ),
    Case(
        "a name that is taken is told the way out",
        *("CreateSchedule", create(name=THERE), "SCHEDULE_NAME_TAKEN", (THERE, "archwright schedules delete")),
        creating(*DAILY, name=THERE),
        status=409,
    ),
    Case(
        "an unknown schedule is named",
        "GetSchedule",
        {"name": "nowhere"},
        *NOWHERE,
        ("show", "nowhere"),
        404,
        NOT_FOUND,
    ),
    Case("none is paused", "PauseSchedule", {"name": "nowhere"}, *NOWHERE, ("pause", "nowhere"), 404, NOT_FOUND),
    Case("none is resumed", "ResumeSchedule", {"name": "nowhere"}, *NOWHERE, ("resume", "nowhere"), 404, NOT_FOUND),
    Case("none is deleted", "DeleteSchedule", {"name": "nowhere"}, *NOWHERE, ("delete", "nowhere"), 404, NOT_FOUND),
    Case("none is foretold", "PreviewSchedule", {"name": "nowhere"}, *NOWHERE, ("preview", "nowhere"), 404, NOT_FOUND),
    Case(
        "none is backfilled",
        "BackfillSchedule",
        {"name": "nowhere", "first_at": "2026-01-01T00:00:00Z", "last_at": "2026-01-02T00:00:00Z"},
        *NOWHERE,
        ("backfill", "nowhere", "--from", "2026-01-01", "--to", "2026-01-02"),
        404,
        NOT_FOUND,
    ),
    Case(
        "a backfill without a beginning is told so",
        *("BackfillSchedule", {"name": THERE, "last_at": "2026-01-02T00:00:00Z"}, INVALID, ("first_at is missing",)),
        field="first_at",
    ),
    Case(
        "a backfill backwards is told so",
        "BackfillSchedule",
        {"name": THERE, "first_at": "2026-01-03T00:00:00Z", "last_at": "2026-01-02T00:00:00Z"},
        *(INVALID, ("lies before", "2026-01-03T00:00:00Z")),
        ("backfill", THERE, "--from", "2026-01-03", "--to", "2026-01-02"),
        field="last_at",
    ),
    Case(
        "a backfill of the future is told so",
        "BackfillSchedule",
        {"name": THERE, "first_at": "2026-01-03T00:00:00Z", "last_at": "2199-01-02T00:00:00Z"},
        *(INVALID, ("in the future",)),
        ("backfill", THERE, "--from", "2026-01-03", "--to", "2199-01-02"),
        field="last_at",
    ),
    Case(
        "a backfill that is too long is told how far it may go",
        "BackfillSchedule",
        {"name": THERE, "first_at": "2000-01-01T00:00:00Z", "last_at": "2026-01-02T00:00:00Z"},
        *(INVALID, ("more than 1000 firings", "Backfill to 2002-09-26T00:00:00Z first")),
        ("backfill", THERE, "--from", "2000-01-01", "--to", "2026-01-02"),
        field="last_at",
    ),
    Case(
        "too many foretold firings are told the limit",
        *("PreviewSchedule", {"name": THERE, "count": 101}, INVALID, ("count is 101", "100")),
        field="count",
    ),
    Case(
        "a moment at the end of all calendars is refused",
        *("PreviewSchedule", {"name": THERE, "after": "9999-12-31T23:00:00Z"}, INVALID, ("after", "9999")),
        ("preview", THERE, "--after", "9999-12-31"),
        field="after",
    ),
    Case(
        "a page of less than nothing is refused",
        *("ListSchedules", {"page_size": -1}, INVALID, ("page_size is -1",)),
        field="page_size",
    ),
]

ONLY_TYPED = [
    (("create", "x", "--definition", BUILT_IN), ("--cron", "--every")),
    (("create", "x", "--definition", BUILT_IN, "--cron", "@daily", "--every", "5m"), ("one of the two",)),
    (("create", "x", "--definition", BUILT_IN, "--every", "soon"), ("'soon'", "15m")),
    (("create", "x", "--definition", BUILT_IN, "--cron", "@daily", "--offset", "5m"), ("--offset goes with --every",)),
    (("backfill", THERE, "--from", "yesterday", "--to", "2026-01-01"), ("'yesterday'", "2026-11-01T06:00:00Z")),
    (("preview",), ("--cron", "--every")),
    (("preview", THERE, "--cron", "@daily"), ("exclude each other",)),
]

PATHS = {
    "CreateSchedule": ("POST", "/api/v1/schedules"),
    "GetSchedule": ("GET", "/api/v1/schedules/{name}"),
    "ListSchedules": ("GET", "/api/v1/schedules?page_size={page_size}"),
    "PauseSchedule": ("POST", "/api/v1/schedules/{name}:pause"),
    "ResumeSchedule": ("POST", "/api/v1/schedules/{name}:resume"),
    "DeleteSchedule": ("DELETE", "/api/v1/schedules/{name}"),
    "BackfillSchedule": ("POST", "/api/v1/schedules/{name}:backfill"),
    "PreviewSchedule": ("POST", "/api/v1/schedules:preview"),
}


@pytest.fixture(scope="module", autouse=True)
async def _schedule_that_is_there(whole_mesh: Any) -> AsyncIterator[None]:
    async with Client.local(whole_mesh.state) as client:
        await client.schedules.create(THERE, BUILT_IN, {"request": "x"}, cron("@daily"), paused=True)
        yield
        await client.schedules.delete(THERE)
        assert [schedule.name async for schedule in client.schedules.list()] == [], "what was refused has left a trace"


def over(way: str) -> list[Any]:
    return [pytest.param(case, id=case.says) for case in CASES if way in case.refused_by]


def assert_told(case: Case, message: str) -> None:
    missing = [words for words in case.names if words not in message]
    assert not missing, message


@pytest.mark.parametrize("case", over("gRPC"))
async def test_over_grpc(case: Case, whole_mesh: Any) -> None:
    request = ParseDict(case.body, getattr(pb, f"{case.method}Request")())
    metadata = (("authorization", f"Bearer {whole_mesh.token('operator')}"),)
    async with open_channel(whole_mesh.record.gateway, ca_file=Path(whole_mesh.record.ca_file)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(stubs.schedules(channel), case.method)(request, timeout=CALL_SECONDS_MAX, metadata=metadata)

    error: ArchwrightError = from_rpc_error(refused.value)
    assert error.reason == case.reason, error.message
    assert_told(case, error.message)
    if case.field:
        assert error.violations[0].field == case.field


@pytest.mark.parametrize("case", over("REST"))
def test_over_rest(case: Case, whole_mesh: Any) -> None:
    verb, path = PATHS[case.method]
    body = {name: value for name, value in case.body.items() if f"{{{name}}}" not in path}
    request = urllib.request.Request(
        whole_mesh.record.gateway + path.format(**case.body),
        method=verb,
        data=json.dumps(body).encode() if verb == "POST" else None,
        headers={"Authorization": f"Bearer {whole_mesh.token('operator')}", "Content-Type": "application/json"},
    )
    trusted = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=CALL_SECONDS_MAX, context=trusted)

    answer = json.loads(refused.value.read())
    refused.value.close()
    assert refused.value.code == case.status, answer
    assert answer["details"][0]["reason"] == case.reason, answer
    assert_told(case, answer["message"])


@pytest.mark.parametrize("case", [pytest.param(case, id=case.says) for case in CASES if case.words])
def test_at_the_command_line(case: Case, whole_mesh: Any, tmp_path: Path) -> None:
    (tmp_path / "given.yaml").write_text(case.input)

    refused = whole_mesh.archwright("schedules", *case.words, folder=tmp_path)

    assert refused.returncode == case.exit_code, refused.stderr
    assert_told(case, refused.stderr)
    assert refused.stderr.startswith("archwright: ")
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(("words", "names"), ONLY_TYPED)
def test_what_only_options_can_say_wrong(
    words: tuple[str, ...], names: tuple[str, ...], whole_mesh: Any, tmp_path: Path
) -> None:
    refused = whole_mesh.archwright("schedules", *words, folder=tmp_path)

    assert refused.returncode == USAGE
    assert [each for each in names if each not in refused.stderr] == [], refused.stderr


def test_a_viewer_may_look_and_not_touch(whole_mesh: Any, tmp_path: Path) -> None:
    viewer = ("--token", whole_mesh.token("viewer"))

    looked = whole_mesh.archwright("schedules", "show", THERE, *viewer, folder=tmp_path)
    touched = whole_mesh.archwright("schedules", "resume", THERE, *viewer, folder=tmp_path)

    assert looked.returncode == 0
    assert touched.returncode == NOT_AUTHORISED


def test_another_tenants_schedule_is_not_there(whole_mesh: Any, tmp_path: Path) -> None:
    other = ("--token", whole_mesh.token("admin", tenant="globex"))

    for words in (("show",), ("pause",), ("delete",)):
        refused = whole_mesh.archwright("schedules", *words, THERE, *other, folder=tmp_path)
        assert refused.returncode == NOT_FOUND
