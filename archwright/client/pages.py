"""Walks through the pages of a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

Listed = TypeVar("Listed")


async def walk(page: Callable[[str], Awaitable[tuple[Sequence[Listed], str]]]) -> AsyncIterator[Listed]:
    """Yield everything that is listed; `page` returns one page and the token of the next, "" on the last."""
    token = ""
    while True:
        members, token = await page(token)
        for member in members:
            yield member
        if not token:
            return
