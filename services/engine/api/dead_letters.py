"""Serves DeadLetterService: what is out of retries and waits for a person, and what they decide about it.

How a workflow goes on from a task is decided with the workflow, in its commit. To discard touches no workflow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from archwright import ids
from archwright.engine.v1 import dead_letters_pb2 as pb
from archwright.errors import DeadLetterNotFound
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.letter_filters import token_of, waiting_of, wanted_of
from services.engine.api.letter_views import add_attempt, add_input, event_letter_view, letter_view
from services.engine.api.reading import Reading
from services.engine.api.redriving import Redriving, waits_no_longer
from services.engine.api.requests import WORDS_CHARACTERS_MAX, json_of, page_size, request_id_of, short, wrong
from services.engine.api.steering import Steering
from services.engine.domain.retelling import TaskRetelling
from services.engine.domain.telling import task_of
from services.engine.ports.dead_letters import (
    DeadLetters,
    Ending,
    LetterKind,
    LetterRow,
    LetterState,
    WantedLetters,
)
from services.engine.ports.history import History
from services.engine.ports.keys import Key

LETTERS_MAX = 1_000
"""How many are redriven or discarded by one call."""

_PAGE_DEFAULT, _PAGE_MAX = 50, 200
_READ_PAGE = 200


class DeadLetterApi:
    """Answers callers about dead letters."""

    def __init__(
        self,
        letters: DeadLetters,
        history: History,
        reading: Reading,
        steering: Steering,
        clock: Clock,
        *,
        has_bus: bool,
    ) -> None:
        self._letters = letters
        self._history = history
        self._reading = reading
        self._redriving = Redriving(letters, steering, clock, has_bus=has_bus)
        self._clock = clock

    async def list_dead_letters(self, request: pb.ListDeadLettersRequest, call: Call) -> pb.ListDeadLettersResponse:
        """Return a page of dead letters."""
        limit = page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MAX)
        wanted = wanted_of(request.filter, request.page_token)
        found = await self._letters.wanted(call.caller.tenant, wanted, limit=limit + 1)
        page = found[:limit]
        return pb.ListDeadLettersResponse(
            dead_letters=map(letter_view, page),
            next_page_token=token_of(wanted, page[-1].letter_id) if len(found) > limit else "",
        )

    async def get_dead_letter(self, request: pb.GetDeadLetterRequest, call: Call) -> pb.DeadLetter:
        """Return a dead letter with what was given and what went wrong."""
        return await self._whole(await self._find(request.letter_id, call))

    async def redrive_dead_letter(self, request: pb.RedriveDeadLetterRequest, call: Call) -> pb.DeadLetter:
        """Try again what a dead letter is of."""
        edited = json_of("input", request.input) if request.HasField("input") else None
        row = await self._find(request.letter_id, call)
        await self._redriving.redrive(row, edited, request_id_of(request.request_id, call), call)
        return await self._whole(await self._find(request.letter_id, call))

    async def discard_dead_letter(self, request: pb.DiscardDeadLetterRequest, call: Call) -> pb.DeadLetter:
        """Mark a dead letter as one that nobody waits for."""
        ending = self._discarding(request.reason, request.request_id, call)
        row = await self._find(request.letter_id, call)
        if not await self._discard([row], ending, call):
            row = await self._find(request.letter_id, call)
            if row.state is not LetterState.DISCARDED or not ending.request_id or row.request_id != ending.request_id:
                raise waits_no_longer(row)
        return await self._whole(await self._find(request.letter_id, call))

    async def redrive_dead_letters(
        self, request: pb.RedriveDeadLettersRequest, call: Call
    ) -> pb.RedriveDeadLettersResponse:
        """Try again what many dead letters are of."""
        wanted, limit = waiting_of(request.filter), _limit(request.limit)
        request_id = request_id_of(request.request_id, call)
        rows = await self._letters.wanted(call.caller.tenant, wanted, limit=limit)
        if request.dry_run:
            return pb.RedriveDeadLettersResponse(
                outcomes=map(_would, rows), left=await self._beside(rows, wanted, call)
            )
        outcomes = await self._redriving.redrive_each(rows, request_id, call)
        return pb.RedriveDeadLettersResponse(
            outcomes=outcomes, left=await self._letters.count(call.caller.tenant, wanted)
        )

    async def discard_dead_letters(
        self, request: pb.DiscardDeadLettersRequest, call: Call
    ) -> pb.DiscardDeadLettersResponse:
        """Mark many dead letters as ones that nobody waits for."""
        wanted, limit = waiting_of(request.filter), _limit(request.limit)
        ending = self._discarding(request.reason, request.request_id, call)
        rows = await self._letters.wanted(call.caller.tenant, wanted, limit=limit)
        if request.dry_run:
            return pb.DiscardDeadLettersResponse(
                outcomes=map(_would, rows), left=await self._beside(rows, wanted, call)
            )
        ended = await self._discard(rows, ending, call) if rows else ()
        outcomes = [
            pb.DeadLetterOutcome(letter_id=row.letter_id, result=pb.DeadLetterOutcome.DONE)
            for row in rows
            if row.letter_id in ended  # another was ended meanwhile, and waits for nobody either
        ]
        return pb.DiscardDeadLettersResponse(
            outcomes=outcomes, left=await self._letters.count(call.caller.tenant, wanted)
        )

    async def _find(self, letter_id: str, call: Call) -> LetterRow:
        row = await self._letters.find(call.caller.tenant, letter_id) if _is_id(letter_id) else None
        if row is None:
            raise DeadLetterNotFound.named(letter_id)
        return row

    async def _whole(self, row: LetterRow) -> pb.DeadLetter:
        """Return a dead letter as history tells it: what the task was given, and every attempt at it."""
        if row.kind is LetterKind.EVENT:
            return event_letter_view(row)
        view, key = letter_view(row), Key(row.tenant, row.workflow_id)
        summary = await self._reading.summary(key)
        retelling, is_made = TaskRetelling(summary.plan, key.workflow_id, row.task_id), False
        cursor = 0
        while cursor < row.seq:
            page = await self._history.events(key, after_seq=cursor, limit=min(_READ_PAGE, row.seq - cursor))
            if not page:
                break  # the workflow was removed meanwhile
            for numbered in page:
                if not is_made:
                    is_made = retelling.add(numbered.event)
                elif task_of(numbered.event) == row.task_id:
                    add_attempt(view, numbered.event)
            cursor = page[-1].seq
        add_input(view, retelling.given)
        return view

    def _discarding(self, reason: str, request_id: str, call: Call) -> Ending:
        return Ending(
            LetterState.DISCARDED,
            call.caller.subject,
            self._clock.now(),
            request_id_of(request_id, call),
            short("reason", reason, WORDS_CHARACTERS_MAX),
        )

    async def _discard(self, rows: Sequence[LetterRow], ending: Ending, call: Call) -> Collection[str]:
        audit = {row.letter_id: audit_row(call, self._clock, f"dead-letters/{row.letter_id}") for row in rows}
        return await self._letters.end(call.caller.tenant, audit, ending)

    async def _beside(self, rows: Sequence[LetterRow], wanted: WantedLetters, call: Call) -> int:
        """Return how many are wanted beside these."""
        return max(0, await self._letters.count(call.caller.tenant, wanted) - len(rows))


def _would(row: LetterRow) -> pb.DeadLetterOutcome:
    return pb.DeadLetterOutcome(letter_id=row.letter_id, result=pb.DeadLetterOutcome.WOULD_BE_DONE)


def _limit(asked: int) -> int:
    if not 0 <= asked <= LETTERS_MAX:
        raise wrong("limit", f"limit is {asked}; it must be from 0 to {LETTERS_MAX:,}.")
    return asked or LETTERS_MAX


def _is_id(text: str) -> bool:
    try:
        ids.read("letter", text)
    except ids.MalformedId:
        return False
    return True
