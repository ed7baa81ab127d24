"""One WebSocket that watches a workflow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from archwright.connection import Connection
from services.realtime.closing import CloseCode

SEND_SECONDS_MAX = 30.0
"""Who takes longer than this for one message of history is too slow."""


class Kind(StrEnum):
    """What a watcher is told."""

    EVENTS = "events"
    STATUS = "status"


@dataclass(eq=False, slots=True)
class Watcher:
    """A WebSocket, how far it has come, and in whose name it watches."""

    socket: ServerConnection
    kind: Kind
    cursor: int
    """The seq of the newest event that was sent; of nobody else's concern where it watches the status."""
    engine: Connection
    """The engine, asked in the watcher's name."""
    token: str
    expires_at: datetime
    is_cut: bool = False

    @property
    def waiting_bytes(self) -> int:
        """How much was sent that it has not taken."""
        return self.socket.transport.get_write_buffer_size()

    async def send(self, text: bytes) -> None:
        """Send a message once there is room for it; raises TimeoutError for one who takes too long."""
        async with asyncio.timeout(SEND_SECONDS_MAX):
            await self.socket.send(text, text=True)

    async def close(self, code: CloseCode, why: str, last: bytes = b"") -> None:
        """Send a last message, and close. Never fails: who is gone is closed."""
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                if last:
                    await self.socket.send(last, text=True)
                await self.socket.close(code, why[:120])
        except (ConnectionClosed, TimeoutError, OSError):
            self.socket.transport.abort()
