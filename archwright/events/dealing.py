"""Deals with the events of one entry: tries each until it is done with or given up, and settles the entry then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from archwright.errors import ArchwrightError, DependencyUnavailable
from archwright.events.entries import Received
from archwright.events.subscription import Entry, GivenUp, Subscription, TryLater
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import Backoff, jittered
from archwright.sdk.clock import Clock

log = structlog.get_logger(__name__)

Handle = Callable[[WorkflowEvent], Awaitable[None]]
"""Deals with an event, or raises. It may be called twice for one event, out of order, and many times at once."""

_ERROR_LENGTH_MAX = 2_000
_CAREFUL_FROM_DELIVERIES = 3
"""An entry that so many receivers were given may be what ends them: then its events are tried one by one."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long and how often events are tried."""

    attempts_max: int = 12
    """How often an event is tried before it is given up; with the pauses below that takes some twenty minutes."""
    pause_seconds: float = 1.0
    """After the first failure; it doubles with each."""
    pause_seconds_max: float = 300.0
    attempt_seconds_max: float = 60.0
    at_once: int = 16
    """How many events are dealt with at the same time."""
    held_max: int = 500
    """How many entries may be under way, those that wait to be tried again included."""
    keep_seconds: float = 10.0
    reclaim_seconds: float = 10.0


class Outcome(StrEnum):
    """What came of an attempt to deal with an event."""

    DONE = "done"
    FAILED = "failed"
    GIVEN_UP = "given_up"


Tell = Callable[[Outcome], None]
"""Takes note of an outcome. Must not wait and must not fail."""


class Dealing:
    """What a receiver does with an entry. All of its entries share its room."""

    def __init__(
        self, subscription: Subscription, handle: Handle, terms: Terms, clock: Clock, stop: asyncio.Event, tell: Tell
    ) -> None:
        self._subscription = subscription
        self._handle = handle
        self._terms = terms
        self._clock = clock
        self._stop = stop
        self._tell = tell
        self._room = asyncio.Semaphore(terms.at_once)

    async def deal_with(self, entry: Entry) -> None:
        """Return when all events of an entry were dealt with or given up and that is noted; or when we are to stop."""
        progress = _Progress(dict(entry.failures), set(entry.settled))
        places = [place for place in range(len(entry.events)) if place not in entry.settled]
        if entry.deliveries < _CAREFUL_FROM_DELIVERIES:
            async with asyncio.TaskGroup() as group:
                for place in places:
                    group.create_task(self._see_through(entry, place, progress))
        else:
            for place in places:
                # Should it be the end of us too, it is known whose fault that was.
                progress.failures[place] = progress.failures.get(place, 0) + 1
                await self._insist(lambda: self._note(entry, progress))
                progress.failures[place] -= 1
                await self._see_through(entry, place, progress)
        if len(progress.settled) == len(entry.events):
            given_up = list(progress.given_up.values())
            await self._insist(lambda: self._subscription.settle(entry.entry_id, given_up))
            for _ in given_up:
                self._tell(Outcome.GIVEN_UP)

    async def _see_through(self, entry: Entry, place: int, progress: _Progress) -> None:
        received = entry.events[place]
        while not self._stop.is_set():
            failures = progress.failures.get(place, 0)
            if received.event is None or failures >= self._terms.attempts_max:
                told = received.problem or progress.errors.get(place, "Its receivers ended while they dealt with it.")
                log.error("event_given_up", group=self._subscription.group, event_id=received.event_id, error=told)
                progress.given_up[place] = GivenUp(
                    received.event_id, received.envelope, told[:_ERROR_LENGTH_MAX], failures
                )
                progress.settled.add(place)
                return
            failure = await self._try(received, received.event)
            if failure is None:
                self._tell(Outcome.DONE)
                progress.settled.add(place)
                return
            self._tell(Outcome.FAILED)
            progress.failures[place] = failures + 1
            progress.errors[place] = failure.told
            await self._insist(lambda: self._note(entry, progress))
            if failures + 1 < self._terms.attempts_max:
                await self._clock.rest(self._pause_after(failures, failure), self._stop)

    async def _try(self, received: Received, event: WorkflowEvent) -> _Failure | None:
        async with self._room:
            try:
                async with asyncio.timeout(self._terms.attempt_seconds_max):
                    await self._handle(event)
            except TryLater as later:
                log.info("event_put_off", event_id=received.event_id, seconds=later.after_seconds, cause=str(later))
                return _Failure(str(later), later.after_seconds)
            except TimeoutError:
                return _Failure(f"It was not dealt with within {self._terms.attempt_seconds_max:g} s.")
            except ArchwrightError as error:
                log.warning("event_failed", event_id=received.event_id, error=error.message)
                return _Failure(error.message)
            except Exception as error:  # the receiver's own fault, which must not cost the others their events
                log.exception("event_failed", event_id=received.event_id)
                return _Failure(f"{type(error).__name__}: {error}")
        return None

    def _pause_after(self, failures: int, failure: _Failure) -> float:
        if failure.after_seconds is not None:
            return min(failure.after_seconds, self._terms.pause_seconds_max)
        return jittered(min(self._terms.pause_seconds * 2.0 ** min(failures, 30), self._terms.pause_seconds_max))

    async def _note(self, entry: Entry, progress: _Progress) -> None:
        await self._subscription.note(entry.entry_id, progress.failures, progress.noted())

    async def _insist(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Tell the bus, for as long as that takes; given up only when we are to stop, since others find out then."""
        backoff = Backoff()
        while True:
            try:
                await tell()
            except DependencyUnavailable:
                if self._stop.is_set():
                    return
                await self._clock.rest(backoff.next_pause(), self._stop)
            else:
                return


@dataclass(slots=True)
class _Progress:
    """How far an entry has been dealt with."""

    failures: dict[int, int]
    settled: set[int]
    given_up: dict[int, GivenUp] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def noted(self) -> set[int]:
        """Return what others need not deal with again; what was given up is put away with the entry, not before."""
        return self.settled - self.given_up.keys()


@dataclass(frozen=True, slots=True)
class _Failure:
    told: str
    after_seconds: float | None = None
