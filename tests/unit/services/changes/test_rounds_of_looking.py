"""When the changes of a rule are looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from services.changes.loops.look_at_changes import RING_SECONDS, LookAtChanges
from services.changes.port import SystemUnavailable
from services.changes.rules import Jira, Rule
from services.chassis.clock import ManualClock

DESK = {"kind": "jira", "url": "https://jira.example", "user": "a", "service_desk": "1", "request_type": "2"}
RULE = Rule(
    name="reviews",
    tenant="acme",
    system=Jira.model_construct(**DESK, token=SecretStr("s3cret")),
    token_file=Path(),
    poll_seconds=3_600,
)


@dataclass
class Rounds:
    """When each began, and what the next come to."""

    clock: ManualClock
    rule: Rule = RULE
    begun: list[float] = field(default_factory=list)
    wrong: list[SystemUnavailable] = field(default_factory=list)

    async def see_to_all(self) -> None:
        self.begun.append(self.clock.monotonic())
        if self.wrong:
            raise self.wrong.pop()


async def wound(looking: LookAtChanges, clock: ManualClock) -> None:
    """Let somebody ring often, and time pass until it has looked."""
    for _ in range(200):
        looking.ring()
    async with asyncio.TaskGroup() as group:
        doing = group.create_task(looking.step())
        while not doing.done():
            await clock.wind(0.25)


async def test_however_often_somebody_rings_rounds_keep_their_distance() -> None:
    rounds = Rounds(clock := ManualClock())
    looking = LookAtChanges(rounds, clock)

    for _ in range(3):
        await wound(looking, clock)

    first, second, third = rounds.begun
    assert second - first >= RING_SECONDS
    assert third - second >= RING_SECONDS


async def test_nobody_rings_a_system_awake_that_asked_for_a_pause() -> None:
    rounds = Rounds(clock := ManualClock())
    rounds.wrong = [SystemUnavailable("Jira: it is asked too much.", retry_after_seconds=15)]
    looking = LookAtChanges(rounds, clock)

    await wound(looking, clock)
    await wound(looking, clock)

    first, second = rounds.begun
    assert second - first >= 15
