"""Processes that stand still for a while, and waiting that ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Collection

import psutil

from archwright.errors import InternalFault

PATIENCE_SECONDS = 60.0


class Unmoved(InternalFault):
    """What had to happen did not, and there is nothing to measure."""


@contextlib.asynccontextmanager
async def stopped(processes: Collection[psutil.Process]) -> AsyncIterator[None]:
    """Stop processes for the block; whichever stands still at its end is woken."""
    try:
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@contextlib.asynccontextmanager
async def patience(what: str) -> AsyncIterator[None]:
    """Raise Unmoved, which says what should have become so, where the block does not end in time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield
    except TimeoutError:
        raise Unmoved(f"After {PATIENCE_SECONDS:g} s it is still not so that {what}.") from None
