"""One schedule: a world drawn from a seed, its troubles, and what the invariants say of it at the end."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import traceback
import uuid
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn

import structlog
from checker.facts import Effect, Outside, Removed
from checker.invariants import found_wrong
from checker.memory import read

from archwright import ids
from archwright.errors import ArchwrightError
from services.engine.domain.events import Event
from services.engine.ports.keys import Key
from services.engine.storage.memory.hot_copies import MemoryHotCopies
from services.engine.storage.memory.tables import Tables
from tests.simulation.agents import Agent
from tests.simulation.callers import SECRETS, Callers
from tests.simulation.definitions import plans
from tests.simulation.links import Bus, Copies
from tests.simulation.mutants import REAL, Mutation
from tests.simulation.people import People
from tests.simulation.replica import AgentName, Replica, Surroundings
from tests.simulation.timetable import Timetable
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import Duties, StandsStill, VirtualClock, VirtualLoop, run
from tests.simulation.watched_storage import FenceLog, WatchedSchedules

_DONE_SECONDS_MAX = 250.0
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """What a schedule came to."""

    seed: int
    violations: tuple[str, ...]
    transcript: tuple[str, ...]
    workflows: Mapping[str, int]
    """How many ended in which status."""
    fired: Mapping[str, int]
    """How often each trouble struck."""
    seconds: float
    """How long it took, on its own clock."""


def run_schedule(seed: int, mutation: Mutation = REAL, wildness: float | None = None) -> Outcome:
    """Return what becomes of the schedule of this seed; the same each time.

    `wildness` says how much trouble there is, 1.0 being plenty; it is drawn too where it is not said.
    """
    chance = random.Random(seed)
    with _heard() as faults, _drawn_by(chance):
        worlds: list[_World] = []

        async def unfold(loop: VirtualLoop) -> Outcome:
            worlds.append(_World(seed, chance, loop, mutation, wildness))
            return await worlds[0].unfold()

        try:
            outcome: Outcome = run(unfold)
        except StandsStill as still:
            outcome = worlds[0].outcome(f"I11 {still}")
    told = (f"A fault of the engine's own: {fault}" for fault in faults)
    return replace(outcome, violations=(*outcome.violations, *told))


class _World:
    """Replicas, agents and callers around one database, and whoever sets them against each other."""

    def __init__(
        self, seed: int, chance: random.Random, loop: VirtualLoop, mutation: Mutation, wildness: float | None
    ) -> None:
        self._seed = seed
        self._chance = chance
        self._loop = loop
        self._lines: list[tuple[float, str]] = []
        self._clock = VirtualClock(loop)
        self._trouble = trouble = Trouble.drawn(chance, wildness)
        self._tables = tables = Tables(self._clock)
        for plan in plans():
            for tenant in SECRETS:
                tables.publish(tenant, plan)
        self._bus = Bus(trouble)
        self._fences = FenceLog()
        self._schedules = WatchedSchedules()
        self._removed: list[Removed] = []
        self._everybody = Duties(loop)
        types = ["worker", "helper", *chance.choices(("worker", "helper"), k=chance.randrange(4))]
        names = [AgentName(f"{agent_type}-{number}", agent_type) for number, agent_type in enumerate(types)]
        around = Surroundings(
            agents=names,
            loop=loop,
            tables=tables,
            bus=self._bus,
            trouble=trouble,
            fences=self._fences,
            afterlife=self._everybody,
            tell=self._tell,
            mutation=mutation,
            copies=Copies(MemoryHotCopies(), trouble) if chance.random() < 0.5 else None,
            workflows_max=chance.choice((1, 2, 1_000, 1_000)),
            schedules=self._schedules,
            keep=timedelta(seconds=chance.uniform(1.0, 20.0)) if chance.random() < 0.3 else None,
            removed=self._removed,
        )
        self._replicas = [Replica(f"replica-{number}", around) for number in range(chance.choice((2, 2, 3)))]
        self._ledger: list[Effect] = []
        self._agents = [
            Agent(
                name,
                chance.randrange(1, 5),
                self._replicas,
                trouble,
                loop,
                self._ledger,
                self._tell,
                self._clock,
                is_mortal=number > 1,
            )
            for number, name in enumerate(names)
        ]
        self._copies = around.copies
        self._callers = Callers(self._replicas, trouble, self._clock, self._tell, self._is_kept)
        self._timetable = Timetable(self._schedules, trouble, self._clock, self._tell)

    async def unfold(self) -> Outcome:
        """Let everything happen, then heal, then look."""
        for replica in self._replicas:
            replica.start()
        for agent in self._agents:
            self._everybody.create_task(agent.live())
        count = self._chance.randrange(1, 6)
        people = People(self._tables, self._callers, self._trouble)
        if self._chance.random() < 0.6:
            self._everybody.create_task(people.meddle())
        if self._chance.random() < 0.3:
            await self._timetable.make()
            self._everybody.create_task(self._timetable.meddle())
        starting = [self._everybody.create_task(self._start(number)) for number in range(count)]
        lasts = self._chance.uniform(1.0, 8.0)
        sabotage = self._everybody.create_task(self._sabotage())
        await asyncio.sleep(lasts)  # noqa: TID251  virtual
        assert sabotage is not None
        sabotage.cancel()
        self._heal()
        asked = [task for task in starting if task is not None]
        _, unanswered = await asyncio.wait(asked, timeout=_DONE_SECONDS_MAX)
        if unanswered:
            return self.outcome("I1 a caller is not answered")
        for task in asked:
            task.result()
        late = await self._timetable.end()
        healed_at = self._loop.time()
        is_over = await self._until_over(people, healed_at + _DONE_SECONDS_MAX)
        undrained = [] if is_over else ["I7 the outbox or the inbox did not drain"]
        return self.outcome(*late, *undrained)

    async def _start(self, number: int) -> None:
        await asyncio.sleep(self._chance.random() * 3.0)  # noqa: TID251  virtual
        plan = self._chance.choice(plans())
        await self._callers.start(number, plan)
        started = self._callers.started[f"request-{number}"]
        if self._chance.random() < 0.2:
            await asyncio.sleep(self._chance.random() * 4.0)  # noqa: TID251  virtual
            await self._callers.cancel(started.key)

    async def _sabotage(self) -> None:
        """Do what no single call can: kill, freeze, cut the database off, move clocks."""
        chance, trouble = self._chance, self._trouble
        while True:
            await asyncio.sleep(0.2 + chance.random() * 2.0)  # noqa: TID251  virtual
            replica = chance.choice(self._replicas)
            match chance.randrange(6):
                case 0 | 1 if replica.is_up:
                    trouble.fired["kill"] = trouble.fired.get("kill", 0) + 1
                    replica.kill()
                    self._everybody.create_task(self._start_again(replica, chance.random() * 4.0))
                case 2 if replica.is_up:
                    trouble.fired["freeze"] = trouble.fired.get("freeze", 0) + 1
                    replica.freeze(chance.random() * 8.0)
                case 3:
                    trouble.fired["outage"] = trouble.fired.get("outage", 0) + 1
                    self._tell("the database is down")
                    trouble.outage_until = self._loop.time() + chance.random() * 3.0
                    self._tables.started_at = self._clock.now()
                case 4:
                    trouble.fired["clock_jump"] = trouble.fired.get("clock_jump", 0) + 1
                    jumping = chance.choice([self._clock, *(each.clock for each in self._replicas)])
                    seconds = chance.choice((-3.0, -0.5, 1.0, 5.0))
                    self._tell(f"a clock jumps by {seconds:g} s")
                    jumping.jump(seconds)
                case _:
                    pass

    async def _start_again(self, replica: Replica, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)  # noqa: TID251  virtual
        if not replica.is_up:
            replica.start()

    def _heal(self) -> None:
        self._tell("the trouble is over")
        self._trouble.heal()
        for replica in self._replicas:
            if replica.is_up:
                replica.link.frozen_until = 0.0
            else:
                replica.start()

    async def _until_over(self, people: People, until: float) -> bool:
        """Return whether every workflow ended, and every commit was published and every word heard, in time."""
        while self._loop.time() < until:
            is_over = all(row.status.is_final for row in self._tables.workflows.values())
            is_told = not self._tables.inbox and all(row.published_at for row in self._tables.commits.values())
            if is_over and is_told:
                return True
            await people.help_out()
            await asyncio.sleep(_LOOK_SECONDS)  # noqa: TID251  virtual
        return False

    def _is_kept(self, key: Key) -> bool:
        return key in self._tables.workflows

    def outcome(self, *otherwise_wrong: str) -> Outcome:
        """End everything, and return what came of it; `otherwise_wrong` is what was seen beside the invariants."""
        seconds = self._loop.time()
        for replica in self._replicas:
            replica.kill()
        self._everybody.end()
        seen = Outside(
            acknowledged=[started.key for started in self._callers.started.values()],
            published=self._bus.published,
            effects=self._ledger,
            grants=self._fences.grants,
            applied=self._fences.applied,
            copies=self._copies.seen if self._copies else (),
            secrets=SECRETS,
            fired=self._schedules.fired,
            removed=self._removed,
            reruns=self._callers.reruns,
            must_be_over=True,
        )
        facts = read(self._tables)
        violations = [*self._callers.wrong, *found_wrong(facts, seen)]
        if violations:
            for found in facts.workflows:
                self._lines += [(seconds, f"{found.key.workflow_id} {_told(event)}") for event in found.events]
        violations += otherwise_wrong
        statuses = [str(row.status) for row in self._tables.workflows.values()]
        statuses += ["removed" for _ in self._removed]
        begun = {"firing": len(self._schedules.fired), "rerun": len(self._callers.reruns)}
        return Outcome(
            seed=self._seed,
            violations=tuple(violations),
            transcript=tuple(f"{at:8.3f}  {line}" for at, line in self._lines),
            workflows={status: statuses.count(status) for status in sorted(set(statuses))},
            fired=dict(sorted({**self._trouble.fired, **{name: n for name, n in begun.items() if n}}.items())),
            seconds=seconds,
        )

    def _tell(self, line: str) -> None:
        self._lines.append((self._loop.time(), line))


def _told(event: Event) -> str:
    """Return an event in short."""
    shown = {name: getattr(event, name, None) for name in ("step", "scope", "attempt", "code", "retry_at")}
    return " ".join([type(event).__name__, *(f"{name}={value}" for name, value in shown.items() if value)])


@contextmanager
def _drawn_by(chance: random.Random) -> Iterator[None]:
    """Let ids, and whatever else the engine leaves to chance, come from the schedule's own."""
    made = ids.new_uuid
    before = random.getstate()
    number = 0

    def new_uuid() -> uuid.UUID:
        nonlocal number
        number += 1
        return ids.derived_uuid(1_767_225_600_000 + number, str(chance.getrandbits(64)))

    ids.new_uuid = new_uuid
    random.seed(chance.getrandbits(64))
    try:
        yield
    finally:
        ids.new_uuid = made
        random.setstate(before)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what the engine logs as a fault of its own. What else goes wrong here is meant to."""
    faults: list[str] = []
    before = structlog.get_config()

    def hear(_: object, __: str, entry: MutableMapping[str, Any]) -> NoReturn:
        error = sys.exception()
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        if not all(isinstance(cause, ArchwrightError | TimeoutError) for cause in causes):
            faults.append(f"{entry['event']}: {''.join(traceback.format_exception(error))}")
        raise structlog.DropEvent

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), processors=[hear])
    try:
        yield faults
    finally:
        structlog.configure(**before)
