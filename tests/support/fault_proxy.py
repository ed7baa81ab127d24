"""A TCP proxy between two processes that does to their connections what networks do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

_READ_BYTES_MAX = 1 << 16
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends RST."""


@dataclass(eq=False)
class _Pair:
    """A connection to us, and ours to the server."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    is_half_open: bool = False


class FaultProxy:
    """Carries bytes to a server, until it is told to do worse."""

    def __init__(self, server: Callable[[], str]) -> None:
        self._server = server
        self._pairs = set[_Pair]()
        self._carrying = set[asyncio.Task[None]]()
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self.release()
        self.delay_seconds = 0.0
        self.address = ""
        self.connections = 0

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[FaultProxy]:
        """Take connections until the end of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            server.close()
            self.release()
            for task in list(self._carrying):
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)
            await server.wait_closed()

    def hold(self) -> None:
        """Let nothing pass, either way; all of it arrives once it is released, as after a partition."""
        self._forth.clear()
        self._back.clear()

    def hold_back(self) -> None:
        """Let nothing pass that the server says: it is heard, and not answered."""
        self._back.clear()

    def release(self) -> None:
        """Let everything pass again."""
        self._forth.set()
        self._back.set()

    def cut_off(self) -> None:
        """Leave connections half open: the server sees an end, and whoever connected hears nothing of that."""
        for pair in list(self._pairs):
            pair.is_half_open = True
            _reset(pair.far)

    def reset(self) -> None:
        """Break all connections at once, for both ends."""
        for pair in list(self._pairs):
            _reset(pair.far)
            _reset(pair.near)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self.connections += 1
        host, _, port = self._server().rpartition(":")
        try:
            far_reader, far = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            self._carrying.discard(task)
            return
        pair = _Pair(writer, far)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry_back(pair, far_reader))
                both.create_task(self._carry_forth(pair, reader))
        except asyncio.CancelledError:
            return  # the end of the proxy; asyncio's own callback would take it for a failure
        finally:
            self._pairs.discard(pair)
            self._carrying.discard(task)
            writer.close()
            far.close()

    async def _carry_forth(self, pair: _Pair, source: asyncio.StreamReader) -> None:
        """Carry what comes from whoever connected; where the way is half open, it is swallowed."""
        await self._carry(source, pair.far, self._forth, lambda: not pair.is_half_open)
        pair.far.close()

    async def _carry_back(self, pair: _Pair, source: asyncio.StreamReader) -> None:
        """Carry what the server says, until it goes; whoever connected hears of that unless the way is half open."""
        await self._carry(source, pair.near, self._back, lambda: True)
        if not pair.is_half_open:
            pair.near.close()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        to: asyncio.StreamWriter,
        flows: asyncio.Event,
        is_passed_on: Callable[[], bool],
    ) -> None:
        """Carry bytes one way, each piece as late as the way is slow; many may be on it at a time."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        clock = asyncio.get_running_loop().time

        async def deliver() -> None:
            while True:
                due_at, piece = await on_the_way.get()
                if not piece:
                    return
                await asyncio.sleep(max(0.0, due_at - clock()))  # noqa: TID251  it is the slowness itself
                await flows.wait()
                if is_passed_on() and not to.is_closing():
                    with contextlib.suppress(OSError):
                        to.write(piece)
                        await to.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(deliver())
            with contextlib.suppress(OSError):
                while piece := await source.read(_READ_BYTES_MAX):
                    on_the_way.put_nowait((clock() + self.delay_seconds, piece))
            on_the_way.put_nowait((0.0, b""))


def _reset(writer: asyncio.StreamWriter) -> None:
    if writer.is_closing():
        return  # it is gone already, or on its way
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
