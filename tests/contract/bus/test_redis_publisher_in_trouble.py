"""The Redis adapter when Redis is away, silent or old."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archwright.errors import DependencyUnavailable
from services.bus.event import BusEvent
from services.bus.redis import RedisPublisher, writer

EVENT = BusEvent("acme", "wf_1", 1, "workflow_started", datetime(2026, 11, 22, 12, tzinfo=UTC))
PROMISED_SECONDS = 2.0


async def publish_in_vain(url: str) -> float:
    publisher = RedisPublisher(writer(url))
    began = time.monotonic()
    try:
        with pytest.raises(DependencyUnavailable) as raised:
            await publisher.publish([EVENT])
    finally:
        await publisher.aclose()
    assert raised.value.facts == {"dependency": "redis"}
    return time.monotonic() - began


async def test_a_redis_that_is_away_is_said_at_once(tmp_path: Path) -> None:
    assert await publish_in_vain(f"unix://{tmp_path}/nobody") < PROMISED_SECONDS


async def test_a_redis_that_never_answers_is_given_up_within_two_seconds() -> None:
    async def listen_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen_and_say_nothing, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        assert await publish_in_vain(f"redis://{host}:{port}/0") < PROMISED_SECONDS + 0.5
