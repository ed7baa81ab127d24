"""Those who watch, in a process of their own: `python -m benchmarks.watchers <socket> <token> <count> <workflow>…`.

It says `ready` once all are welcome, and at the end, in one line of JSON, what they saw: how long after an event was
decided each had it, and what was missing or came twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime
from typing import Any

import orjson
import uvloop
from websockets.asyncio.client import unix_connect

from benchmarks.measure import in_ms

_AT_ONCE = 50


class _Seen:
    """What all of them saw."""

    def __init__(self, count: int) -> None:
        self.seconds: list[float] = []
        self.lost = 0
        self.repeated = 0
        self._unwelcome = count

    def welcome(self) -> None:
        self._unwelcome -= 1
        if not self._unwelcome:
            print("ready", flush=True)


async def _watch(socket: str, token: str, workflow_id: str, seen: _Seen, room: asyncio.Semaphore) -> None:
    uri = f"ws://localhost/ws/workflow/{workflow_id}/events"
    seqs: list[int] = []
    past = 0
    headers = {"Authorization": f"Bearer {token}"}
    await room.acquire()
    async with unix_connect(socket, uri, additional_headers=headers, compression=None, ping_interval=None) as told:
        async for text in told:
            now = time.time()
            message: dict[str, Any] = orjson.loads(text)
            match message["type"]:
                case "hello":
                    past = int(message["workflow"]["last_seq"])
                    room.release()
                    seen.welcome()
                case "event":
                    seqs.append(message["seq"])
                    if message["seq"] > past:  # what led up to this was not waited for
                        seen.seconds.append(now - datetime.fromisoformat(message["event"]["timestamp"]).timestamp())
                case "ended":
                    whole = set(range(1, message["last_seq"] + 1))
                    seen.lost += len(whole - set(seqs))
                    seen.repeated += len(seqs) - len(set(seqs))


async def main(socket: str, token: str, count: int, workflow_ids: list[str]) -> None:
    """Watch until all workflows have ended."""
    seen, room = _Seen(count), asyncio.Semaphore(_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(_watch(socket, token, workflow_ids[number % len(workflow_ids)], seen, room))
    told = {
        "update_p50_ms": in_ms(seen.seconds, 50),
        "update_p99_ms": in_ms(seen.seconds, 99),
        "update_max_ms": in_ms(seen.seconds, 100),
        "receipts": len(seen.seconds),
        "lost": seen.lost,
        "repeated": seen.repeated,
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
