"""Serves ScheduleService."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import Final

from archwright import ids
from archwright.engine.v1 import schedules_pb2 as pb
from archwright.errors import RequestInvalid
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.schedule_requests import (
    body_hash,
    count_of,
    input_of,
    moment_of,
    note_of,
    request_id_of,
    short,
    timing_of,
    wrong,
)
from services.engine.api.schedule_views import firing_view, overlap_of, schedule_view
from services.engine.domain.schedule import Progress, Schedule, Target, told
from services.engine.domain.schedule_timing import firings_after, firings_between, next_firing
from services.engine.ports.schedules import Request, Schedules
from services.engine.scheduled_starts import ScheduledStarts, Unstartable

BACKFILL_MAX: Final = 1_000
_PREVIEW_DEFAULT, _PREVIEW_MAX = 10, 100
_PAGE_DEFAULT, _PAGE_MAX = 50, 200
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}")


class ScheduleApi:
    """Answers callers about schedules."""

    def __init__(self, schedules: Schedules, starts: ScheduledStarts, clock: Clock) -> None:
        self._schedules = schedules
        self._starts = starts
        self._clock = clock

    async def create_schedule(self, request: pb.CreateScheduleRequest, call: Call) -> pb.Schedule:
        """Make a schedule, or return the one that this request made before."""
        asked = Request(request_id_of(request.request_id, call), body_hash(request))
        # Asked before anything is checked: what was right when it was made may be wrong by now.
        made = await self._schedules.made_by(call.caller.tenant, asked)
        if made is None:
            schedule = await self._checked(request, call)
            audit = audit_row(call, self._clock, f"schedules/{request.name}")
            made = await self._schedules.create(schedule, asked, audit)
        return schedule_view(made, whole=True)

    async def get_schedule(self, request: pb.GetScheduleRequest, call: Call) -> pb.Schedule:
        """Return a schedule with its input."""
        return schedule_view(await self._schedules.get(call.caller.tenant, request.name), whole=True)

    async def list_schedules(self, request: pb.ListSchedulesRequest, call: Call) -> pb.ListSchedulesResponse:
        """Return a page of schedules, by name."""
        limit = count_of("page_size", request.page_size, _PAGE_DEFAULT, _PAGE_MAX, exact=False)
        found = await self._schedules.list(call.caller.tenant, limit=limit + 1, after=request.page_token)
        page = found[:limit]
        return pb.ListSchedulesResponse(
            schedules=[schedule_view(each, whole=False) for each in page],
            next_page_token=page[-1].name if len(found) > limit else "",
        )

    async def pause_schedule(self, request: pb.PauseScheduleRequest, call: Call) -> pb.Schedule:
        """Let firings pass by."""
        return await self._set_paused(request.name, request.note, call, paused=True)

    async def resume_schedule(self, request: pb.ResumeScheduleRequest, call: Call) -> pb.Schedule:
        """Let a paused schedule go on."""
        return await self._set_paused(request.name, request.note, call, paused=False)

    async def delete_schedule(self, request: pb.DeleteScheduleRequest, call: Call) -> pb.DeleteScheduleResponse:
        """Forget a schedule."""
        audit = audit_row(call, self._clock, f"schedules/{request.name}")
        request_id = request_id_of(request.request_id, call)
        await self._schedules.delete(call.caller.tenant, request.name, request_id, self._clock.now(), audit)
        return pb.DeleteScheduleResponse()

    async def backfill_schedule(self, request: pb.BackfillScheduleRequest, call: Call) -> pb.BackfillScheduleResponse:
        """Start the workflows of firings in the past."""
        schedule = await self._schedules.get(call.caller.tenant, request.name)
        fire_times = self._past_firings(schedule, request)
        if not fire_times:
            return pb.BackfillScheduleResponse()
        await self._starts.check(schedule.tenant, schedule.target, fire_times[0])
        audit = audit_row(call, self._clock, f"schedules/{schedule.name}")
        try:
            firings = await self._starts.start(schedule, fire_times, audit)
        except Unstartable as problem:
            raise RequestInvalid(f"Schedule {schedule.name!r} cannot be backfilled: {problem}") from problem
        return pb.BackfillScheduleResponse(firings=[firing_view(each) for each in firings])

    async def preview_schedule(self, request: pb.PreviewScheduleRequest, call: Call) -> pb.PreviewScheduleResponse:
        """Tell when a schedule would fire."""
        count = count_of("count", request.count, _PREVIEW_DEFAULT, _PREVIEW_MAX, exact=True)
        if request.WhichOneof("whose") == "name":
            timing = (await self._schedules.get(call.caller.tenant, request.name)).timing
        else:
            timing = timing_of(request.timing)
        after = moment_of("after", request.after) if request.HasField("after") else self._clock.now()
        answer = pb.PreviewScheduleResponse()
        for firing in islice(firings_after(timing, after), count):
            answer.fire_times.add().FromDatetime(firing)
        return answer

    async def _checked(self, request: pb.CreateScheduleRequest, call: Call) -> Schedule:
        """Return the schedule that is asked for; raises what is wrong with it."""
        if not _NAME.fullmatch(request.name):
            raise wrong(
                "name",
                f"name is {request.name[:80]!r}; it takes lower-case letters, digits, _ and -, a letter first, "
                "at most 128.",
            )
        if not request.definition_name:
            raise wrong(
                "definition_name",
                "definition_name is missing. `archwright definitions list` shows what can be started.",
            )
        timing = timing_of(request.timing)
        target = Target(
            request.definition_name,
            request.definition_version,
            input_of(request),
            short("time_field", request.time_field),
        )
        now = self._clock.now()
        first = next_firing(timing, now)
        await self._starts.check(call.caller.tenant, target, first or now)
        return Schedule(
            tenant=call.caller.tenant,
            schedule_id=ids.show("sched", ids.new_uuid()),
            name=request.name,
            target=target,
            timing=timing,
            overlap=overlap_of(request.overlap),
            paused=request.paused,
            note=note_of(request.note),
            created_at=now,
            created_by=call.caller.subject,
            progress=Progress(next_fire_at=first),
        )

    async def _set_paused(self, name: str, note: str, call: Call, *, paused: bool) -> pb.Schedule:
        audit = audit_row(call, self._clock, f"schedules/{name}")
        schedule = await self._schedules.set_paused(
            call.caller.tenant, name, paused=paused, note=note_of(note), audit=audit
        )
        return schedule_view(schedule, whole=True)

    def _past_firings(self, schedule: Schedule, request: pb.BackfillScheduleRequest) -> list[datetime]:
        for field in ("first_at", "last_at"):
            if not request.HasField(field):
                raise wrong(field, f"{field} is missing: say from when to when to backfill.")
        first, last = moment_of("first_at", request.first_at), moment_of("last_at", request.last_at)
        now = self._clock.now()
        if last < first:
            raise wrong("last_at", f"last_at {told(last)} lies before first_at {told(first)}.")
        if last > now:
            raise wrong(
                "last_at",
                f"last_at {told(last)} lies in the future; it is {told(now)}. Firings to come fire by themselves.",
            )
        found = firings_between(schedule.timing, first, last, limit=BACKFILL_MAX + 1)
        if len(found) > BACKFILL_MAX:
            raise wrong(
                "last_at",
                f"There are more than {BACKFILL_MAX} firings from {told(first)} to {told(last)}. "
                f"Backfill to {told(found[BACKFILL_MAX - 1])} first, and go on from there.",
            )
        return found
