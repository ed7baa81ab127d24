"""Waits for the thing itself, under a time limit, where a test watches other processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_PAUSE_SECONDS = 0.01


async def until(is_so: Callable[[], bool], *, seconds_max: float = 30.0) -> None:
    """Return once it is so; raises TimeoutError when it does not become so."""
    async with asyncio.timeout(seconds_max):
        while not is_so():  # noqa: ASYNC110  another process makes it so, and sets no event of ours
            await asyncio.sleep(_PAUSE_SECONDS)  # noqa: TID251  likewise
