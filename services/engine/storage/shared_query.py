"""One query for many askers, none of whom is told anything older than its question.

A query that is under way may have looked before the asker came, so nobody joins it. Whoever comes meanwhile waits for
the next one, together with all others who do: at any load there is one query at a time, and nobody waits for more
than two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Asked = TypeVar("Asked", bound=Hashable)
Found = TypeVar("Found")


@dataclass(slots=True)
class _Round(Generic[Asked, Found]):
    """Those who share a query, and what it came to."""

    asked: set[Asked] = field(default_factory=set)
    found: Mapping[Asked, Found] | None = None
    failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self.found is not None or self.failure is not None


class SharedQuery(Generic[Asked, Found]):
    """Asks one thing at a time for everybody."""

    def __init__(self, query: Callable[[Collection[Asked]], Awaitable[Mapping[Asked, Found]]]) -> None:
        self._query = query
        self._next: _Round[Asked, Found] = _Round()
        self._is_under_way = False
        self._waiting: list[asyncio.Future[None]] = []

    async def ask(self, asked: Asked) -> Found | None:
        """Return what is found for `asked` by a query that begins after this call; raises what the query raises."""
        mine = self._next
        mine.asked.add(asked)
        while not mine.is_over:
            if self._is_under_way:
                # A future for each, since one that gives up must not end the waiting of the others.
                turn = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
            else:
                await self._lead(mine)
        if mine.failure is not None:
            raise mine.failure
        assert mine.found is not None  # it is over, and has not failed
        return mine.found.get(asked)

    async def _lead(self, mine: _Round[Asked, Found]) -> None:
        """Ask for everybody who has come so far. A leader that gives up leaves the round to another of it."""
        if mine is self._next:
            self._next = _Round()
        self._is_under_way = True
        try:
            mine.found = await self._query(mine.asked)
        except Exception as failure:  # told to everybody who asked
            mine.failure = failure
        finally:
            self._is_under_way = False
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)
