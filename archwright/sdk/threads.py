"""Threads for functions that block.

Daemon threads, unlike those of concurrent.futures: a function that never returns must not keep the process from
ending when it is told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

Outcome = TypeVar("Outcome")
_Call: TypeAlias = Callable[[], None]


class _Ended(RuntimeError):
    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"the function raised {type(cause).__name__}: {cause}")
        self.__cause__ = cause


class ThreadPool:
    """At most `size` daemon threads, made as they are needed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)

    async def call(self, function: Callable[..., Outcome], *arguments: Any) -> Outcome:
        """Return what the function returns, run in a thread with the caller's context variables."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        context = contextvars.copy_context()

        def report(settle: Callable[[Any], None], value: object) -> None:
            # The loop is closed when the process ends while the function still runs: nobody waits then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: None if outcome.done() else settle(value))

        def work() -> None:
            try:
                value = context.run(function, *arguments)
            except Exception as error:  # carried over to whoever awaits
                report(outcome.set_exception, _portable(error))
            except BaseException as error:  # would end the event loop there, and only a thread here
                report(outcome.set_exception, _Ended(error))
            else:
                report(outcome.set_result, value)

        self._submit(work)
        return await outcome

    def close(self) -> None:
        """Let idle threads end; those that are busy end with their function, or with the process."""
        for _ in range(self._threads):
            self._calls.put(None)

    def _submit(self, call: _Call) -> None:
        self._calls.put(call)
        if not self._idle.acquire(blocking=False) and self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"task-{self._threads}", daemon=True).start()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            self._idle.release()


def _portable(error: Exception) -> Exception:
    # A future refuses StopIteration, as it would end the coroutine that awaits it.
    return _Ended(error) if isinstance(error, StopIteration) else error
