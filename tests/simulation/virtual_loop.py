"""An asyncio loop whose time is a number: it never waits, and does the same things in the same order each time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 1, tzinfo=UTC)


_TURNS_MAX = 20_000


class StandsStill(Exception):
    """Everybody waits for ever, or somebody is busy for ever and lets no time pass."""


class _NoDescriptors:
    """Stands where a loop asks the kernel: time passes at once."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        self._turns = 0 if timeout else self._turns + 1
        if timeout is None:
            raise StandsStill("Everybody waits, and nothing will ever happen again.")
        if self._turns > _TURNS_MAX:
            self._turns = 0
            raise StandsStill(f"Something went on for {_TURNS_MAX} turns and let no time pass.")
        self._loop.pass_time(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop without descriptors, threads or waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = _NoDescriptors(self)

    def time(self) -> float:
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += max(seconds, 0.0)

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


class VirtualClock:
    """The clock of one machine on virtual time; `jump` moves what it says, not how fast it goes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._offset = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=round(self._loop.time() + self._offset, 3))

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))  # noqa: TID251  on a virtual loop, which never waits

    def jump(self, seconds: float) -> None:
        self._offset += seconds


class Duties:
    """Tasks that live and die together, as those of one process do."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.is_over = False

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any] | None:
        """Begin something; nothing is begun any more once all is over."""
        if self.is_over:
            work.close()
            return None
        task = self._loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._done)
        return task

    def end(self) -> list[asyncio.Task[Any]]:
        """Stop everything where it stands; return what was stopped."""
        self.is_over = True
        stopped = list(self._tasks)
        for task in stopped:
            task.cancel()
        return stopped

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def run(main: Callable[[VirtualLoop], Awaitable[Any]]) -> Any:
    """Run something to its end on a loop of its own."""
    loop = VirtualLoop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    asyncio.set_event_loop(loop)
    try:
        try:
            result = loop.run_until_complete(main(loop))
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    for context in faults:
        raise AssertionError(f"{context.get('message')}: {context}") from context.get("exception")
    return result
