"""Schedules as rows of their table, and back."""

from __future__ import annotations

from typing import Any, assert_never

import orjson
from sqlalchemy import Row

from archwright import ids
from archwright.payloads import canonical
from services.engine.domain.schedule import Overlap, Progress, Schedule, Target
from services.engine.domain.schedule_timing import Cron, Interval, Timing
from services.engine.ports.schedules import Request


def columns_of(schedule: Schedule, request: Request) -> dict[str, object]:
    """Return the row of a new schedule."""
    return {
        "tenant_id": schedule.tenant,
        "schedule_id": ids.read("sched", schedule.schedule_id),
        "name": schedule.name,
        "request_id": request.request_id,
        "request_hash": request.body_hash,
        "definition_name": schedule.target.definition,
        "definition_version": schedule.target.version,
        "input": canonical(schedule.target.input),
        "time_field": schedule.target.time_field,
        **_timing_columns(schedule.timing),
        "overlap": schedule.overlap.value,
        "paused": schedule.paused,
        "note": schedule.note,
        "created_at": schedule.created_at,
        "created_by": schedule.created_by,
        **progress_columns(schedule.progress),
    }


def _timing_columns(timing: Timing) -> dict[str, object]:
    match timing:
        case Cron(expression, time_zone):
            return {"cron": expression, "time_zone": time_zone}
        case Interval(every_seconds, offset_seconds):
            return {"every_seconds": every_seconds, "offset_seconds": offset_seconds, "time_zone": ""}
    assert_never(timing)


def progress_columns(progress: Progress) -> dict[str, object]:
    """Return the columns that firing changes."""
    return {
        "next_fire_at": progress.next_fire_at,
        "queued_fire_at": progress.queued_fire_at,
        "last_fire_at": progress.last_fire_at,
        "workflow_ids": [ids.read("wf", each) for each in progress.workflow_ids],
        "skipped": progress.skipped,
        "last_problem": progress.last_problem,
    }


def schedule_of(row: Row[Any]) -> Schedule:
    """Return the schedule behind a row."""
    return Schedule(
        tenant=row.tenant_id,
        schedule_id=ids.show("sched", row.schedule_id),
        name=row.name,
        target=Target(row.definition_name, row.definition_version, orjson.loads(row.input), row.time_field),
        timing=Interval(row.every_seconds, row.offset_seconds) if row.cron is None else Cron(row.cron, row.time_zone),
        overlap=Overlap(row.overlap),
        paused=row.paused,
        note=row.note,
        created_at=row.created_at,
        created_by=row.created_by,
        progress=Progress(
            next_fire_at=row.next_fire_at,
            queued_fire_at=row.queued_fire_at,
            last_fire_at=row.last_fire_at,
            workflow_ids=tuple(ids.show("wf", each) for each in row.workflow_ids),
            skipped=row.skipped,
            last_problem=row.last_problem,
        ),
    )
