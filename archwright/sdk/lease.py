"""The agent's own count of its lease, so that it stops by itself when nobody can tell it to.

The engine's clock is out of reach, so the agent counts two thirds of the lease, on its monotonic clock, from a
moment that surely lies before the renewal: when it sent the Pong that the engine had seen by then.
"""

from __future__ import annotations

import math

SHARE_OF_LEASE = 2 / 3
PONGS_REMEMBERED_MAX = 64


class LeaseClock:
    """Until when the agent may work without another word from the engine. Lives longer than one stream."""

    def __init__(self) -> None:
        self.ends_at = math.inf
        self._span = 0.0
        self._pongs: dict[int, float] = {}

    def grant(self, lease_seconds: float, hello_at: float) -> None:
        """Begin with a new session, whose lease cannot have begun before its Hello was sent."""
        self._span = lease_seconds * SHARE_OF_LEASE
        self._pongs.clear()
        self.ends_at = hello_at + self._span

    def ponged(self, nonce: int, now: float) -> None:
        """Remember when the Pong was sent."""
        self._pongs[nonce] = now
        if len(self._pongs) > PONGS_REMEMBERED_MAX:
            del self._pongs[next(iter(self._pongs))]

    def renewed(self, nonce: int) -> None:
        """Count from when the Pong `nonce` was sent; a nonce that is not of this session changes nothing."""
        sent_at = self._pongs.get(nonce)
        if sent_at is not None:
            self.ends_at = max(self.ends_at, sent_at + self._span)

    def has_passed(self, now: float) -> bool:
        """Say whether the agent must stop its tasks."""
        return now >= self.ends_at
