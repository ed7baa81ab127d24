"""A browser's side of a WebSocket: it comes back where it was, as the guide tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from archwright.pacing import rest

COMES_BACK = frozenset({1006, 1001, 1011, 1012, 4408, 4429, 4503})
"""Close codes after which a client tries again."""


@asynccontextmanager
async def socket(address: str, path: str, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket of the realtime service at an address."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(f"ws://{address}{path}", additional_headers=headers, compression=None, **options) as found:
        yield found


@dataclass
class Told:
    """What a WebSocket told until it was closed."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    code: int = 0
    reason: str = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.of("event")]


async def listen(address: str, path: str, token: str, **options: Any) -> Told:
    """Return all that one WebSocket tells."""
    told = Told()
    async with socket(address, path, token, **options) as found:
        try:
            async for text in found:
                told.messages.append(json.loads(text))
        except ConnectionClosed:
            pass
        told.code, told.reason = found.close_code or 0, found.close_reason or ""
    return told


@dataclass
class Browser:
    """Watches a workflow to its end, over as many WebSockets as it takes."""

    token: str
    workflow_id: str
    seqs: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    """Why each WebSocket was closed."""

    async def watch(self, address: str | Callable[[], str]) -> None:
        while not self.codes or self.codes[-1] in COMES_BACK:
            path = f"/ws/workflow/{self.workflow_id}/events?after_seq={self.seqs[-1] if self.seqs else 0}"
            place = address if isinstance(address, str) else address()
            try:
                async with socket(place, path, self.token) as found:
                    await self._read(found)
                    self.codes.append(found.close_code or 1006)
            except (OSError, InvalidHandshake, TimeoutError):
                await rest(0.05)

    async def _read(self, found: ClientConnection) -> None:
        try:
            async for text in found:
                message = json.loads(text)
                if message["type"] == "event":
                    self.seqs.append(message["seq"])
        except ConnectionClosed:
            pass


async def all_watched(address: str, browsers: list[Browser], seconds: float = 60.0) -> None:
    """Return when all have seen the end."""
    async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
        for browser in browsers:
            group.create_task(browser.watch(address))
