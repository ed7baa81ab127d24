"""The circuit breakers as a replica knows them: it asks them for every task, so asking costs a look into memory.

What this replica saw of attempts goes into the shared breakers at once when one failed, and not at all while all is
well. What other replicas made of theirs is read every second. Both are changed by compare-and-set: of several
replicas that see the same failures one opens the breaker, and nobody counts for two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from services.chassis.clock import Clock
from services.engine.domain.breaker import Breaker, BreakerConfig, BreakerState, Tally, at, counted, trials_granted
from services.engine.ports.breakers import BreakerKey, Breakers, KeptBreaker

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
_TRIES_MAX = 20
_NO_BREAKERS: Mapping[BreakerKey, KeptBreaker] = {}


class _Seen:
    """What ended here since the shared breaker was last told."""

    __slots__ = ("calls", "failures", "since")

    def __init__(self, since: float) -> None:
        self.calls = 0
        self.failures = 0
        self.since = since


class BreakerGate:
    """Lets tasks through to agents, or has them wait."""

    def __init__(self, breakers: Breakers, clock: Clock, config: BreakerConfig) -> None:
        self.config = config
        self._breakers = breakers
        self._clock = clock
        self._known = _NO_BREAKERS
        self._not_closed: Mapping[BreakerKey, Breaker] = {}
        self._seen: dict[BreakerKey, _Seen] = {}
        self._failed = asyncio.Event()
        self._on_change: list[Callable[[], None]] = []

    def call_on_change(self, called: Callable[[], None]) -> None:
        """Call this whenever a breaker lets through what it did not before."""
        self._on_change.append(called)

    # Asked for every task

    def is_closed(self, tenant: str, agent_type: str) -> bool:
        """Return whether tasks are given out as they come."""
        return not self._not_closed or (tenant, agent_type) not in self._not_closed

    def is_open(self, tenant: str, agent_type: str) -> bool:
        """Return whether none is given out at all."""
        if not self._not_closed:
            return False
        breaker = self._not_closed.get(BreakerKey(tenant, agent_type))
        return breaker is not None and breaker.state is BreakerState.OPEN

    def open_until(self, tenant: str, agent_type: str) -> datetime | None:
        """Return until when none is given out; None when some are."""
        breaker = self._not_closed.get(BreakerKey(tenant, agent_type))
        return None if breaker is None else breaker.open_until(self.config)

    def states(self) -> Mapping[BreakerKey, BreakerState]:
        """Return how every breaker stands that ever had to count."""
        now = self._clock.now()
        return {key: at(kept.breaker, now, self.config).state for key, kept in self._known.items()}

    def note(self, tenant: str, agent_type: str, *, failed: bool) -> None:
        """Count an attempt that ended."""
        key = BreakerKey(tenant, agent_type)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen(self._clock.monotonic())
        seen.calls += 1
        if failed:
            seen.failures += 1
            self._failed.set()
        else:
            seen.failures = 0
            if self._not_closed and key in self._not_closed:
                self._failed.set()

    # Trials of a half-open breaker

    async def admit(self, tenant: str, agent_type: str, wanted: int) -> int:
        """Return how many of the wanted tasks may be given out now; of a half-open breaker these are its trials."""
        if self.is_closed(tenant, agent_type):
            return wanted
        key = BreakerKey(tenant, agent_type)
        granted = 0

        def take(breaker: Breaker) -> Breaker:
            nonlocal granted
            if breaker.state is BreakerState.CLOSED:
                granted = wanted
                return breaker
            granted = trials_granted(breaker, wanted, self.config)
            return Breaker(
                breaker.since, breaker.state, breaker.calls, breaker.failures, trials=breaker.trials + granted
            )

        return granted if await self._change(key, take) else 0

    async def give_back(self, tenant: str, agent_type: str, unused: int) -> None:
        """Return trials that came to nothing."""
        if not unused or self.is_closed(tenant, agent_type):
            return

        def put(breaker: Breaker) -> Breaker:
            left = max(0, breaker.trials - unused) if breaker.state is BreakerState.HALF_OPEN else breaker.trials
            return Breaker(breaker.since, breaker.state, breaker.calls, breaker.failures, trials=left)

        await self._change(BreakerKey(tenant, agent_type), put)

    def look(self) -> None:
        """Look at once how the breakers stand."""
        self._failed.set()

    # The loop

    async def step(self) -> None:
        """Tell the shared breakers what was seen here, and learn how they stand, each half second or at a failure."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._failed.wait()
        except TimeoutError:
            pass
        self._failed.clear()
        self._learn(await self._breakers.all())
        for key, seen in list(self._seen.items()):
            await self._tell(key, seen)

    async def _tell(self, key: BreakerKey, seen: _Seen) -> None:
        known = self._known.get(key)
        is_quiet = known is None or (known.breaker.state is BreakerState.CLOSED and not known.breaker.failures)
        if not seen.failures and is_quiet:
            if self._clock.monotonic() - seen.since >= self.config.recovery_timeout_seconds:
                del self._seen[key]
            return
        tally = Tally(seen.calls, seen.failures)
        if await self._change(key, lambda breaker: counted(breaker, tally, self._clock.now(), self.config)):
            # What came meanwhile is for the next time.
            seen.calls -= tally.calls
            seen.failures = min(seen.failures, seen.calls)
            if not seen.calls:
                del self._seen[key]

    async def _change(self, key: BreakerKey, change: Callable[[Breaker], Breaker]) -> bool:
        """Change a breaker as it stands now, whoever changes it beside us."""
        for _ in range(_TRIES_MAX):
            now = self._clock.now()
            known = self._known.get(key)
            before = Breaker(now) if known is None else at(known.breaker, now, self.config)
            after = change(before)
            version = 0 if known is None else known.version
            if known is not None and after == known.breaker:
                return True
            if await self._breakers.replace(key, version, after):
                self._learn({**self._known, key: KeptBreaker(after, version + 1)})
                return True
            self._learn(await self._breakers.all())
        log.warning("breaker_contended", tenant=key.tenant, agent_type=key.agent_type)
        return False

    def _learn(self, known: Mapping[BreakerKey, KeptBreaker]) -> None:
        now = self._clock.now()
        before = self._not_closed
        self._known = known
        standing = {key: at(kept.breaker, now, self.config) for key, kept in known.items()}
        self._not_closed = {
            key: breaker for key, breaker in standing.items() if breaker.state is not BreakerState.CLOSED
        }
        states = {key: breaker.state for key, breaker in self._not_closed.items()}
        for key in before.keys() | states.keys():
            was = before[key].state if key in before else BreakerState.CLOSED
            now_is = states.get(key, BreakerState.CLOSED)
            if was is not now_is:
                log.warning("breaker_changed", tenant=key.tenant, agent_type=key.agent_type, was=was, state=now_is)
        if any(states.get(key) is not BreakerState.OPEN for key in before):
            for called in self._on_change:
                called()
