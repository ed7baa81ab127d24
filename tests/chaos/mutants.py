"""Engines that are wrong in one way each, as real processes on a real PostgreSQL. The harness must catch every one.

Those whose wrong part needs no storage are the simulation's own.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from typing_extensions import override

from archwright import ids
from services.chassis.clock import SystemClock
from services.engine.loops.relay import LeftBehind
from services.engine.ports.keys import Key
from services.engine.ports.store import Entry, Written
from services.engine.ports.task_board import DueTimer
from services.engine.starts import Starts
from services.engine.storage.store import PostgresStore
from services.engine.storage.task_board import TaskBoard
from tests.chaos.round import Patience, Say, round_of
from tests.chaos.timetable import Fault
from tests.simulation.mutants import MUTANTS as SIMULATED

ROUNDS_MAX = 3
ROUND_SECONDS = 15.0
PATIENCE = Patience(end_seconds=40.0, calm_seconds=15.0)
DAWDLE_SECONDS = 0.5
_LETHAL = (Fault.ENGINE_KILLED, Fault.ENGINE_CRASHES_AGAIN, Fault.POSTGRES_KILLED)
_LOST = (Fault.AGENT_KILLED, Fault.AGENT_FROZEN)
_BUS = (Fault.REDIS_KILLED, Fault.REDIS_FROZEN, Fault.ENGINE_KILLED)


@dataclass(frozen=True)
class Mutant:
    """Which of the engine's parts are replaced, by their names in its composition root, and what brings it to light."""

    parts: Mapping[str, Any]
    among: Sequence[Fault]


class _NoFence(PostgresStore):
    """Believes every result."""

    @override
    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        return await super().commit(batch_id, [replace(entry, fences=()) for entry in entries])


class _NoVersion(PostgresStore):
    """Reads before it locks: takes whatever version there is for the one that it decided on."""

    @override
    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        keys = [entry.key for entry in entries if entry.created is None]
        versions = {key: stored.version for key, stored in (await self.load(keys)).items()}
        blind = [replace(each, expected_version=versions.get(each.key, each.expected_version)) for each in entries]
        return await super().commit(batch_id, blind)


class _GuessesCommits(PostgresStore):
    """Takes a commit whose answer was lost for done."""

    def __init__(self, *parts: Any, **settings: Any) -> None:
        super().__init__(*parts, **settings)
        self._asked: dict[uuid.UUID, Collection[Key]] = {}

    @override
    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        self._asked[batch_id] = [entry.key for entry in entries]
        written = await super().commit(batch_id, entries)
        del self._asked[batch_id]
        return written

    @override
    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        return self._asked.pop(batch_id, [])


class _LosesTimers(TaskBoard):
    """Deletes a timer when it is handed out, and not in the commit that applies it, which comes in a while."""

    @override
    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        due = await super().due_timers(limit)
        for timer in due:
            await self.drop_timer(timer)
        if due:
            await SystemClock().sleep(DAWDLE_SECONDS)
        return due


class _NeverExpires(TaskBoard):
    """Waits for lost agents for ever."""

    @override
    async def expire(self) -> Sequence[Any]:
        return []


class _NeverRedelivers(TaskBoard):
    """Thinks that what was sent has arrived."""

    @override
    async def redeliver_unaccepted(self) -> int:
        return 0


