"""Schedules: made, paused, made up for, and foretold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.engine.v1.schedules_pb2 import (
    BackfillScheduleRequest,
    CreateScheduleRequest,
    DeleteScheduleRequest,
    Firing,
    GetScheduleRequest,
    ListSchedulesRequest,
    PauseScheduleRequest,
    PreviewScheduleRequest,
    ResumeScheduleRequest,
    Schedule,
    Timing,
)
from archwright.payloads import Json, to_struct

PAGE_SIZE = 200
BACKFILL_SECONDS_MAX = 55.0


def cron(expression: str, time_zone: str = "") -> Timing:
    """Return the timing of a cron expression, read on the clock of a time zone; UTC by default."""
    return Timing(cron=expression, time_zone=time_zone)


def every(seconds: int, *, offset_seconds: int = 0) -> Timing:
    """Return the timing of an interval, counted from the beginning of 1970 in UTC and shifted by the offset."""
    timing = Timing()
    timing.interval.every.seconds = seconds
    timing.interval.offset.seconds = offset_seconds
    return timing


class Schedules:
    """The schedules of a mesh."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.schedules(connection.channel)

    async def create(
        self,
        name: str,
        definition: str,
        input: Mapping[str, Json],  # noqa: A002 - the word of the contract
        timing: Timing,
        *,
        version: str = "",
        time_field: str = "",
        overlap: Schedule.Overlap.ValueType = Schedule.SKIP,
        paused: bool = False,
        note: str = "",
        request_id: str | None = None,
    ) -> Schedule:
        """Make a schedule that starts workflows of a definition; see `cron` and `every` for its timing.

        `time_field` names the field of the input that is given each firing's time.
        """
        request = CreateScheduleRequest(
            name=name,
            definition_name=definition,
            definition_version=version,
            input=to_struct(dict(input), root="input"),
            time_field=time_field,
            timing=timing,
            overlap=overlap,
            paused=paused,
            note=note,
            request_id=request_id or _new_request_id(),
        )
        return await self._connection.unary(self._stub.CreateSchedule, request)

    async def get(self, name: str) -> Schedule:
        """Return the schedule."""
        return await self._connection.unary(self._stub.GetSchedule, GetScheduleRequest(name=name))

    async def list(self) -> AsyncIterator[Schedule]:
        """Yield every schedule by name, without its input."""

        async def page(token: str) -> tuple[Sequence[Schedule], str]:
            request = ListSchedulesRequest(page_size=PAGE_SIZE, page_token=token)
            answer = await self._connection.unary(self._stub.ListSchedules, request)
            return answer.schedules, answer.next_page_token

        async for schedule in walk(page):
            yield schedule

    async def pause(self, name: str, note: str = "") -> Schedule:
        """Let firings pass by; workflows that were started go on."""
        request = PauseScheduleRequest(name=name, note=note, request_id=_new_request_id())
        return await self._connection.unary(self._stub.PauseSchedule, request)

    async def resume(self, name: str, note: str = "") -> Schedule:
        """Let a paused schedule go on with its next firing."""
        request = ResumeScheduleRequest(name=name, note=note, request_id=_new_request_id())
        return await self._connection.unary(self._stub.ResumeSchedule, request)

    async def delete(self, name: str, *, request_id: str | None = None) -> None:
        """Delete the schedule; workflows that were started go on."""
        request = DeleteScheduleRequest(name=name, request_id=request_id or _new_request_id())
        await self._connection.unary(self._stub.DeleteSchedule, request)

    async def backfill(self, name: str, first_at: datetime, last_at: datetime) -> Sequence[Firing]:
        """Start the workflows of the firings between two moments, those that have none yet; at most 1000."""
        request = BackfillScheduleRequest(name=name, request_id=_new_request_id())
        request.first_at.FromDatetime(first_at)
        request.last_at.FromDatetime(last_at)
        answer = await self._connection.unary(self._stub.BackfillSchedule, request, seconds_max=BACKFILL_SECONDS_MAX)
        return tuple(answer.firings)

    async def preview(self, of: str | Timing, *, after: datetime | None = None, count: int = 0) -> Sequence[datetime]:
        """Return when a schedule, or any timing, fires next: ten times unless told otherwise."""
        request = PreviewScheduleRequest(count=count)
        if isinstance(of, str):
            request.name = of
        else:
            request.timing.CopyFrom(of)
        if after is not None:
            request.after.FromDatetime(after)
        answer = await self._connection.unary(self._stub.PreviewSchedule, request)
        return tuple(moment.ToDatetime(tzinfo=UTC) for moment in answer.fire_times)


def _new_request_id() -> str:
    return ids.show("req", ids.new_uuid())
