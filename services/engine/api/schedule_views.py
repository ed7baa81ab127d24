"""Schedules as callers see them."""

from __future__ import annotations

from typing import assert_never

from archwright import payloads
from archwright.engine.v1 import schedules_pb2 as pb
from archwright.errors import RequestInvalid
from services.engine.domain.schedule import Overlap, Schedule
from services.engine.domain.schedule_timing import Cron, Interval, Timing
from services.engine.scheduled_starts import Firing

_OVERLAPS = {
    pb.Schedule.OVERLAP_UNSPECIFIED: Overlap.SKIP,
    pb.Schedule.SKIP: Overlap.SKIP,
    pb.Schedule.QUEUE: Overlap.QUEUE,
    pb.Schedule.CANCEL_PREVIOUS: Overlap.CANCEL_PREVIOUS,
}


def overlap_of(number: pb.Schedule.Overlap.ValueType) -> Overlap:
    """Return the overlap policy behind a number; raises RequestInvalid."""
    found = _OVERLAPS.get(number)
    if found is None:
        raise RequestInvalid(f"overlap is {number}; there are SKIP, QUEUE and CANCEL_PREVIOUS.")
    return found


def schedule_view(schedule: Schedule, *, whole: bool) -> pb.Schedule:
    """Return a schedule for callers; with its input where it is the `whole`."""
    progress = schedule.progress
    view = pb.Schedule(
        name=schedule.name,
        schedule_id=schedule.schedule_id,
        definition_name=schedule.target.definition,
        definition_version=schedule.target.version,
        time_field=schedule.target.time_field,
        timing=_timing_view(schedule.timing),
        overlap=pb.Schedule.Overlap.Value(schedule.overlap.name),
        paused=schedule.paused,
        note=schedule.note,
        workflow_ids=progress.workflow_ids,
        skipped=progress.skipped,
        last_problem=progress.last_problem,
        created_by=schedule.created_by,
    )
    view.created_at.FromDatetime(schedule.created_at)
    if whole:
        view.input.CopyFrom(payloads.to_struct(schedule.target.input))
    if progress.next_fire_at is not None and not schedule.paused:
        view.next_fire_at.FromDatetime(progress.next_fire_at)
    if progress.queued_fire_at is not None:
        view.queued_fire_at.FromDatetime(progress.queued_fire_at)
    if progress.last_fire_at is not None:
        view.last_fire_at.FromDatetime(progress.last_fire_at)
    return view


def firing_view(firing: Firing) -> pb.Firing:
    """Return a firing for callers."""
    view = pb.Firing(workflow_id=firing.workflow_id, anew=firing.anew)
    view.fire_at.FromDatetime(firing.fire_at)
    return view


def _timing_view(timing: Timing) -> pb.Timing:
    match timing:
        case Cron(expression, time_zone):
            return pb.Timing(cron=expression, time_zone=time_zone)
        case Interval(every_seconds, offset_seconds):
            view = pb.Timing()
            view.interval.every.FromSeconds(every_seconds)
            view.interval.offset.FromSeconds(offset_seconds)
            return view
    assert_never(timing)
