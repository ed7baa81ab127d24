"""One round: a world of its own, callers, strikes by a timetable, calm, and then the questions."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checker import Facts, Outside, found_wrong
from checker.bus import copies, published
from checker.database import read
from checker.facts import Effect
from checker.outages import Struck, faults

from archwright.local.temporary import temporary_folder
from services.chassis.clock import SystemClock
from services.engine.domain.events import TaskCompleted, TaskFailed
from tests.chaos.callers import Asked, Callers
from tests.chaos.observer import observed, stale_results
from tests.chaos.strikes import strike
from tests.chaos.timetable import Fault, timetable
from tests.chaos.world import World, world

ENGINE = ("-m", "services.engine")
LOOK_SECONDS = 1.0
DESCRIPTORS_MORE_MAX = 60
"""Connections to PostgreSQL, Redis, agents and callers that an engine may have at the end, and not at the start."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what should come at once, before it counts as lost."""

    end_seconds: float = 75.0
    """After the last strike, until callers have seen their workflows end."""
    calm_seconds: float = 40.0
    """After that, until the outbox has drained and nothing is wrong any more."""


@dataclass
class Outcome:
    """What a round came to."""

    seed: int
    violations: Sequence[str] = ()
    strikes: Counter[str] = field(default_factory=Counter)
    lies: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def round_of(
    seed: int,
    seconds: float,
    *,
    say: Say,
    engine: Sequence[str] = ENGINE,
    among: Sequence[Fault] = tuple(Fault),
    patience: Patience = Patience(),
    logs: Path | None = None,
) -> Outcome:
    """Strike a world of its own for so long, let it come to rest, and return what was found.

    Where something was, what all processes had to say is left in the folder `logs`.
    """
    with temporary_folder() as folder:
        outcome = asyncio.run(_round(seed, seconds, folder, say, engine, among, patience))
        if logs is not None and outcome.violations:
            logs.mkdir(parents=True, exist_ok=True)
            for log in (*folder.glob("*.log"), folder / "ledger"):
                shutil.copy(log, logs)
    return outcome


async def _round(
    seed: int,
    seconds: float,
    folder: Path,
    say: Say,
    engine: Sequence[str],
    among: Sequence[Fault],
    patience: Patience,
) -> Outcome:
    began, outcome = time.monotonic(), Outcome(seed)
    async with world(folder, engine) as struck_world:
        await struck_world.add_agents()
        before = {what: count + DESCRIPTORS_MORE_MAX for what, count in struck_world.descriptors().items()}
        callers = Callers(struck_world, seed)
        say(f"seed {seed}: the mesh is up after {time.monotonic() - began:.1f} s")
        try:
            async with asyncio.timeout(seconds + patience.end_seconds), asyncio.TaskGroup() as beside:
                keeping = beside.create_task(struck_world.replace_who_crashes())
                calling = beside.create_task(callers.call())
                last = await _strike(struck_world, seed, seconds, among, outcome, say)
                callers.stop()
                await calling
                keeping.cancel()
        except TimeoutError:
            say(f"  callers still wait {patience.end_seconds:g} s after the last strike")
        say(f"  {time.monotonic() - began:5.1f} s  calm")
        facts, outcome.violations = await _questioned(struck_world, callers.asked, last, before, patience.calm_seconds)
        outcome.lies.update(_lies(struck_world))
        outcome.counts.update(_counted(facts, struck_world))
    outcome.calls, outcome.endings = callers.asked.calls, callers.asked.endings
    outcome.seconds = time.monotonic() - began
    return outcome


async def _strike(
    struck_world: World, seed: int, seconds: float, among: Sequence[Fault], outcome: Outcome, say: Say
) -> Struck:
    """Strike as the timetable says; return when the last strike was, and that all are mended."""
    clock = SystemClock()
    began = clock.monotonic()
    strikes = timetable(seed, seconds, among)
    with faults() as struck:
        async with asyncio.TaskGroup() as under_way:
            for each in strikes:
                await clock.sleep(max(0.0, began + each.at_seconds - clock.monotonic()))
                say(f"  {each.at_seconds:5.1f} s  {each.fault}, for {each.lasts_seconds:.1f} s")
                outcome.strikes[each.fault] += 1
                struck.began_at = clock.now()
                under_way.create_task(strike(struck_world, each))
    return struck


async def _questioned(
    struck_world: World, asked: Asked, last: Struck, before: Mapping[str, int], seconds_max: float
) -> tuple[Facts, Sequence[str]]:
    """Ask all questions until nothing is wrong any more, or it has had its time."""
    clock = SystemClock()
    ends_at = clock.monotonic() + seconds_max
    while True:
        facts = await read(struck_world.owner_dsn)
        seen = Outside(
            acknowledged=asked.acknowledged,
            published=struck_world.forgotten + await published(struck_world.redis_url),
            copies=await copies(struck_world.redis_url),
            seen=asked.seen,
            effects=[Effect(effect["task_id"], int(effect["attempt"])) for effect in struck_world.mesh.ledger],
            outage=last.outage,
            must_be_over=True,
            before=before,
            after=struck_world.descriptors(),
        )
        wrong = [
            *asked.wrong,
            *found_wrong(facts, seen),
            *_badly_ended(facts, asked),
            *_never_asked_for(facts, asked),
            *_believed(facts),
            *stale_results(facts, await observed(struck_world.owner_dsn)),
            *struck_world.decoy.complaints(),
        ]
        if not wrong or clock.monotonic() > ends_at:
            return facts, wrong
        await clock.sleep(LOOK_SECONDS)


def _badly_ended(facts: Facts, asked: Asked) -> list[str]:
    """Return the workflows that ended as theirs cannot."""
    return [
        f"I1 workflow {found.key.workflow_id} of {found.plan.definition.name} ended as {found.status}"
        for found in facts.workflows
        if found.status.is_final
        and (may := asked.acknowledged.get(found.key)) is not None
        and found.status.name not in may
    ]


def _never_asked_for(facts: Facts, asked: Asked) -> list[str]:
    """Return the workflows that nobody started, but for children of others."""
    return [
        f"I1 workflow {found.key.workflow_id} was started by {found.request_id!r}, which nobody asked for"
        for found in facts.workflows
        if found.request_id not in asked.request_ids and "/" not in found.request_id
    ]


def _believed(facts: Facts) -> list[str]:
    """Return the outputs in histories that no agent would own up to, or that another attempt had."""
    wrong = []
    for found in facts.workflows:
        for event in found.events:
            if not isinstance(event, TaskCompleted) or not isinstance(event.output, dict):
                continue
            if "lie" in event.output:
                wrong.append(f"I6 a lie about task {event.task_id} was believed")
            elif event.output.get("attempt", event.attempt) != event.attempt:
                wrong.append(f"I6 attempt {event.attempt} at task {event.task_id} has the output of another")
    return wrong


def _lies(struck_world: World) -> Counter[str]:
    if not struck_world.lies.exists():
        return Counter()
    return Counter(json.loads(line)["lie"] for line in struck_world.lies.read_text().splitlines())


def _counted(facts: Facts, struck_world: World) -> Counter[str]:
    events = [event for found in facts.workflows for event in found.events]
    lost = sum(isinstance(event, TaskFailed) and event.code == "LEASE_EXPIRED" for event in events)
    return Counter(
        {
            "workflows": len(facts.workflows),
            "events": len(events),
            "effects": len(struck_world.mesh.ledger),
            "attempts lost with their agent": lost,
        }
    )
