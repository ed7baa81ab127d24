"""The commands that wait for a commit, and which of them go into the next one.

A workflow is in one batch at a time. At most three batches are under way: two of what agents report, and one that is
kept free for what people wait for. That one is small: first what somebody asked for alone, then, in parts, what
somebody asked for many of at once, with few reports beside it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from archwright.errors import DependencyUnavailable, LimitReached
from services.chassis.clock import Clock
from services.engine.ports.commands import Answer, Asked, Reply
from services.engine.ports.keys import Key

_SUBMIT_SECONDS_MAX = 30.0
_QUIET_SECONDS = 20.0
_BUSY = 64
_PATIENCE_SECONDS = 0.002
BATCHES_AT_ONCE = 3
"""How many are under way at most."""
_REPORTING_MAX = BATCHES_AT_ONCE - 1
"""How many of them at most that nobody waits for in person."""
_BULK_MAX = 50
"""How many of the commands that came many at once are in a batch that people wait for."""
_BESIDE_MAX = 32
"""How many reports ride along in such a batch."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A command, and who is to be told what came of it."""

    asked: Asked
    reply: Reply
    queue: deque[Waiting]
    is_answered: bool = False
    lost: int = 0
    """How often another replica was faster."""
    alone: bool = False
    """Whether it must not share its workflow's commit, because one of several fences was untrue."""

    def answer(self, outcome: Answer | Exception) -> None:
        """Tell whoever waits, once."""
        if not self.is_answered:
            self.is_answered = True
            self.reply(self.asked, outcome)


class CommandQueue:
    """Takes commands, and hands them out in batches."""

    def __init__(self, clock: Clock, *, batch_max: int, queue_max: int) -> None:
        self._clock = clock
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._reports: deque[Waiting] = deque()
        self._of_people: deque[Waiting] = deque()
        self._in_bulk: deque[Waiting] = deque()
        self._bell = asyncio.Semaphore(0)
        """Rung for one taker each time: of those that wait one takes a lone command, and the others sleep on."""
        self._last_batch = 0
        self._reporting = 0
        self._is_answering = False
        """Whether a batch that people wait for is under way. Only one is: it writes their audit, which is one chain."""
        self._in_flight: set[Key] = set()
        self._deferred: dict[Key, list[Waiting]] = {}

    async def submit(self, asked: Asked) -> Answer:
        """Return once the command is durable.

        Raises TransitionIllegal, WorkflowNotFound, Stale, Repeated, RequestTaken, or LimitReached when too many wait.
        """
        if len(self._reports) + len(self._of_people) + len(self._in_bulk) >= self._queue_max:
            raise LimitReached(
                f"{self._queue_max} commands wait for the database. Try again in a second.", retry_after_seconds=1
            )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = Waiting(asked, lambda _, outcome: _resolve(answer, outcome), self._of_people)
        self._of_people.append(waiting)
        self._ring()
        try:
            async with asyncio.timeout(_SUBMIT_SECONDS_MAX):
                return await answer
        except TimeoutError:
            # The command may still be committed: the caller's request_id or fence makes asking again safe.
            raise DependencyUnavailable(
                f"The database did not take the command within {_SUBMIT_SECONDS_MAX:.0f} s. Ask again.",
                retry_after_seconds=1,
            ) from None
        finally:
            waiting.is_answered = True

    def post(self, asked: Sequence[Asked], reply: Reply, *, for_people: bool = False) -> None:
        """Take commands that came together, and reply to each once it is durable or refused.

        Those `for_people`, who wait for the answer, go before those of agents, who do not; and a lone one goes before
        many that came at once, none of which is waited for by itself.
        """
        queue = self._reports
        if for_people:
            queue = self._of_people if len(asked) == 1 else self._in_bulk
        queue.extend(Waiting(each, reply, queue) for each in asked)
        self._ring()

    async def take(self) -> Sequence[Waiting]:
        """Return the next batch, once there is one; nothing after a quiet while. Whoever takes one says `finished`."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._bell.acquire()
        except TimeoutError:
            return []
        if self._last_batch >= _BUSY and not self._in_flight and not self._of_people:
            # Under load a little patience makes bigger batches, and costs nobody anything.
            await self._clock.sleep(_PATIENCE_SECONDS)
        batch = self._gather()
        if batch:
            self._last_batch = len(batch)
            self._in_flight |= {waiting.asked.key for waiting in batch}
        return batch

    def finished(self, batch: Sequence[Waiting]) -> None:
        """Let the next batches have the workflows of this one."""
        keys = {waiting.asked.key for waiting in batch}
        self._in_flight -= keys
        if any(waiting.queue is not self._reports for waiting in batch):
            self._is_answering = False
        else:
            self._reporting -= 1
        for key in keys & self._deferred.keys():
            self.put_back(self._deferred.pop(key))
        self._call()

    def put_back(self, batch: Sequence[Waiting]) -> None:
        """Have those that nobody has answered wait again, at the head."""
        for waiting in reversed(batch):
            if not waiting.is_answered:
                waiting.queue.appendleft(waiting)
        self._call()

    def _gather(self) -> list[Waiting]:
        """Take what waits, except for workflows that are in another batch: their turn comes after it."""
        batch: list[Waiting] = []
        if not self._is_answering:
            self._move(self._of_people, batch, self._batch_max)
            if not batch:
                self._move(self._in_bulk, batch, min(_BULK_MAX, self._batch_max))
        if batch:
            self._is_answering = True
            self._move(self._reports, batch, min(len(batch) + _BESIDE_MAX, self._batch_max))
        elif self._reporting < _REPORTING_MAX:
            self._move(self._reports, batch, self._batch_max)
            self._reporting += bool(batch)
        self._call()
        return batch

    def _move(self, queue: deque[Waiting], batch: list[Waiting], most: int) -> None:
        while queue and len(batch) < most:
            waiting = queue.popleft()
            if waiting.is_answered:
                continue
            if waiting.asked.key in self._in_flight:
                self._deferred.setdefault(waiting.asked.key, []).append(waiting)
            else:
                batch.append(waiting)

    def _call(self) -> None:
        """Have the next batch taken, if something waits that may be taken."""
        for_people = self._of_people or self._in_bulk
        if (self._reports and self._reporting < _REPORTING_MAX) or (for_people and not self._is_answering):
            self._ring()

    def _ring(self) -> None:
        if self._bell.locked():
            self._bell.release()


def _resolve(answer: asyncio.Future[Answer], outcome: Answer | Exception) -> None:
    if answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
