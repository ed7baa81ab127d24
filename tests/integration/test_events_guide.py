"""The ten lines of the guide receive events, as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from services.bus.event import BusEvent
from services.bus.redis import RedisPublisher, writer

GUIDE = (Path(__file__).parents[2] / "docs/events.md").read_text("utf-8")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_the_ten_lines_of_the_guide_receive_what_was_published_before_and_after_they_began(
    valkey: str, tmp_path: Path
) -> None:
    [lines] = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    program = tmp_path / "my_log.py"
    program.write_text(lines)
    client = writer(valkey)
    publisher = RedisPublisher(client)
    await publisher.publish([BusEvent("acme", "wf_1", 1, "workflow_created", NOON)])

    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=os.environ | {"REDIS_URL": valkey}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            first = await process.stdout.readline()
            await publisher.publish([BusEvent("acme", "wf_1", 2, "task_completed", NOON, step="greet")])
            second = await process.stdout.readline()
    finally:
        process.kill()
        await process.wait()
        await client.aclose()

    assert first == b"2026-11-22T12:00:00Z workflow_created wf_1 \n"
    assert second == b"2026-11-22T12:00:00Z task_completed wf_1 greet\n"
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
