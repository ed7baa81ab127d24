"""One address for several servers, as a gateway is: each new connection goes to the next one that answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

_READ_BYTES_MAX = 1 << 16


class Front:
    """A TCP proxy in front of servers that come and go."""

    def __init__(self, addresses: Callable[[], Sequence[str]]) -> None:
        self._addresses = addresses
        self._turn = 0
        self._connections = set[asyncio.Task[None]]()
        self.address = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Front]:
        """Take connections until the end of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            backend = await self._connect()
            if backend is not None:
                await _exchange((reader, writer), backend)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        addresses = self._addresses()
        self._turn += 1
        for place in range(len(addresses)):
            host, _, port = addresses[(self._turn + place) % len(addresses)].rpartition(":")
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, int(port))
        return None


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _exchange(one: Ends, other: Ends) -> None:
    """Carry bytes both ways until either end is gone."""
    try:
        async with asyncio.TaskGroup() as both:
            ways = [both.create_task(_carry(one[0], other[1])), both.create_task(_carry(other[0], one[1]))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
    finally:
        other[1].close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_READ_BYTES_MAX):
            writer.write(piece)
            await writer.drain()
