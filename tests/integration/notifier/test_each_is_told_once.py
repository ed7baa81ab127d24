"""Telling: each rule and channel once for an event, only what failed again, and pauses kept; on a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hook_server import OK, HookServer, answer, hook_server
from prometheus_client import generate_latest
from redis.asyncio import Redis
from told_events import event

from archwright.errors import DependencyUnavailable
from services.bus.port import TryLater
from services.bus.redis import writer
from services.chassis.clock import ManualClock
from services.chassis.egress import Allowance, Guard, resolve
from services.chassis.egress_http import client_of, trust_of
from services.chassis.metrics import Metrics
from services.notifier.channels.making import channel_of
from services.notifier.channels.port import DeliveryFailed, DeliveryRefused
from services.notifier.composing import Composer
from services.notifier.delivered import RedisDelivered
from services.notifier.notify import Notify
from services.notifier.rules_file import read_rules

RULES = """
channels:
  first: {{kind: slack, url: "{first}"}}
  second: {{kind: slack, url: "{second}"}}
rules:
  - {{name: ends, tenant: acme, on: {{status: [failed, completed]}}, to: [first, second]}}
  - {{name: tasks, tenant: acme, on: {{events: [task_failed]}}, to: [first]}}
"""


class Stage:
    """A Notify with two places to write to."""

    def __init__(self, first: HookServer, second: HookServer, notify: Notify, clock: ManualClock, metrics: Metrics):
        self.first = first
        self.second = second
        self.notify = notify
        self.clock = clock
        self._metrics = metrics

    def counts(self) -> dict[str, int]:
        lines = generate_latest(self._metrics.registry).decode().splitlines()
        found = [line for line in lines if line.startswith("archwright_notifications_total{")]
        counted = {line.partition('outcome="')[2].partition('"')[0]: int(float(line.split()[-1])) for line in found}
        return {outcome: count for outcome, count in counted.items() if count}


@pytest.fixture
async def redis(valkey: str) -> AsyncIterator[Redis]:
    client = writer(valkey)
    yield client
    await client.aclose()


@pytest.fixture
async def stage(redis: Redis, tmp_path: Path) -> AsyncIterator[Stage]:
    guard, trust = Guard(Allowance.read("127.0.0.0/8"), "ARCHWRIGHT_NOTIFIER_ALLOW", resolve), trust_of(None)
    async with hook_server() as first, hook_server() as second, client_of(guard, trust) as client:
        notify, clock, metrics = made(tmp_path, client, guard, RedisDelivered(redis), first, second)
        yield Stage(first, second, notify, clock, metrics)


def made(
    folder: Path,
    client: httpx.AsyncClient,
    guard: Guard,
    delivered: RedisDelivered,
    first: HookServer,
    second: HookServer,
) -> tuple[Notify, ManualClock, Metrics]:
    file = folder / "rules.yaml"
    file.write_text(RULES.format(first=first.url, second=second.url))
    rules, clock, metrics = read_rules(file, lambda kind, name: ""), ManualClock(), Metrics()
    channels = {
        name: channel_of(described, client, guard, trust_of(None), clock) for name, described in rules.channels.items()
    }
    return Notify(rules, channels, Composer(rules, ""), delivered, clock, metrics), clock, metrics


async def test_every_channel_of_every_rule_is_told(stage: Stage) -> None:
    await stage.notify.handle(event("workflow_failed"))

    assert len(stage.first.asked) == len(stage.second.asked) == 1
    assert stage.counts() == {"delivered": 2}


async def test_what_concerns_nobody_is_told_nobody(stage: Stage) -> None:
    await stage.notify.handle(event("workflow_created"))
    await stage.notify.handle(event("workflow_failed", tenant="globex"))
    await stage.notify.handle(event("some_type_of_tomorrow"))

    assert stage.counts() == {}


async def test_an_event_that_comes_again_is_not_told_again(stage: Stage) -> None:
    for _ in range(3):
        await stage.notify.handle(event("workflow_failed"))

    assert len(stage.first.asked) == len(stage.second.asked) == 1
    assert stage.counts() == {"delivered": 2, "repeated": 4}


async def test_another_event_of_the_same_workflow_is_told(stage: Stage) -> None:
    await stage.notify.handle(event("workflow_failed", seq=7))
    await stage.notify.handle(event("workflow_completed", seq=9))

    assert len(stage.first.asked) == 2


@pytest.mark.parametrize(
    ("first_answer", "kind", "outcome"),
    [("500 Broken", DeliveryFailed, "failed"), ("404 Not Found", DeliveryRefused, "refused")],
)
async def test_only_the_channel_that_failed_is_told_again(
    stage: Stage, first_answer: str, kind: type[Exception], outcome: str
) -> None:
    stage.first.answers = [answer(first_answer), OK]

    with pytest.raises(kind, match="Rule 'ends' through channel 'first'"):
        await stage.notify.handle(event("workflow_failed"))
    await stage.notify.handle(event("workflow_failed"))

    assert len(stage.first.asked) == 2
    assert len(stage.second.asked) == 1
    assert stage.counts() == {"delivered": 2, "repeated": 1, outcome: 1}


async def test_a_channel_that_asks_for_a_pause_is_left_alone_by_all_events(stage: Stage) -> None:
    stage.first.answers = [answer("429 Too Many", "Retry-After: 30"), OK]

    with pytest.raises(TryLater, match="Rule 'ends' through channel 'first'") as raised:
        await stage.notify.handle(event("workflow_failed", seq=7))
    assert 30 <= raised.value.after_seconds <= 30 * 1.25
    await stage.clock.wind(10)
    with pytest.raises(TryLater, match="It asked for a pause") as raised:
        await stage.notify.handle(event("workflow_failed", seq=9))
    assert 20 <= raised.value.after_seconds <= 20 * 1.25
    assert len(stage.first.asked) == 1
    assert len(stage.second.asked) == 2

    await stage.clock.wind(20)
    await stage.notify.handle(event("workflow_failed", seq=7))
    await stage.notify.handle(event("workflow_failed", seq=9))
    assert len(stage.first.asked) == 3
    assert len(stage.second.asked) == 2


async def test_a_failure_is_told_rather_than_a_pause(stage: Stage) -> None:
    stage.first.answers = [answer("429 Too Many", "Retry-After: 30")]
    stage.second.answers = [answer("500 Broken")]

    with pytest.raises(DeliveryFailed, match="channel 'second'"):
        await stage.notify.handle(event("workflow_failed"))


async def test_a_task_is_told_of_only_when_it_has_failed_for_good(stage: Stage) -> None:
    await stage.notify.handle(event("task_failed", seq=1, category="TIMEOUT", retry_at="2026-01-01T12:00:05Z"))
    assert not stage.first.asked

    await stage.notify.handle(event("task_failed", seq=2, category="TIMEOUT"))
    assert len(stage.first.asked) == 1


async def test_without_redis_nothing_is_told_and_the_event_comes_again(tmp_path: Path) -> None:
    away = writer(f"unix://{tmp_path}/nobody")
    guard, trust = Guard(Allowance.read("127.0.0.0/8"), "ARCHWRIGHT_NOTIFIER_ALLOW", resolve), trust_of(None)
    async with hook_server() as first, hook_server() as second, client_of(guard, trust) as client:
        notify, _, _ = made(tmp_path, client, guard, RedisDelivered(away), first, second)
        with pytest.raises(DependencyUnavailable, match="Redis did not tell"):
            await notify.handle(event("workflow_failed"))

    assert not first.asked
    await away.aclose()


async def test_events_are_told_several_at_once(stage: Stage) -> None:
    async with asyncio.TaskGroup() as group:
        for seq in range(1, 33):
            group.create_task(stage.notify.handle(event("workflow_failed", seq=seq)))

    assert len(stage.first.asked) == len(stage.second.asked) == 32
