"""Asks a server on a unix socket one thing, to see whether it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

_SECONDS_MAX = 1.0


async def answers(socket: Path, question: bytes, beginning: bytes) -> bool:
    """Whether the server's answer to `question` begins so; no server, or no answer in a second, is no."""
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(question)
                return await reader.readexactly(len(beginning)) == beginning
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
