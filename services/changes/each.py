"""Does one thing after the other, none of which may keep those behind it from their turn."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from archwright.errors import ArchwrightError


async def each_of(doing: Iterable[Awaitable[None]]) -> None:
    """Do all of it, one after the other; raises what the first said that failed, after the others have been done.

    What is given is made one by one, so what is not reached was never begun.
    """
    failed: ArchwrightError | None = None
    for each in doing:
        try:
            await each
        except ArchwrightError as error:
            failed = failed or error
    if failed is not None:
        raise failed
