"""Whether a result counted that came under an old fence: what history holds against what agents wrote down.

History is asked, not the engine: every output names the delivery that it was made for, so the output that a task
ended with says whose result it was, whatever else the engine says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.ledger import Delivery, Happened, Line, Way


@dataclass(frozen=True, slots=True)
class Applied:
    """A result that history holds: of which attempt it is by the event, and of which delivery by the output."""

    task_id: str
    attempt: int
    made_for: Delivery


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the results that came too late."""

    sent: int
    """Superseded deliveries whose result was sent all the same."""
    answered_on_stream: int
    """Those of them that the engine answered on a stream: their results had reached it."""
    answered_in_call: int
    accepted: Sequence[str]
    """A sentence for each that counted; none is what all hope for."""
    misreported: Sequence[str]
    """A sentence for each of which the engine said that it counted, though it did not."""


def judge(lines: Sequence[Line], superseded: Collection[Delivery], applied: Sequence[Applied]) -> Verdict:
    """Return what became of late results. `superseded` had lost their lease before their agent could write again."""

    def answered(way: Way) -> int:
        return len({line.delivery for line in late if line.happened is Happened.ANSWERED and line.way is way})

    late = [line for line in lines if line.delivery in superseded]
    return Verdict(
        sent=len({line.delivery for line in late if line.happened is Happened.SENT}),
        answered_on_stream=answered(Way.STREAM),
        answered_in_call=answered(Way.CALL),
        accepted=list(_accepted(superseded, applied)),
        misreported=[
            f"{line.agent_id} was told {line.outcome} of attempt {line.delivery.attempt} at task "
            f"{line.delivery.task_id}, which had lost its lease"
            for line in late
            if line.happened is Happened.ANSWERED and line.outcome != "STALE"
        ],
    )


def _accepted(superseded: Collection[Delivery], applied: Sequence[Applied]) -> Iterator[str]:
    for task_id, times in Counter(each.task_id for each in applied).items():
        if times > 1:
            yield f"task {task_id} ended {times} times"
    for each in applied:
        made_for = each.made_for
        if made_for in superseded:
            yield f"task {each.task_id} ended with the result of attempt {made_for.attempt}, which had lost its lease"
        elif (made_for.task_id, made_for.attempt) != (each.task_id, each.attempt):
            yield (
                f"task {each.task_id} ended in attempt {each.attempt} with what was made in attempt "
                f"{made_for.attempt} at task {made_for.task_id}"
            )
