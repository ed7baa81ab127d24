"""One replica's commits and leases on a storage, wound and broken by the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storages import LEASE_SECONDS, TENANT, Storage

from archwright import ids
from services.engine.assignments import Assigner
from services.engine.breakers import BreakerGate
from services.engine.dispatch import Dispatch
from services.engine.domain.breaker import BreakerConfig
from services.engine.live import Feed
from services.engine.loops.committer import Committer
from services.engine.loops.leases import LeaseRenewal
from services.engine.loops.lost_agents import LostAgents
from services.engine.memory import Memory
from services.engine.ports.commands import Answer, Asked, Listener
from services.engine.ports.store import Store
from services.engine.roster import FollowedRoster
from services.engine.sessions import Session, Sessions, SessionTimes

TIMES = SessionTimes(LEASE_SECONDS, renewal=0.0)


@dataclass
class OneReplica:
    """The parts of a replica that the rules speak of."""

    storage: Storage
    sessions: Sessions
    roster: FollowedRoster
    dispatch: Dispatch
    gate: BreakerGate
    memory: Memory
    committer: Committer
    renewal: LeaseRenewal
    lost_agents: LostAgents

    async def ask(self, asked: Asked) -> Answer:
        """Commit one command, and whatever else waits."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self.committer.submit(asked))
            await self.commit_all(asking)
        return asking.result()

    async def commit_all(self, *doing: asyncio.Task[Any]) -> None:
        """Commit until these are answered."""
        async with asyncio.TaskGroup() as group:
            committing = group.create_task(self._commit())
            await asyncio.wait(doing)
            committing.cancel()

    async def _commit(self) -> None:
        while True:
            await self.committer.step()

    def connect(self, agent_id: str = "a1", credit: int = 1) -> Session:
        session = Session(ids.new_uuid(), agent_id, "writer", TENANT)
        session.credit = credit
        session.open(self.storage.clock.monotonic(), TIMES)
        self.sessions.add(session)
        return session


def replica_on(
    storage: Storage, store: Store | None = None, *, listeners: Sequence[Listener] = (), memory: Memory | None = None
) -> OneReplica:
    """Put a replica together; `store` may be a worse way to the same storage."""
    clock, sessions = storage.clock, Sessions()
    memory = Memory(10_000_000) if memory is None else memory
    store = store or storage.store
    gate = BreakerGate(storage.breakers, clock, BreakerConfig())
    roster = FollowedRoster()
    dispatch = Dispatch(sessions, roster, gate, clock, trust_seconds=0.5)
    assigner = Assigner(store, memory, dispatch, sessions, Feed(), clock)
    committer = Committer(store, memory, [sessions, *listeners], assigner, clock, batch_max=100, queue_max=1_000)
    renewal = LeaseRenewal(storage.board, sessions, clock)
    lost_agents = LostAgents(storage.board, committer, renewal, gate, clock)
    return OneReplica(storage, sessions, roster, dispatch, gate, memory, committer, renewal, lost_agents)
