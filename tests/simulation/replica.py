"""One engine replica of the simulation: the real parts, on storage in memory behind a faulty link.

What `main` does for a process is done here for a replica that can be killed, frozen and brought back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from checker.facts import Removed

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import DefinitionNotFound, DependencyUnavailable
from archwright.serving.calls import Call
from archwright.serving.tokens import Caller
from services.chassis.loops import forever
from services.engine.admission import Admission
from services.engine.api.agent_work import AgentStreams, StreamTimes
from services.engine.api.reports import Reports
from services.engine.assignments import Assigner
from services.engine.breakers import BreakerGate
from services.engine.dispatch import Dispatch
from services.engine.domain.breaker import BreakerConfig
from services.engine.domain.definitions import DefinitionVersion
from services.engine.domain.events import Event
from services.engine.live import Feed
from services.engine.loops.acceptances import Acceptances
from services.engine.loops.admissions import Admissions
from services.engine.loops.claimer import Claimer
from services.engine.loops.committer import COMMITS_AT_ONCE
from services.engine.loops.hints import HeedHints, TellHints
from services.engine.loops.hot_copies import CopyWorkflows
from services.engine.loops.leases import LeaseRenewal
from services.engine.loops.lost_agents import LostAgents
from services.engine.loops.overdue import Overdue
from services.engine.loops.permits import Permits
from services.engine.loops.progress_notes import ProgressNotes
from services.engine.loops.relay import LeftBehind
from services.engine.loops.retention import Retention
from services.engine.loops.tell_unavailable import UnavailableAgents
from services.engine.loops.timers import Timers
from services.engine.memory import Memory
from services.engine.ports.commands import Answer, Asked
from services.engine.ports.definitions import PublishedDefinition
from services.engine.ports.keys import Key
from services.engine.pulls import Pulls
from services.engine.roster import AgentTold, FollowedRoster
from services.engine.scheduled_starts import ScheduledStarts
from services.engine.sessions import Sessions, SessionTimes
from services.engine.starts import Start, Started
from services.engine.storage.memory.artifacts import MemoryArtifacts
from services.engine.storage.memory.breakers import MemoryBreakers
from services.engine.storage.memory.hints import HintBoard, MemoryHints
from services.engine.storage.memory.hot_copies import MemoryHotCopies
from services.engine.storage.memory.inbox import MemoryInbox
from services.engine.storage.memory.tables import Tables
from tests.simulation.definitions import plans
from tests.simulation.links import Bus, Copies, Link, Linked
from tests.simulation.mutants import Mutation
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import START, Duties, VirtualClock
from tests.simulation.watched_storage import FenceLog, WatchedLeftovers, WatchedSchedules

LEASE_SECONDS = 4.0
ACCEPT_SECONDS = 1.5
RENEW_SECONDS = 1.0
BREAKER = BreakerConfig(failure_threshold=3, recovery_timeout_seconds=5, half_open_max_calls=2, min_throughput=4)
POLL_SECONDS = 1.0
_EVENTS_MAX = 10_000
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class AgentName:
    """Who connects, by its token."""

    agent_id: str
    agent_type: str


@dataclass(frozen=True)
class Surroundings:
    """What all replicas share."""

    loop: asyncio.AbstractEventLoop
    tables: Tables
    bus: Bus
    trouble: Trouble
    fences: FenceLog
    afterlife: Duties
    tell: Callable[[str], None]
    mutation: Mutation
    copies: Copies | None
    """Hot copies of live workflows, where there is Redis."""
    workflows_max: int
    """How many workflows may be under way at once."""
    schedules: WatchedSchedules
    keep: timedelta | None
    """How long workflows are kept that have ended; None means for ever."""
    removed: list[Removed]
    agents: Sequence[AgentName]
    """The agents that the registry knows."""
    hints: HintBoard = field(default_factory=HintBoard)


class Recipes:
    """The definitions of every tenant."""

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        plan = next((plan for plan in plans() if plan.definition.name == name), None)
        if plan is None:
            raise DefinitionNotFound.named(name, version, known=[])
        version = DefinitionVersion(name, plan.definition.version, plan.content_hash, START, "ann", built_in=False)
        return PublishedDefinition(version, plan)


class Replica:
    """A replica that is up or down; each time it comes up it knows nothing of before."""

    def __init__(self, name: str, around: Surroundings) -> None:
        self.name = name
        self._around = around
        self.clock = VirtualClock(around.loop)
        self._duties = Duties(around.loop)
        self._duties.is_over = True

    @property
    def is_up(self) -> bool:
        return not self._duties.is_over

    def start(self) -> None:
        """Come up with empty hands."""
        around, mutation, clock = self._around, self._around.mutation, self.clock
        self._around.tell(f"{self.name} starts")
        self._duties = Duties(around.loop)
        self.link = Link(around.trouble, around.loop, around.afterlife)
        store = Linked(mutation.store(around.tables, around.fences, accept_seconds=ACCEPT_SECONDS), self.link)
        board = Linked(
            mutation.board(around.tables, around.fences, lease_seconds=LEASE_SECONDS, accept_seconds=ACCEPT_SECONDS),
            self.link,
        )
        quota = Linked(mutation.quota(around.tables, ids.new_uuid()), self.link)
        memory = Memory(around.trouble.chance.choice((1, 20_000, 1_000_000)))
        feed, sessions, roster = Feed(), Sessions(), _roster(around.agents)
        gate = BreakerGate(Linked(MemoryBreakers(around.tables), self.link), clock, BREAKER)
        dispatch = Dispatch(sessions, roster, gate, clock, trust_seconds=2 * POLL_SECONDS)
        hot = mutation.hot_store(store, around.copies) if around.copies is not None else store
        assigner = Assigner(hot, memory, dispatch, sessions, feed, clock)
        claimer = Claimer(board, sessions, assigner, dispatch, gate, clock, poll_seconds=POLL_SECONDS)
        relay = mutation.relay(store, around.bus, clock)
        admission = Admission(quota, workflows_max=around.workflows_max, queue_depth_max=1_000)
        hints = MemoryHints(around.hints)
        telling = TellHints(hints, dispatch, sessions, clock)
        heeding = HeedHints(hints, board, dispatch, sessions, claimer, Pulls(poll_seconds=POLL_SECONDS), clock)
        listeners = [sessions, claimer, feed, relay, admission, telling]
        self.committer = mutation.committer(hot, memory, listeners, assigner, clock, batch_max=20, queue_max=1_000)
        self._store = store
        self.starts = mutation.starts(self.committer, store, Recipes(), admission, clock)
        scheduled = ScheduledStarts(self.starts, self.committer, Recipes(), clock)
        firing = mutation.firing(Linked(around.schedules, self.link), scheduled, store, clock)
        messages = mutation.messages(
            Linked(MemoryInbox(around.tables), self.link), self.committer, self.starts, store, clock
        )
        listeners.append(messages)
        copying = CopyWorkflows(around.copies or MemoryHotCopies(), memory, clock)
        memory.on_eviction = copying.evicted
        listeners.append(copying)
        acceptances, progress_notes = Acceptances(board, clock), ProgressNotes(board)
        session_times = SessionTimes(LEASE_SECONDS, RENEW_SECONDS)
        renewal = LeaseRenewal(board, sessions, clock)
        lost_agents = LostAgents(board, self.committer, renewal, gate, clock)
        artifacts = MemoryArtifacts(around.tables)
        reports = Reports(self.committer, artifacts, acceptances, progress_notes, gate, feed, clock, self._duties)
        times = StreamTimes(hello=5.0, cancel_grace=1.0, session=session_times)
        self._api = AgentStreams(
            *(board, sessions, reports, acceptances, lost_agents, claimer, roster, clock, self._duties, times),
            agents_max=50,
        )
        for name, step, pause in (
            # As in the engine: one batch is decided while another is written, and one is kept free for people.
            *(("commit", self.committer.step, 0.0) for _ in range(COMMITS_AT_ONCE)),
            ("claim", claimer.step, 0.0),
            ("tell_hints", telling.step, 0.0),
            ("heed_hints", heeding.step, 0.0),
            ("keep_breakers", gate.step, 0.05),
            ("accept", acceptances.step, 0.0),
            ("publish", relay.step, 0.0),
            ("deliver_messages", messages.step, 0.0),
            ("renew_leases", renewal.step, RENEW_SECONDS),
            ("revoke_lost", lost_agents.step, 1.5),
            ("end_overdue", Overdue(board, self.committer, gate, clock).step, 1.5),
            ("fire_timers", Timers(board, self.committer, clock).step, 0.5),
            ("publish_left_behind", LeftBehind(store, store, around.bus).step, 3.0),
            ("admit", Admissions(admission, quota, self.committer, clock).step, 0.0),
            ("keep_permits", Permits(admission, quota, clock).step, 2.0),
            ("tell_unavailable", UnavailableAgents(board, self.committer, roster, clock).step, 3.0),
            ("note_progress", progress_notes.step, 3.0),
            ("copy", copying.step, 1.0),
            ("fire_schedules", firing.step, 0.5),
            *([("remove_leftovers", self._retention(around.keep).step, 1.0)] if around.keep else []),
        ):
            self._duties.create_task(forever(name, step, pause=pause, clock=clock))

    def kill(self) -> None:
        """Forget everything at once."""
        self._around.tell(f"{self.name} is killed")
        self.link.is_cut = True
        self._duties.end()

    def freeze(self, seconds: float) -> None:
        """Stand still, and write what was under way when it wakes."""
        self._around.tell(f"{self.name} freezes for {seconds:.1f} s")
        self.link.frozen_until = self._around.loop.time() + seconds

    def _retention(self, keep: timedelta) -> Retention:
        around, mutation = self._around, self._around.mutation
        leftovers = mutation.leftovers(around.tables)
        watched = WatchedLeftovers(leftovers, around.tables, self.link, self.clock, keep, around.removed)
        retention: Retention = mutation.retention(watched, self.clock, keep_days=keep / timedelta(days=1))
        return retention

    async def history(self, key: Key) -> Sequence[Event]:
        """Return everything that happened to a workflow so far."""
        found = await self._ask(lambda: self._store.events(key, after_seq=0, limit=_EVENTS_MAX))
        return [numbered.event for numbered in found]

    async def submit(self, asked: Asked) -> Answer:
        """Ask as a caller over the network does: whoever is killed never answers."""
        answer: Answer = await self._ask(lambda: self.committer.submit(asked))
        return answer

    async def begin(self, start: Start) -> Started:
        """Start a workflow, as the API does."""
        started: Started = await self._ask(lambda: self.starts.start(start))
        return started

    def connect(
        self,
        agent: AgentName,
        requests: AsyncIterator[pb.ConnectRequest],
        take: Callable[[pb.ConnectResponse], None],
        end: Callable[[], None],
    ) -> None:
        """Serve an agent's stream until one of us goes."""
        caller = Caller(agent.agent_id, "platform", frozenset({"agent"}), agent.agent_type, _NEVER)
        call = Call(caller, {}, "/archwright.engine.v1.AgentWorkService/Connect", "ipv4:127.0.0.1:1", None)

        async def serve() -> None:
            try:
                async with aclosing(self._api.connect(requests, call)) as responses:
                    async for response in responses:
                        take(response)
            except Exception as error:  # as at the server's top
                self._around.tell(f"{self.name} ends the stream of {agent.agent_id}: {error}")

        task = self._duties.create_task(serve())
        if task is None:
            end()
        else:
            task.add_done_callback(lambda _: end())

    async def _ask(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        answer = self._around.loop.create_future()

        async def serve() -> None:
            try:
                result = await ask()
            except Exception as error:  # goes to whoever asked
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(result)

        def end(_: object) -> None:
            if not answer.done():
                answer.set_exception(DependencyUnavailable(f"{self.name} was killed."))

        task = self._duties.create_task(serve())
        if task is None:
            raise DependencyUnavailable(f"{self.name} is down.")
        task.add_done_callback(end)
        return await answer


def _roster(agents: Sequence[AgentName]) -> FollowedRoster:
    roster = FollowedRoster()
    roster.begin()
    for agent in agents:
        roster.tell(AgentTold("platform", agent.agent_id, "ONLINE", agent.agent_type))
    roster.complete()
    return roster
