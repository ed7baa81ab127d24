"""The notifier as a process, on a real Valkey: events reach people and systems, and mistakes are told at once."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hook_server import Asked, HookServer, answer, hook_server
from redis.asyncio import Redis
from told_events import NOON

from archwright.events.streams import stream_of
from archwright.local import keys
from services.bus.event import BusEvent
from services.bus.redis import RedisPublisher, writer
from services.notifier.main import TERMS

SECONDS_MAX = 30.0
RECLAIM_SECONDS_MAX = 120.0
SECRET = "whsec_" + base64.b64encode(b"secret-of-tests-with-32-bytes!!!").decode()
RULES = """
channels:
  hook: {{kind: webhook, url: "{hook}?token=of-mine", secret: {{env: HOOK_SECRET}}}}
  chat: {{kind: slack, url: {{env: CHAT_URL}}}}
rules:
  - {{name: ends, tenant: acme, on: {{status: [completed, failed]}}, to: [hook, chat]}}
"""


def settings(folder: Path, redis_url: str, rules: str, **more: str) -> Mapping[str, str]:
    file = folder / "rules.yaml"
    file.write_text(rules)
    told = {
        "REDIS_URL": redis_url,
        "JWKS_FILE": str(keys.ensure(folder).jwks_file),
        "NOTIFIER_RULES_FILE": str(file),
        "NOTIFIER_ALLOW": "127.0.0.0/8",
        "PUBLIC_URL": "https://archwright.example.com",
        "LOG_LEVEL": "debug",
    } | more
    return os.environ | {f"ARCHWRIGHT_{name}": value for name, value in told.items()} | {"HOOK_SECRET": SECRET}


@asynccontextmanager
async def notifier(environment: Mapping[str, str]) -> AsyncIterator[tuple[Process, dict[str, str]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notifier"), env=environment, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS_MAX):
            ready = json.loads(await process.stdout.readline())
        yield process, ready
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def happened(event_type: str, *, seq: int, workflow_id: str = "wf_1") -> BusEvent:
    return BusEvent("acme", workflow_id, seq, event_type, NOON, definition_name="architecture_creation")


async def until_asked(hooks: HookServer, count: int) -> list[Asked]:
    async with asyncio.timeout(SECONDS_MAX), hooks.changed:
        await hooks.changed.wait_for(lambda: len(hooks.asked) >= count)
    return hooks.asked


@pytest.fixture
async def redis(valkey: str) -> AsyncIterator[Redis]:
    client = writer(valkey)
    yield client
    await client.aclose()


async def test_events_of_the_bus_are_told_once_each(tmp_path: Path, valkey: str, redis: Redis) -> None:
    async with hook_server() as hook, hook_server() as chat:
        environment = {**settings(tmp_path, valkey, RULES.format(hook=hook.url)), "CHAT_URL": f"{chat.url}/of-mine"}
        async with notifier(environment) as (process, ready):
            assert ready["service"] == "notifier"
            publisher = RedisPublisher(redis)
            failed = happened("workflow_failed", seq=5)
            await publisher.publish([failed, happened("workflow_started", seq=2)])
            await until_asked(hook, 1)
            await until_asked(chat, 1)
            await redis.xadd(stream_of(3), {"events": b"no events at all"})
            await publisher.publish([failed, happened("workflow_completed", seq=9)])
            await until_asked(hook, 2)
            await until_asked(chat, 2)
            async with grpc.aio.insecure_channel(ready["address"]) as channel:
                health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            process.terminate()
            _, logged = await process.communicate()

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert process.returncode == 0
    assert {str(asked.json["id"]) for asked in hook.asked} == {"wf_1:5", "wf_1:9"}
    assert len(hook.asked) == len(chat.asked) == 2
    assert "https://archwright.example.com/api/v1/workflows/wf_1" in str(chat.asked[0].json["text"])
    assert b'"event": "notified"' in logged or b'"event":"notified"' in logged
    assert b"of-mine" not in logged
    assert SECRET.encode() not in logged


async def test_one_place_that_is_broken_holds_up_no_other(tmp_path: Path, valkey: str, redis: Redis) -> None:
    async with hook_server(answer("500 Broken")) as hook, hook_server() as chat:
        environment = {**settings(tmp_path, valkey, RULES.format(hook=hook.url)), "CHAT_URL": chat.url}
        async with notifier(environment):
            events = [happened("workflow_failed", seq=1, workflow_id=f"wf_{number}") for number in range(40)]
            await RedisPublisher(redis).publish(events)
            asked = await until_asked(chat, 40)

    assert len(asked) == 40


async def test_what_another_one_told_is_not_told_again_after_a_restart(
    tmp_path: Path, valkey: str, redis: Redis
) -> None:
    async with hook_server() as hook, hook_server() as chat:
        environment = {**settings(tmp_path, valkey, RULES.format(hook=hook.url)), "CHAT_URL": chat.url}
        failed, completed = happened("workflow_failed", seq=5), happened("workflow_completed", seq=9)
        async with notifier(environment) as (process, _):
            await RedisPublisher(redis).publish([failed])
            await until_asked(hook, 1)
            await until_asked(chat, 1)
            process.terminate()
            await process.communicate()
        async with notifier(environment):
            await RedisPublisher(redis).publish([failed, completed])
            await until_asked(hook, 2)

    assert [asked.json["id"] for asked in hook.asked] == ["wf_1:5", "wf_1:9"]


@pytest.mark.timeout(300)
async def test_one_that_is_killed_again_and_again_loses_no_event(tmp_path: Path, valkey: str, redis: Redis) -> None:
    chance = random.Random(7)
    workflows = [f"wf_{number}" for number in range(60)]
    async with hook_server() as hook, hook_server() as chat:
        environment = {**settings(tmp_path, valkey, RULES.format(hook=hook.url)), "CHAT_URL": chat.url}
        for told_by_now in (5, 15, 25):
            async with notifier(environment) as (process, _):
                for workflow_id in workflows[:20]:
                    await RedisPublisher(redis).publish([happened("workflow_failed", seq=1, workflow_id=workflow_id)])
                del workflows[:20]
                await until_asked(hook, told_by_now + chance.randrange(5))
                process.kill()
        async with notifier(environment):
            async with asyncio.timeout(RECLAIM_SECONDS_MAX):
                for hooks in (hook, chat):
                    async with hooks.changed:
                        await hooks.changed.wait_for(lambda hooks=hooks: len(told_of(hooks)) == 60)

    # Only what was under way when it was killed may be told twice.
    assert len(hook.asked) <= 60 + 3 * TERMS.at_once


def told_of(hooks: HookServer) -> set[str]:
    """Return the workflows that somebody was told of, by the text or the event that came."""
    return {match for asked in hooks.asked for match in re.findall(r"workflows/(wf_\d+)", asked.body.decode())}


@pytest.mark.parametrize(
    ("rules", "more", "told"),
    [
        ("rules: [", {}, "rules.yaml, line"),
        (RULES.replace("{{", "{").replace("}}", "}"), {}, "channel 'hook', url is no URL"),
        (RULES.format(hook="https://h.example"), {}, "channel 'chat', url stands in the environment variable CHAT_URL"),
        ("channels: {a: {kind: apprise, url: {env: BAD_APPRISE}}}\nrules: []", {}, "The channel 'a' has a URL that"),
        ("channels: {}\nrules: []", {"NOTIFIER_ALLOW": "10.0.0.0/99"}, "ARCHWRIGHT_NOTIFIER_ALLOW"),
        ("channels: {}\nrules: []", {"PUBLIC_URL": "somewhere"}, "ARCHWRIGHT_PUBLIC_URL"),
        ("channels: {}\nrules: []", {"NOTIFIER_RULES_FILE": "/no/such.yaml"}, "/no/such.yaml cannot be read"),
    ],
)
async def test_what_is_wrong_is_told_before_anything_begins(
    tmp_path: Path, rules: str, more: dict[str, str], told: str
) -> None:
    environment = {**settings(tmp_path, "redis://127.0.0.1:1", rules, **more), "BAD_APPRISE": "discord://of-mine"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notifier"), env=environment, stderr=PIPE
    )
    async with asyncio.timeout(SECONDS_MAX):
        _, said = await process.communicate()

    assert process.returncode == 2
    assert said.decode().startswith("notifier: ")
    assert told in said.decode()
    assert b"of-mine" not in said
