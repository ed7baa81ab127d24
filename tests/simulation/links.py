"""What lies between a replica and its database and bus: delays, cuts, and answers that get lost.

A write whose answer was lost may have happened, may happen later, or never. What a replica had on its way when it
was killed may still arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from checker.facts import CopyFacts, Published

from archwright.errors import DependencyUnavailable
from services.bus.event import BusEvent
from services.engine.ports.keys import Key
from services.engine.ports.store import Indigestible, Stored, UnknownOutcome
from services.engine.storage.memory.hot_copies import MemoryHotCopies
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import Duties

Result = TypeVar("Result")


class Link:
    """One replica's connection to the database."""

    def __init__(self, trouble: Trouble, loop: asyncio.AbstractEventLoop, afterlife: Duties) -> None:
        self._trouble = trouble
        self._loop = loop
        self._afterlife = afterlife
        self.frozen_until = 0.0
        self.is_cut = False

    async def call(self, do: Callable[[], Awaitable[Result]]) -> Result:
        """Read, or write something of which the answer may safely be lost."""
        await self._travel()
        result = await do()
        if self._trouble.strikes("lost_reply", self._trouble.lost_reply):
            raise DependencyUnavailable("The answer was lost.")
        await self._return()
        return result

    async def commit(self, do: Callable[[], Awaitable[Result]], *, at_once: bool = True) -> Result:
        """Write; raise UnknownOutcome where nobody can say whether it happened.

        What is not sent `at_once`, because its sender decides it on the way, never arrives without its sender.
        """
        try:
            await self._travel()
        except asyncio.CancelledError:
            if at_once and self._trouble.chance.random() < 0.5:
                self._later(do)  # it was on the wire when its sender died
            raise
        if self._trouble.strikes("lost_request", self._trouble.lost_request):
            raise UnknownOutcome("The request was lost.")
        if at_once and self._trouble.strikes("late_write", self._trouble.late_write):
            self._later(do)
            raise UnknownOutcome("The connection broke while the write was under way.")
        result = await do()
        if self._trouble.strikes("lost_answer", self._trouble.lost_reply):
            raise UnknownOutcome("The answer was lost.")
        await self._return()
        return result

    async def _travel(self) -> None:
        trouble = self._trouble
        if self.is_cut or trouble.strikes("refused", trouble.refused):
            raise DependencyUnavailable("The database does not answer.")
        if (left := self.frozen_until - self._loop.time()) > 0:
            await asyncio.sleep(left)  # noqa: TID251  virtual
        if trouble.strikes("slow", trouble.slow):
            await asyncio.sleep(trouble.chance.random() * trouble.slow_seconds)  # noqa: TID251  virtual
        if trouble.outage_until > self._loop.time():
            raise DependencyUnavailable("The database is down.")

    async def _return(self) -> None:
        trouble = self._trouble
        if trouble.strikes("slow_answer", trouble.slow):
            await asyncio.sleep(trouble.chance.random() * trouble.slow_seconds)  # noqa: TID251  virtual

    def _later(self, do: Callable[[], Awaitable[Any]]) -> None:
        async def arrive() -> None:
            await asyncio.sleep(self._trouble.chance.random() * 2.0)  # noqa: TID251  virtual
            # It may have been settled meanwhile, as one that never happened.
            with suppress(Indigestible):
                await do()

        self._afterlife.create_task(arrive())


class _Call:
    """Something asked for over a link; it begins when it is awaited, and is no loss when it never is."""

    def __init__(self, begin: Callable[[], Awaitable[Any]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._begin().__await__()


class Linked:
    """A store or a task board at the other end of a link."""

    def __init__(self, inner: Any, link: Link) -> None:
        self._inner = inner
        self._link = link

    def __getattr__(self, name: str) -> Callable[..., _Call]:
        method = getattr(self._inner, name)

        def begin(*given: Any, **named: Any) -> Awaitable[Any]:
            if name in ("commit", "commit_alone"):
                return self._link.commit(lambda: method(*given, **named), at_once=name == "commit")
            return self._link.call(lambda: method(*given, **named))

        return lambda *given, **named: _Call(lambda: begin(*given, **named))


class Copies:
    """Hot copies that get lost, are not written, or are not found."""

    def __init__(self, inner: MemoryHotCopies, trouble: Trouble) -> None:
        self._inner = inner
        self._trouble = trouble
        self.seen: list[CopyFacts] = []

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        if self._trouble.strikes("copies_lost", self._trouble.copy_fault):
            self._inner.forget()
        return await self._inner.read(keys)

    async def write(self, workflows: Sequence[Stored]) -> None:
        if self._trouble.strikes("copies_not_written", self._trouble.copy_fault):
            raise DependencyUnavailable("Redis does not answer.")
        await self._inner.write(workflows)
        self.seen += [
            CopyFacts(stored.key, holds=Key(stored.key.tenant, stored.workflow.workflow_id)) for stored in workflows
        ]


class Bus:
    """The bus, as far as the invariants ask: which events it was given."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self.published: list[Published] = []

    async def publish(self, events: Sequence[BusEvent]) -> None:
        if self._trouble.strikes("bus_away", self._trouble.bus_fault):
            raise DependencyUnavailable("The bus does not answer.")
        self.published += [Published(event.workflow_id, event.seq, event.tenant) for event in events]
        if self._trouble.strikes("bus_reply_lost", self._trouble.bus_fault):
            raise DependencyUnavailable("The bus took it, and its answer was lost.")

    async def aclose(self) -> None:
        pass