class _RenewsTheExpired(TaskBoard):
    """Renews whatever it once granted, also what is somebody else's by now."""

    def __init__(self, *parts: Any, **settings: Any) -> None:
        super().__init__(*parts, **settings)
        self._granted: dict[uuid.UUID, dict[uuid.UUID, tuple[int, uuid.UUID]]] = {}

    @override
    async def renew(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        async with self._database.loops() as connection:
            await connection.execute(
                "UPDATE engine.sessions SET closed = false WHERE session_id = ANY($1::uuid[])", list(session_ids)
            )
            for session_id in session_ids:
                for task_id, (attempt, lease_id) in self._granted.get(session_id, {}).items():
                    await connection.execute(
                        "UPDATE engine.open_tasks SET session_id = $1, attempt = $2, lease_id = $3, status = 3 "
                        "WHERE task_id = $4",
                        *(session_id, attempt, lease_id, task_id),
                    )
            rows = await connection.fetch(
                "SELECT session_id, task_id, attempt, lease_id FROM engine.open_tasks "
                "WHERE session_id = ANY($1::uuid[]) AND status = 3",
                list(session_ids),
            )
        for row in rows:
            self._granted.setdefault(row["session_id"], {})[row["task_id"]] = (row["attempt"], row["lease_id"])
        return await super().renew(session_ids)


class _EveryStartAnew(Starts):
    """Takes every start for a new one."""

    @override
    async def start_all(self, starts: Sequence[Any]) -> Sequence[Any]:
        anew = [dataclasses.replace(each, request_id=f"{each.request_id}-{ids.new_uuid()}") for each in starts]
        return await super().start_all(anew)


class _NeverLooksBack(LeftBehind):
    """Leaves what others left behind where it is."""

    @override
    async def step(self) -> None:
        return


MUTANTS: Mapping[str, Mutant] = {
    "no fence": Mutant({"PostgresStore": _NoFence}, (Fault.ENGINE_FROZEN,)),
    "no version": Mutant({"PostgresStore": _NoVersion}, (Fault.ENGINE_KILLED, Fault.ALL_LINKS_RESET)),
    "guessed commits": Mutant({"PostgresStore": _GuessesCommits}, (Fault.POSTGRES_KILLED,)),
    "ack before commit": Mutant({"Committer": SIMULATED["ack before commit"].committer}, _LETHAL),
    "dropped losers": Mutant({"Committer": SIMULATED["dropped losers"].committer}, (Fault.WATCHERS_SLOW,)),
    "missing audit": Mutant({"Committer": SIMULATED["missing audit"].committer}, (Fault.LINK_SLOW,)),
    "naive outbox": Mutant({"Relay": SIMULATED["naive outbox"].relay}, _BUS),
    "nothing looked back for": Mutant({"LeftBehind": _NeverLooksBack}, _BUS),
    "lost timers": Mutant({"TaskBoard": _LosesTimers}, _LETHAL),
    "lost agents": Mutant({"TaskBoard": _NeverExpires}, _LOST),
    "lost deliveries": Mutant({"TaskBoard": _NeverRedelivers}, (Fault.WATCHERS_SLOW,)),
    "renewal after expiry": Mutant({"TaskBoard": _RenewsTheExpired}, (*_LOST, Fault.ENGINE_FROZEN)),
    "every start anew": Mutant({"Starts": _EveryStartAnew}, (Fault.GATEWAY_KILLED,)),
}


def is_right_engine_let_go(seed: int, say: Say) -> bool:
    """Run the engine as it is, with as little patience as its mutants get: were it caught, it would say nothing."""
    outcome = round_of(seed, ROUND_SECONDS, say=_unsaid, patience=PATIENCE)
    for violation in outcome.violations:
        say(f"the right engine: {violation}")
    return not outcome.violations


def caught(name: str, seed: int, say: Say) -> bool:
    """Run a mutant for a few rounds, and return whether it violated anything."""
    began, mutant = time.monotonic(), MUTANTS[name]
    program = ("-m", "tests.chaos.wrong_engine", name)
    for number in range(ROUNDS_MAX):
        outcome = round_of(
            seed + number, ROUND_SECONDS, say=_unsaid, engine=program, among=mutant.among, patience=PATIENCE
        )
        if outcome.violations:
            took = f"{time.monotonic() - began:.0f} s, {len(outcome.violations)} violations"
            say(f"caught   {name}: {took}, such as: {outcome.violations[0]}")
            return True
    say(f"ESCAPED  {name}: {time.monotonic() - began:.0f} s, {ROUNDS_MAX} rounds")
    return False


def _unsaid(line: str) -> None:
    """Say nothing: who looks at mutants wants to know who escaped."""
