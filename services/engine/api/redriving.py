"""Tries again what dead letters are of: a task by a command to its workflow, an event by way of the bus.

What looks after the bus gives a redriven event to its group, within a second or two, and again if the bus loses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from archwright.engine.v1 import dead_letters_pb2 as pb
from archwright.errors import ArchwrightError, DependencyUnavailable, TransitionIllegal
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.requests import wrong
from services.engine.api.steering import Steering
from services.engine.domain.commands import RedriveTask
from services.engine.domain.events import Json
from services.engine.ports.dead_letters import DeadLetters, Ending, LetterKind, LetterRow, LetterState
from services.engine.ports.keys import Key

_AT_ONCE = 100


class Redriving:
    """Redrives dead letters, one or many."""

    def __init__(self, letters: DeadLetters, steering: Steering, clock: Clock, *, has_bus: bool) -> None:
        self._letters = letters
        self._steering = steering
        self._clock = clock
        self._has_bus = has_bus

    async def redrive(self, row: LetterRow, edited: Json, request_id: str, call: Call) -> None:
        """Try again what a dead letter is of, with another input where it is a task's.

        Raises TransitionIllegal when it waits no longer, and what `Steering.obey` raises; DependencyUnavailable
        where there is no bus.
        """
        is_repeated = row.state is LetterState.REDRIVEN and request_id and row.request_id == request_id
        if row.state is not LetterState.WAITING and not is_repeated:
            raise waits_no_longer(row)
        if row.kind is LetterKind.TASK:
            # Also what is repeated: with another input it is another request, which the workflow's history tells.
            user_id = call.caller.subject
            command = RedriveTask(self._clock.now(), row.step, row.task_id, user_id, edited, request_id)
            await self._steering.obey(Key(row.tenant, row.workflow_id), command, call, f"dead-letters/{row.letter_id}")
        elif edited is not None:
            raise wrong("input", "input is for dead letters of tasks; an event is given again as it happened.")
        elif not is_repeated:
            await self._redeliver(row, request_id, call)

    async def redrive_each(self, rows: Sequence[LetterRow], request_id: str, call: Call) -> list[pb.DeadLetterOutcome]:
        """Try again what these dead letters are of, each by itself; return what came of each, in order."""
        of_workflow: dict[str, list[LetterRow]] = {}
        for row in rows:
            of_workflow.setdefault(row.workflow_id, []).append(row)
        outcomes: dict[str, pb.DeadLetterOutcome] = {}
        for some in _in_parts(list(of_workflow.values()), _AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for together in some:
                    group.create_task(self._redrive_together(together, request_id, call, outcomes))
        return [outcomes[row.letter_id] for row in rows]

    async def _redrive_together(
        self, rows: Sequence[LetterRow], request_id: str, call: Call, outcomes: dict[str, pb.DeadLetterOutcome]
    ) -> None:
        """Redrive dead letters of one workflow, one after the other: the first task takes the others along."""
        is_moved = False
        for row in rows:
            outcome = pb.DeadLetterOutcome(letter_id=row.letter_id, result=pb.DeadLetterOutcome.DONE)
            outcomes[row.letter_id] = outcome
            if is_moved and row.kind is LetterKind.TASK:
                continue
            try:
                await self.redrive(row, None, request_id, call)
                await self._require_redriven(row, request_id)
            except ArchwrightError as refusal:
                outcome.result = pb.DeadLetterOutcome.REFUSED
                outcome.reason, outcome.message = refusal.reason, refusal.message
            else:
                is_moved = is_moved or row.kind is LetterKind.TASK

    async def _require_redriven(self, row: LetterRow, request_id: str) -> None:
        """Refuse what the same request has let go on before, and what has failed again since."""
        now = await self._letters.find(row.tenant, row.letter_id)
        if now is not None and now.state is LetterState.WAITING:
            raise TransitionIllegal(
                f"Dead letter {row.letter_id} came after request_id {request_id!r} had redriven its workflow "
                f"{row.workflow_id}. Use a new request_id to redrive it again.",
                facts={"letter_id": row.letter_id, "workflow_id": row.workflow_id, "request_id": request_id},
            )

    async def _redeliver(self, row: LetterRow, request_id: str, call: Call) -> None:
        if not self._has_bus:
            raise DependencyUnavailable(
                "There is no bus to give the event to: the engine was started without Redis.",
                facts={"letter_id": row.letter_id},
            )
        ending = Ending(LetterState.REDRIVEN, call.caller.subject, self._clock.now(), request_id)
        audit = audit_row(call, self._clock, f"dead-letters/{row.letter_id}")
        await self._letters.end(row.tenant, {row.letter_id: audit}, ending)


def waits_no_longer(row: LetterRow) -> TransitionIllegal:
    """Return the refusal of what may be done only to a dead letter that waits."""
    match row.state, row.kind:
        case LetterState.REDRIVEN, _:
            way_out = " Should it have failed again, `archwright dead-letters list` shows a new one."
        case LetterState.DISCARDED, LetterKind.TASK:
            way_out = f" `archwright workflows retry {row.workflow_id}` lets its workflow go on all the same."
        case _:
            way_out = ""
    return TransitionIllegal(
        f"Dead letter {row.letter_id} waits no longer: {row.ended_by!r} has {row.state} it.{way_out}",
        facts={"letter_id": row.letter_id, "state": str(row.state), "workflow_id": row.workflow_id},
    )


def _in_parts(rows: Sequence[Sequence[LetterRow]], most: int) -> list[Sequence[Sequence[LetterRow]]]:
    return [rows[begin : begin + most] for begin in range(0, len(rows), most)]
