"""Tells other replicas how tasks are getting on, and passes on what they tell to whoever watches here.

Most workflows are watched by nobody. A workflow of which nobody wants to hear is not told of again for a moment, so
an agent that streams its output costs four messages a second until somebody looks.
"""

from __future__ import annotations

import asyncio
from collections import deque

import structlog

from archwright.errors import DependencyUnavailable
from services.chassis.clock import Clock
from services.engine.live import Feed, Told
from services.engine.ports.keys import Key
from services.engine.ports.live_lane import Listening, LiveLane

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.01
_WAITING_MAX = 2_000
_AT_ONCE = 500
_UNWANTED_SECONDS = 0.25
_UNWANTED_MAX = 10_000
_QUIET_SECONDS = 20.0
_AWAY_SECONDS = 2.0
_LISTEN_SECONDS = 45.0
_IDLE_SECONDS = 0.05


class TellProgress:
    """Gathers what others may want to hear, and tells it."""

    def __init__(self, lane: LiveLane, feed: Feed, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock
        self._waiting: deque[Told] = deque(maxlen=_WAITING_MAX)
        self._something = asyncio.Event()
        self._unwanted: dict[Key, float] = {}
        feed.call_on_progress(self._note)

    def _note(self, told: Told) -> None:
        until = self._unwanted.get(told.key)
        if until is None or until < self._clock.monotonic():
            self._waiting.append(told)
            self._something.set()

    async def step(self) -> None:
        """Wait for something to tell, and tell it."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._something.wait()
        except TimeoutError:
            self._unwanted.clear()
            return
        await self._clock.sleep(GATHER_SECONDS)
        told = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        if not self._waiting:
            self._something.clear()
        try:
            unwanted = await self._lane.tell(told)
        except DependencyUnavailable:
            # Whoever heeds says so in the log; what was to be told is out of date by the time it can be.
            self._waiting.clear()
            self._something.clear()
            await self._clock.sleep(_AWAY_SECONDS)
            return
        if len(self._unwanted) > _UNWANTED_MAX:
            self._unwanted.clear()
        until = self._clock.monotonic() + _UNWANTED_SECONDS
        self._unwanted.update(dict.fromkeys(unwanted, until))


class HeedProgress:
    """Passes on what others tell about the workflows that are watched here."""

    def __init__(self, lane: LiveLane, feed: Feed, clock: Clock) -> None:
        self._lane = lane
        self._feed = feed
        self._clock = clock
        self._is_away = False

    async def step(self) -> None:
        """Listen for a while: a connection that silently leads nowhere is left so in time."""
        if not self._feed.watched():
            await self._clock.sleep(_IDLE_SECONDS)
            return
        try:
            async with asyncio.timeout(_LISTEN_SECONDS) as limit, self._lane.listen() as listening:
                await self._heed(listening)
        except TimeoutError:
            if not limit.expired():
                raise
        except DependencyUnavailable as away:
            if not self._is_away:
                log.warning("progress_not_heard", cause=away.message)
            self._is_away = True
            await self._clock.sleep(_AWAY_SECONDS)

    async def _heed(self, listening: Listening) -> None:
        while watched := self._feed.watched():
            await listening.want(watched)
            if self._is_away:
                log.info("progress_heard_again")
                self._is_away = False
            if (told := await listening.next()) is not None:
                self._feed.pass_on(told)
