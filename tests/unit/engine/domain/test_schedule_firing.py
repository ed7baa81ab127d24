"""What a schedule does when its time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.engine.domain.schedule import (
    WORKFLOWS_KEPT,
    Advance,
    Overlap,
    Progress,
    Schedule,
    Start,
    Target,
    Wait,
    decide_firing,
    failed,
    started,
)
from services.engine.domain.schedule_timing import Interval

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def schedule(overlap: Overlap = Overlap.SKIP, *, paused: bool = False, **progress: object) -> Schedule:
    return Schedule(
        tenant="acme",
        schedule_id="sched_1",
        name="hourly",
        target=Target("report", "", {"kind": "short"}),
        timing=Interval(3600),
        overlap=overlap,
        paused=paused,
        note="",
        created_at=NOON - HOUR,
        created_by="ann",
        progress=replace(Progress(next_fire_at=NOON), **progress),  # type: ignore[arg-type]
    )


def progress_of(decision: object) -> Progress:
    assert isinstance(decision, Advance)
    return decision.progress


def test_before_its_time_nothing_happens() -> None:
    early = NOON - timedelta(seconds=1)

    assert decide_firing(schedule(), early, previous_under_way=False) == Wait()


def test_at_its_time_a_workflow_is_started() -> None:
    assert decide_firing(schedule(), NOON, previous_under_way=False) == Start(NOON)


def test_after_its_start_the_next_firing_lies_ahead() -> None:
    progress = started(schedule(), NOON, "wf_1", NOON)

    assert (progress.next_fire_at, progress.last_fire_at, progress.workflow_ids) == (NOON + HOUR, NOON, ("wf_1",))


def test_of_firings_that_were_missed_only_the_first_is_made_up_for() -> None:
    late = NOON + 5.5 * HOUR

    assert decide_firing(schedule(), late, previous_under_way=False) == Start(NOON)
    assert started(schedule(), NOON, "wf_1", late).next_fire_at == NOON + 6 * HOUR


def test_a_paused_schedule_lets_its_firings_pass_by() -> None:
    passed = progress_of(decide_firing(schedule(paused=True), NOON + 2.5 * HOUR, previous_under_way=False))

    assert passed == Progress(next_fire_at=NOON + 3 * HOUR)


def test_a_paused_schedule_keeps_its_queue() -> None:
    held = schedule(Overlap.QUEUE, paused=True, next_fire_at=NOON + HOUR, queued_fire_at=NOON)

    assert decide_firing(held, NOON, previous_under_way=False) == Wait()


def test_skip_starts_nothing_while_the_previous_workflow_is_under_way() -> None:
    progress = progress_of(decide_firing(schedule(workflow_ids=("wf_1",)), NOON, previous_under_way=True))

    assert (progress.next_fire_at, progress.skipped) == (NOON + HOUR, 1)
    assert progress.last_problem == "firing of 2026-06-01T12:00:00Z skipped: wf_1 was still under way"


def test_queue_keeps_one_firing_for_later() -> None:
    progress = progress_of(decide_firing(schedule(Overlap.QUEUE), NOON, previous_under_way=True))

    assert (progress.queued_fire_at, progress.next_fire_at, progress.skipped) == (NOON, NOON + HOUR, 0)


def test_queue_keeps_no_second_firing() -> None:
    full = schedule(Overlap.QUEUE, queued_fire_at=NOON - HOUR)

    progress = progress_of(decide_firing(full, NOON, previous_under_way=True))

    assert (progress.queued_fire_at, progress.next_fire_at, progress.skipped) == (NOON - HOUR, NOON + HOUR, 1)


def test_what_is_queued_goes_first_once_the_previous_workflow_has_ended() -> None:
    full = schedule(Overlap.QUEUE, queued_fire_at=NOON - HOUR)

    assert decide_firing(full, NOON, previous_under_way=False) == Start(NOON - HOUR)
    assert started(full, NOON - HOUR, "wf_1", NOON) == Progress(
        next_fire_at=NOON, last_fire_at=NOON - HOUR, workflow_ids=("wf_1",)
    )


def test_a_queued_firing_waits_for_the_previous_workflow() -> None:
    waiting = schedule(Overlap.QUEUE, next_fire_at=NOON + HOUR, queued_fire_at=NOON)

    assert decide_firing(waiting, NOON, previous_under_way=True) == Wait()


def test_cancel_previous_names_the_workflow_to_cancel() -> None:
    busy = schedule(Overlap.CANCEL_PREVIOUS, workflow_ids=("wf_2", "wf_1"))

    assert decide_firing(busy, NOON, previous_under_way=True) == Start(NOON, cancels="wf_2")


@pytest.mark.parametrize("overlap", list(Overlap))
def test_the_policy_is_of_no_matter_once_the_previous_workflow_has_ended(overlap: Overlap) -> None:
    assert decide_firing(schedule(overlap), NOON, previous_under_way=False) == Start(NOON)


def test_a_firing_that_can_start_nothing_is_told_and_passed() -> None:
    progress = failed(schedule(), NOON, "there is no definition 'report'", NOON)

    assert progress.next_fire_at == NOON + HOUR
    assert progress.last_problem == "firing of 2026-06-01T12:00:00Z: there is no definition 'report'"


def test_the_next_good_firing_clears_the_problem() -> None:
    assert started(schedule(last_problem="no"), NOON, "wf_1", NOON).last_problem == ""


def test_the_latest_workflows_are_kept_each_once_and_the_newest_first() -> None:
    full = schedule(workflow_ids=tuple(f"wf_{n}" for n in range(WORKFLOWS_KEPT)))

    assert started(full, NOON, "wf_new", NOON).workflow_ids[:2] == ("wf_new", "wf_0")
    assert len(started(full, NOON, "wf_new", NOON).workflow_ids) == WORKFLOWS_KEPT
    assert started(full, NOON, "wf_0", NOON).workflow_ids == full.progress.workflow_ids


def test_a_schedule_that_never_fires_again_waits() -> None:
    over = schedule(next_fire_at=None)

    assert decide_firing(over, NOON, previous_under_way=False) == Wait()


def test_the_time_of_the_firing_goes_into_its_field() -> None:
    target = Target("report", "", {"kind": "short"}, time_field="at")

    assert target.input_at(NOON) == {"kind": "short", "at": "2026-06-01T12:00:00Z"}
    assert target.input == {"kind": "short"}
