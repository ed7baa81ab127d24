"""A schedule, and what it does when its time has come.

Everything here is a pure function of the schedule, the time and one fact from outside: whether the workflow that
it started last is still under way. What people set never changes by firing, and what firing changes is `Progress`,
so that pausing a schedule and firing it never overwrite one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.engine.domain.events import Json
from services.engine.domain.schedule_timing import Timing, next_firing

WORKFLOWS_KEPT = 10
"""How many of its workflows a schedule names, the newest first."""


class Overlap(StrEnum):
    """What becomes of a firing while the workflow of the one before is still under way."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


@dataclass(frozen=True, slots=True)
class Target:
    """What a firing starts. `version` is a version or a channel, and empty for the newest."""

    definition: str
    version: str
    input: Json
    time_field: str = ""
    """The field of the input that is given the firing's time; none where empty."""

    def input_at(self, fire_at: datetime) -> Json:
        """Return the input of the workflow that the firing of this moment starts."""
        return self.input if not self.time_field else {**self.input, self.time_field: told(fire_at)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a schedule has come. Only firing changes it."""

    next_fire_at: datetime | None
    """None once it will never fire again."""
    queued_fire_at: datetime | None = None
    """A firing that waits for the workflow of the one before to end."""
    last_fire_at: datetime | None = None
    workflow_ids: tuple[str, ...] = ()
    """The workflows of its latest firings, the newest first."""
    skipped: int = 0
    """How many firings started nothing because a workflow was still under way."""
    last_problem: str = ""
    """Why the newest firing started nothing; empty when it did."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Starts workflows of a definition again and again."""

    tenant: str
    schedule_id: str
    name: str
    target: Target
    timing: Timing
    overlap: Overlap
    paused: bool
    note: str
    created_at: datetime
    created_by: str
    progress: Progress

    @property
    def previous(self) -> str:
        """The workflow that it started last; empty before the first."""
        return self.progress.workflow_ids[0] if self.progress.workflow_ids else ""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the workflow of this firing, after cancelling the previous one where `cancels` names it."""

    fire_at: datetime
    cancels: str = ""


@dataclass(frozen=True, slots=True)
class Advance:
    """Start nothing, and be as `progress` says from now on."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing yet."""


Decision = Start | Advance | Wait


def decide_firing(schedule: Schedule, now: datetime, *, previous_under_way: bool) -> Decision:
    """Return what to do about a schedule at `now`.

    A firing that waits in the queue goes before a new one. Of several firings that were missed, because no
    engine was up, only the first is made up for.
    """
    progress = schedule.progress
    due = progress.next_fire_at is not None and progress.next_fire_at <= now
    if schedule.paused:
        return Advance(_past(schedule, now)) if due else Wait()
    if progress.queued_fire_at is not None and not previous_under_way:
        return Start(progress.queued_fire_at)
    if progress.next_fire_at is None or not due:
        return Wait()
    if not previous_under_way:
        return Start(progress.next_fire_at)
    match schedule.overlap:
        case Overlap.CANCEL_PREVIOUS:
            return Start(progress.next_fire_at, cancels=schedule.previous)
        case Overlap.QUEUE:
            queued = progress.queued_fire_at
            if queued is None:
                return Advance(replace(_past(schedule, now), queued_fire_at=progress.next_fire_at))
            return Advance(_skipped(schedule, now, f"that of {told(queued)} waits in the queue already"))
        case Overlap.SKIP:
            return Advance(_skipped(schedule, now, f"{schedule.previous} was still under way"))
    assert_never(schedule.overlap)


def started(schedule: Schedule, fire_at: datetime, workflow_id: str, now: datetime) -> Progress:
    """Return the progress after the firing of `fire_at` has started a workflow."""
    others = (each for each in schedule.progress.workflow_ids if each != workflow_id)
    kept = (workflow_id, *others)[:WORKFLOWS_KEPT]
    return replace(_done(schedule, fire_at, now), last_fire_at=fire_at, workflow_ids=kept, last_problem="")


def failed(schedule: Schedule, fire_at: datetime, problem: str, now: datetime) -> Progress:
    """Return the progress after the firing of `fire_at` could start nothing, and never will."""
    return replace(
        _done(schedule, fire_at, now), last_fire_at=fire_at, last_problem=f"firing of {told(fire_at)}: {problem}"
    )


def told(moment: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _done(schedule: Schedule, fire_at: datetime, now: datetime) -> Progress:
    """Return the progress without the firing of `fire_at`, which was queued or due."""
    if fire_at == schedule.progress.queued_fire_at:
        return replace(schedule.progress, queued_fire_at=None)
    return _past(schedule, now)


def _past(schedule: Schedule, now: datetime) -> Progress:
    """Return the progress with its next firing after `now`, whatever was missed before."""
    return replace(schedule.progress, next_fire_at=next_firing(schedule.timing, now))


def _skipped(schedule: Schedule, now: datetime, because: str) -> Progress:
    skipped = schedule.progress.next_fire_at
    problem = f"firing of {told(skipped)} skipped: {because}" if skipped else ""
    return replace(_past(schedule, now), skipped=schedule.progress.skipped + 1, last_problem=problem)
