"""Functions that block, in threads."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Iterator

import pytest

from archwright.sdk.threads import ThreadPool

word = contextvars.ContextVar("word", default="none")


@pytest.fixture
def threads() -> Iterator[ThreadPool]:
    pool = ThreadPool(2)
    yield pool
    pool.close()


async def test_a_call_returns_what_the_function_returns_in_its_callers_context(threads: ThreadPool) -> None:
    word.set("tea")
    assert await threads.call(lambda: (word.get(), threading.current_thread().daemon)) == ("tea", True)


@pytest.mark.parametrize("error", [ValueError("no"), OSError(5, "x")])
async def test_an_error_is_raised_where_it_is_awaited(threads: ThreadPool, error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        await threads.call(fail)


async def test_a_function_that_wants_to_exit_only_fails(threads: ThreadPool) -> None:
    with pytest.raises(RuntimeError, match="SystemExit"):
        await threads.call(sys.exit, 3)


async def test_a_stop_iteration_does_not_hang_the_caller(threads: ThreadPool) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.call(lambda: next(iter(())))


async def test_there_are_never_more_threads_than_the_pool_may_have(threads: ThreadPool) -> None:
    both_busy = threading.Barrier(2, timeout=10)
    names = set()

    def meet() -> None:
        names.add(threading.current_thread().name)
        both_busy.wait()

    await asyncio.gather(*(threads.call(meet) for _ in range(6)))
    assert len(names) == 2
