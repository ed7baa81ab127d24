"""One run: workflows are started and watched while faults strike, in rounds after which all are asked what they saw.

A bus that loses everything every few seconds is told everything again every few seconds, and a group that takes its
time would never come to the end. So a round has no more faults than the groups can make good after it.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from browser import Browser

from archwright import Client
from archwright.errors import ArchwrightError
from archwright.pacing import rest
from services.chassis.clock import SystemClock
from tests.bus_chaos.strikes import Strike, schedule, strike
from tests.bus_chaos.world import GROUPS, World, world

STEPS = 4
SOURCE = "\n".join(
    [
        "name: observed",
        "steps:",
        *(f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.02}}}}" for n in range(STEPS)),
    ]
)
ROUND_FAULTS = 25
PAUSE_SECONDS = 0.15
BROWSERS_MAX = 12
END_SECONDS_MAX = 60.0
CALM_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.5
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    strikes: Counter[Strike]
    workflows: int
    events: int
    watched: int
    violations: Sequence[str]


def run(
    seed: int,
    faults: int,
    say: Say,
    *,
    engine_program: Sequence[str] = ("-m", "services.engine"),
    receiver_options: Sequence[str] = (),
) -> Outcome:
    """Strike so often, and return what came of it."""
    with tempfile.TemporaryDirectory(prefix="bus-") as folder:
        return asyncio.run(_run(Path(folder), seed, faults, say, engine_program, receiver_options))


async def _run(
    folder: Path, seed: int, faults: int, say: Say, engine_program: Sequence[str], receiver_options: Sequence[str]
) -> Outcome:
    chance, struck = random.Random(seed), Counter[Strike]()
    async with world(folder, engine_program, receiver_options) as found:
        async with found.client() as client:
            await client.definitions.publish(SOURCE)
        planned = list(schedule(seed, faults))
        for start in range(0, len(planned), ROUND_FAULTS):
            kinds = planned[start : start + ROUND_FAULTS]
            await _round(found, kinds, chance)
            struck.update(kinds)
            outcome = await _judged(found, struck)
            say(f"{struck.total()} faults, {outcome.workflows} workflows, the last was: {kinds[-1]}")
            if outcome.violations:
                break
        return outcome


async def _round(found: World, kinds: Sequence[Strike], chance: random.Random) -> None:
    """Strike one after the other while workflows are started, and see all of those end."""
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        load = group.create_task(_load(found, is_over))
        for kind in kinds:
            await rest(chance.uniform(0.3, 1.5))
            await strike(found, kind, chance)
        is_over.set()
        await load


async def _load(found: World, is_over: asyncio.Event) -> None:
    """Start workflows until it is over, and watch some; then see all of them end."""
    async with asyncio.TaskGroup() as group, found.client() as client:
        watching: set[asyncio.Task[None]] = set()
        while not is_over.is_set():
            await rest(PAUSE_SECONDS, is_over)
            with suppress(ArchwrightError):  # an engine is away; what was not started needs nothing
                workflow_id = (await client.start("observed", {})).workflow_id
                watching = {task for task in watching if not task.done()}
                if len(watching) < BROWSERS_MAX:
                    browser = Browser(found.token(), workflow_id)
                    found.browsers.append(browser)
                    watching.add(group.create_task(browser.watch(lambda: found.realtime.address)))
        async with asyncio.timeout(END_SECONDS_MAX):
            await _all_ended(client)
            await asyncio.gather(*watching)


async def _all_ended(client: Client) -> None:
    while [workflow async for workflow in client.list(filter="status = running")]:
        await rest(LOOK_SECONDS)


async def _judged(found: World, struck: Counter[Strike]) -> Outcome:
    """Ask everybody what they saw, until it is all or they have had long enough."""
    histories = await found.histories()
    events = {f"{workflow_id}:{seq}" for workflow_id, last_seq in histories.items() for seq in range(1, last_seq + 1)}
    clock = SystemClock()
    until = clock.monotonic() + CALM_SECONDS_MAX
    while (missing := _missing(found, events)) and clock.monotonic() < until:
        await clock.sleep(LOOK_SECONDS)
    for receiver in found.receivers:
        if not receiver.is_running:
            log = (found.folder / f"{receiver.name}.log").read_text()
            missing.append(f"receiver {receiver.name} ended by itself: {log[-600:]}")
    for browser in found.browsers:
        if browser.seqs != list(range(1, histories[browser.workflow_id] + 1)):
            missing.append(f"a browser saw {browser.seqs} of {browser.workflow_id}, closed by {browser.codes}")
    return Outcome(struck, len(histories), len(events), len(found.browsers), missing)


def _missing(found: World, events: set[str]) -> list[str]:
    missing = {group: sorted(events - found.received(group)) for group in GROUPS}
    return [
        f"group {group} never received {len(lost)} events, such as {lost[0]}" for group, lost in missing.items() if lost
    ]
