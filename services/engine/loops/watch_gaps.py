"""Finds out what other replicas committed about workflows that are watched here: one question a second for all."""

from __future__ import annotations

from services.engine.live import Feed
from services.engine.ports.history import History


class WatchGaps:
    """Compares watched workflows with history."""

    def __init__(self, history: History, feed: Feed) -> None:
        self._history = history
        self._feed = feed

    async def step(self) -> None:
        """Ask once."""
        for key, last_seq in (await self._history.last_seqs(self._feed.watched())).items():
            self._feed.newest(key, last_seq)
