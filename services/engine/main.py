"""Puts the engine together: the only file that knows all its parts."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial

import structlog
from redis.asyncio import Redis

from archwright import ids
from archwright.channel import open_channel
from archwright.connection import Connection
from archwright.engine.v1 import (
    agent_work_pb2,
    approvals_pb2,
    artifacts_pb2,
    dead_letters_pb2,
    definitions_pb2,
    description_pb2,
    events_pb2,
    queues_pb2,
    schedules_pb2,
    workflows_pb2,
)
from archwright.errors import DependencyUnavailable
from archwright.serving.pipeline import Served
from archwright.serving.server import Server
from archwright.serving.tokens import TokenVerifier
from services.bus.redis import RedisPublisher, writer
from services.bus.redis_tail import RedisTail
from services.bus.redis_upkeep import RedisUpkeep
from services.chassis.clock import Clock, SystemClock
from services.chassis.lifecycle import announce_ready
from services.chassis.loops import forever
from services.chassis.metrics import Metrics
from services.chassis.metrics_server import serving as serving_metrics
from services.engine.admission import Admission
from services.engine.api.agent_pull import AgentPull
from services.engine.api.agent_work import AgentStreams, AgentWorkApi, StreamTimes
from services.engine.api.approvals import ApprovalApi
from services.engine.api.artifact_limits import ArtifactLimits
from services.engine.api.artifacts import ArtifactApi
from services.engine.api.dead_letters import DeadLetterApi
from services.engine.api.definitions import DefinitionApi
from services.engine.api.description import DescriptionApi
from services.engine.api.events import EventApi
from services.engine.api.explanations import Explanations
from services.engine.api.following import Following
from services.engine.api.queues import QueueApi
from services.engine.api.reading import Reading
from services.engine.api.reports import Reports
from services.engine.api.schedules import ScheduleApi
from services.engine.api.starting import Starting
from services.engine.api.steering import Steering
from services.engine.api.watch import Watching
from services.engine.api.workflows import WorkflowApi
from services.engine.assignments import Assigner
from services.engine.breakers import BreakerGate
from services.engine.dispatch import Dispatch
from services.engine.domain.invariants import Invariant
from services.engine.hot_store import HotStore
from services.engine.live import Feed
from services.engine.loops.acceptances import Acceptances
from services.engine.loops.admissions import Admissions
from services.engine.loops.claimer import Claimer
from services.engine.loops.committer import COMMITS_AT_ONCE, Committer
from services.engine.loops.deliver_messages import DeliverMessages
from services.engine.loops.follow_registry import FollowRegistry
from services.engine.loops.heed_bus import HeedBus
from services.engine.loops.hints import HeedHints, TellHints
from services.engine.loops.hot_copies import CopyWorkflows
from services.engine.loops.keep_bus import KeepBus
from services.engine.loops.leases import LeaseRenewal
from services.engine.loops.lost_agents import LostAgents
from services.engine.loops.overdue import Overdue
from services.engine.loops.permits import Permits
from services.engine.loops.progress_notes import ProgressNotes
from services.engine.loops.relay import LeftBehind, NobodyWaits, NoBus, Relay
from services.engine.loops.retention import Retention
from services.engine.loops.schedules import FiringSchedules
from services.engine.loops.share_progress import HeedProgress, TellProgress
from services.engine.loops.take_census import TakeCensus
from services.engine.loops.tell_unavailable import UnavailableAgents
from services.engine.loops.timers import Timers
from services.engine.loops.watch_gaps import WatchGaps
from services.engine.loops.watch_resources import WatchResources
from services.engine.measures import EngineGauges, EngineMeasures
from services.engine.memory import Memory
from services.engine.ports.commands import Listener
from services.engine.ports.definitions import Definitions
from services.engine.ports.hints import Hints
from services.engine.ports.store import Store
from services.engine.pulls import Pulls
from services.engine.roster import FollowedRoster
from services.engine.scheduled_starts import ScheduledStarts
from services.engine.sessions import Sessions, SessionTimes
from services.engine.settings import EngineSettings
from services.engine.standings import Standings
from services.engine.starts import Starts
from services.engine.storage.approvals import PostgresApprovals
from services.engine.storage.artifacts import PostgresArtifacts
from services.engine.storage.breakers import PostgresBreakers
from services.engine.storage.bus_record import PostgresBusRecord
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.census import PostgresCensus
from services.engine.storage.contents.chosen import chosen
from services.engine.storage.database import Database
from services.engine.storage.dead_letters import PostgresDeadLetters
from services.engine.storage.hints import RedisHints
from services.engine.storage.hot_copies import RedisHotCopies
from services.engine.storage.inbox import PostgresInbox
from services.engine.storage.live_lane import RedisLiveLane
from services.engine.storage.quota import PostgresQuota
from services.engine.storage.retention import PostgresLeftovers
from services.engine.storage.schedules import PostgresSchedules
from services.engine.storage.store import PostgresStore
from services.engine.storage.task_board import TaskBoard
from services.engine.tails import Tails

log = structlog.get_logger(__name__)

_PUBLISH_SECONDS = 0.005  # what is committed meanwhile is published together
_SWEEP_SECONDS = 1.0
_CENSUS_SECONDS = 5.0  # Prometheus usually reads every fifteen
_TIMER_SECONDS = 0.2
_BREAKER_SECONDS = 0.05  # failures that come together are told together
_PERMIT_SECONDS = 0.5
_COPY_SECONDS = 0.1
_SCHEDULE_SECONDS = 0.5
_TIDY_SECONDS = 600.0
_RETENTION_SECONDS = 60.0
_LEAVE_SECONDS_MAX = 2.0


async def run(settings: EngineSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let the agents go elsewhere, finish what is under way and return."""
    replica_id = ids.new_uuid()
    clock, metrics = SystemClock(), Metrics()
    database = Database(settings.postgres_dsn, pool_max=settings.postgres_pool_max)
    try:
        async with (
            _redis(settings) as redis,
            serving_metrics(metrics.registry, settings.metrics_host, settings.metrics_port) as metrics_address,
        ):
            async with asyncio.TaskGroup() as duties, asyncio.TaskGroup() as work:
                engine = _Engine(settings, replica_id, database, redis, metrics, clock, work)
                keeping = [duties.create_task(duty) for duty in engine.duties()]
                port = await engine.server.start()
                await engine.server.set_ready(True)
                announce_ready("engine", f"{settings.host}:{port}", metrics=metrics_address)
                log.info("engine_started", replica_id=str(replica_id), port=port)
                await stop.wait()
                engine.send_away()
                await engine.server.stop(settings.drain_seconds)
                for duty in keeping:
                    duty.cancel()
            await engine.leave()
    finally:
        await database.close()


class _Engine:
    """All parts of one replica, introduced to each other."""

    def __init__(
        self,
        settings: EngineSettings,
        replica_id: uuid.UUID,
        database: Database,
        redis: Redis | None,
        metrics: Metrics,
        clock: Clock,
        work: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._clock = clock
        store = PostgresStore(database, replica_id, accept_seconds=settings.accept_seconds)
        board = TaskBoard(
            database, replica_id, lease_seconds=settings.lease_seconds, accept_seconds=settings.accept_seconds
        )
        catalogue = Catalogue(database)
        artifacts, contents, limits = PostgresArtifacts(database), chosen(settings, database), _limits(settings)
        memory = Memory(settings.memory_bytes_max)
        self._measures = measures = EngineMeasures(metrics)
        self._feed = feed = Feed()
        self._sessions = Sessions()
        self._roster = FollowedRoster()
        breakers = PostgresBreakers(database)
        self._gate = BreakerGate(breakers, clock, settings.breaker)
        self._census = self._gauged(metrics, TakeCensus(PostgresCensus(database)))
        dispatch = Dispatch(self._sessions, self._roster, self._gate, clock, trust_seconds=2 * settings.poll_seconds)
        hot, self._copying = self._hot_copies(store, catalogue, memory, redis)
        assigner = Assigner(hot, memory, dispatch, self._sessions, feed, clock)
        self._claimer = Claimer(
            board, self._sessions, assigner, dispatch, self._gate, clock, poll_seconds=settings.poll_seconds
        )
        self._relay, self._left_behind, self._bus = self._publishing(store, database, replica_id, redis)
        quota = PostgresQuota(database, replica_id)
        self._admission = admission = Admission(
            quota, workflows_max=settings.max_concurrent_workflows, queue_depth_max=settings.max_queue_depth
        )
        self._pulls = Pulls(poll_seconds=settings.poll_seconds)
        self._wake_on_news()
        listeners: list[Listener] = [self._sessions, self._claimer, self._pulls, feed, self._relay, admission, measures]
        self._hinting = None if redis is None else self._hints(RedisHints(redis, replica_id), board, dispatch)
        self._sharing = self._shared_progress(redis, replica_id)
        self._tails, self._heeding = self._listening(redis)
        with_redis = (self._copying, self._hinting[0] if self._hinting else None)
        listeners.extend(listener for listener in with_redis if listener is not None)
        self._committer = Committer(
            *(hot, memory, listeners, assigner, clock),
            batch_max=settings.batch_max,
            queue_max=settings.queue_max,
            measures=measures,
        )
        starts = Starts(self._committer, store, catalogue, admission, clock)
        self._messages = DeliverMessages(PostgresInbox(database), self._committer, starts, store, clock)
        listeners.append(self._messages)
        self._admissions = Admissions(admission, quota, self._committer, clock)
        self._permits = Permits(admission, quota, clock)
        self._resources = WatchResources(
            admission,
            clock,
            memory_mb_max=settings.max_memory_usage_mb,
            cpu_percent_max=settings.max_cpu_usage_percent,
        )
        self._unavailable = UnavailableAgents(board, self._committer, self._roster, clock)
        self._progress_notes = ProgressNotes(board)
        self._acceptances = Acceptances(board, clock)
        self._renewal = LeaseRenewal(board, self._sessions, clock)
        self._lost_agents = LostAgents(board, self._committer, self._renewal, self._gate, clock, measures)
        self._overdue = Overdue(board, self._committer, self._gate, clock, measures)
        scheduled_starts = ScheduledStarts(starts, self._committer, catalogue, clock)
        self._firing = FiringSchedules(PostgresSchedules(database), scheduled_starts, store, clock)
        self._retention = Retention(
            PostgresLeftovers(database, contents), clock, keep_days=settings.keep_workflows_days
        )
        self._timers = Timers(board, self._committer, clock)
        self._watch_gaps = WatchGaps(store, feed)
        reports = Reports(
            *(self._committer, artifacts, self._acceptances, self._progress_notes, self._gate, feed, clock, work),
            measures,
            limits,
        )
        self.server = Server(
            settings.address,
            settings.server_tls,
            TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience),
            [
                *self._for_people(database, store, memory, catalogue, starts, scheduled_starts, redis),
                Served(
                    queues_pb2.DESCRIPTOR.services_by_name["QueueService"],
                    QueueApi(board, breakers, self._gate, self._roster, clock),
                ),
                Served(
                    agent_work_pb2.DESCRIPTOR.services_by_name["AgentWorkService"],
                    self._agent_work(board, dispatch, assigner, reports, store, work),
                ),
                Served(
                    artifacts_pb2.DESCRIPTOR.services_by_name["ArtifactService"],
                    ArtifactApi(artifacts, contents, limits, store, board),
                ),
            ],
        )

    def _for_people(
        self,
        database: Database,
        store: PostgresStore,
        memory: Memory,
        catalogue: Catalogue,
        starts: Starts,
        scheduled_starts: ScheduledStarts,
        redis: Redis | None,
    ) -> list[Served]:
        """Return what people and their programs ask."""
        clock, workflows_max = self._clock, self._settings.max_concurrent_workflows
        watching = Watching(store, self._feed, memory)
        reading = Reading(store, watching)
        steering = Steering(self._committer, store, reading, clock)
        workflow_api = WorkflowApi(
            Starting(starts, store, reading, clock),
            steering,
            reading,
            Following(watching),
            Explanations(reading, Standings(store, self._roster, self._gate), workflows_max=workflows_max),
        )
        approval_api = ApprovalApi(PostgresApprovals(database), store, reading, steering, clock)
        letters, has_bus = PostgresDeadLetters(database), redis is not None
        letter_api = DeadLetterApi(letters, store, reading, steering, clock, has_bus=has_bus)
        schedule_api = ScheduleApi(PostgresSchedules(database), scheduled_starts, clock)
        definition_api = DefinitionApi(catalogue, self._roster, clock)
        return [
            Served(workflows_pb2.DESCRIPTOR.services_by_name["WorkflowService"], workflow_api),
            Served(approvals_pb2.DESCRIPTOR.services_by_name["ApprovalService"], approval_api),
            Served(dead_letters_pb2.DESCRIPTOR.services_by_name["DeadLetterService"], letter_api),
            Served(definitions_pb2.DESCRIPTOR.services_by_name["DefinitionService"], definition_api),
            Served(schedules_pb2.DESCRIPTOR.services_by_name["ScheduleService"], schedule_api),
            Served(events_pb2.DESCRIPTOR.services_by_name["EventService"], EventApi(self._tails)),
            Served(description_pb2.DESCRIPTOR.services_by_name["DescriptionService"], DescriptionApi()),
        ]

    def _agent_work(
        self,
        board: TaskBoard,
        dispatch: Dispatch,
        assigner: Assigner,
        reports: Reports,
        store: PostgresStore,
        work: asyncio.TaskGroup,
    ) -> AgentWorkApi:
        """Return what serves agents, with a stream and without."""
        streams = AgentStreams(
            board,
            self._sessions,
            reports,
            self._acceptances,
            self._lost_agents,
            self._claimer,
            self._roster,
            self._clock,
            work,
            _stream_times(self._settings),
            agents_max=self._settings.max_agent_instances,
        )
        pull = AgentPull(
            board,
            dispatch,
            self._gate,
            assigner,
            reports,
            store,
            self._lost_agents,
            self._roster,
            self._pulls,
            self._clock,
            lease_seconds=self._settings.lease_seconds,
        )
        return AgentWorkApi(streams, pull)

    def _hot_copies(
        self, store: Store, definitions: Definitions, memory: Memory, redis: Redis | None
    ) -> tuple[Store, CopyWorkflows | None]:
        """Return the store that looks for hot copies first, and who makes them; without a key there are none."""
        file = self._settings.hot_copy_key_file
        if redis is None or file is None:
            return store, None
        copies = RedisHotCopies(redis, file.read_bytes(), definitions, self._clock)
        copying = CopyWorkflows(copies, memory, self._clock)
        memory.on_eviction = copying.evicted
        return HotStore(store, copies), copying

    def _publishing(
        self, store: PostgresStore, database: Database, replica_id: uuid.UUID, redis: Redis | None
    ) -> tuple[Relay | NoBus, LeftBehind | NobodyWaits, KeepBus | None]:
        """Return who publishes commits, who does so with those left behind, and who looks after the bus, if any."""
        if redis is None:
            return NoBus(store), NobodyWaits(store), None
        publisher, record = RedisPublisher(redis), PostgresBusRecord(database, replica_id)
        keeping = KeepBus(record, RedisUpkeep(redis), PostgresDeadLetters(database), self._clock)
        return Relay(store, publisher, self._clock), LeftBehind(store, store, publisher), keeping

    def _listening(self, redis: Redis | None) -> tuple[Tails | None, HeedBus | None]:
        """Return where callers hear what the bus says, and who tells it to them and to those who watch, if any."""
        if redis is None:
            return None, None
        tails = Tails()
        return tails, HeedBus(RedisTail(redis), self._feed, tails, self._clock)

    def _shared_progress(self, redis: Redis | None, replica_id: uuid.UUID) -> tuple[TellProgress, HeedProgress] | None:
        """Return who tells other replicas how tasks are getting on, and who heeds that; nobody without a key."""
        file = self._settings.hot_copy_key_file
        if redis is None or file is None:
            return None
        lane = RedisLiveLane(redis, file.read_bytes(), replica_id)
        return TellProgress(lane, self._feed, self._clock), HeedProgress(lane, self._feed, self._clock)

    def _wake_on_news(self) -> None:
        """Have those look at once who wait for what others bring about."""
        self._gate.call_on_change(self._claimer.wake)
        self._gate.call_on_change(self._pulls.ring)
        self._sessions.call_on_ended_elsewhere(lambda _: self._pulls.ring())

    def _gauged(self, metrics: Metrics, census: TakeCensus) -> TakeCensus:
        """Return the census, of which gauges are told beside those of what this replica holds."""
        EngineGauges(metrics, census, self._sessions, self._gate, self._roster)
        return census

    def _hints(self, hints: Hints, board: TaskBoard, dispatch: Dispatch) -> tuple[TellHints, HeedHints]:
        """Return who tells other replicas what waits, and who heeds what they tell."""
        telling = TellHints(hints, dispatch, self._sessions, self._clock)
        heeding = HeedHints(hints, board, dispatch, self._sessions, self._claimer, self._pulls, self._clock)
        return telling, heeding

    def send_away(self) -> None:
        """Ask agents and watchers to go on at another replica."""
        self._sessions.send_away(self._clock.monotonic())
        self._feed.close()
        self._pulls.close()

    async def leave(self) -> None:
        """Give back what others would wait for, once nothing goes on here any more."""
        try:
            async with asyncio.timeout(_LEAVE_SECONDS_MAX):
                await self._admission.leave()
        except (DependencyUnavailable, TimeoutError) as error:
            log.warning("permits_not_given_back", error=str(error) or type(error).__name__)

    def duties(self) -> list[Coroutine[object, object, None]]:
        """Return what goes on for as long as the engine lives."""
        settings = self._settings
        keep = partial(forever, clock=self._clock, violated=partial(self._measures.violated, Invariant.ASSERTION))
        duties = [
            # One batch is decided while another is written, and one is kept free for people.
            *(keep("commit", self._committer.step, pause=0) for _ in range(COMMITS_AT_ONCE)),
            keep("claim", self._claimer.step, pause=0),
            keep("keep_breakers", self._gate.step, pause=_BREAKER_SECONDS),
            keep("accept", self._acceptances.step, pause=0),
            keep("publish", self._relay.step, pause=_PUBLISH_SECONDS),
            keep("publish_left_behind", self._left_behind.step, pause=_SWEEP_SECONDS),
            keep("renew_leases", self._renewal.step, pause=settings.renew_seconds),
            keep("revoke_lost", self._lost_agents.step, pause=_SWEEP_SECONDS),
            keep("end_overdue", self._overdue.step, pause=_SWEEP_SECONDS),
            keep("fire_timers", self._timers.step, pause=_TIMER_SECONDS),
            keep("fire_schedules", self._firing.step, pause=_SCHEDULE_SECONDS),
            keep("remove_leftovers", self._retention.step, pause=_RETENTION_SECONDS),
            keep("forget_schedules", self._firing.forget_deleted, pause=_TIDY_SECONDS),
            keep("deliver_messages", self._messages.step, pause=0),
            keep("admit", self._admissions.step, pause=0),
            keep("keep_permits", self._permits.step, pause=_PERMIT_SECONDS),
            keep("tell_unavailable", self._unavailable.step, pause=_SWEEP_SECONDS),
            keep("note_progress", self._progress_notes.step, pause=_SWEEP_SECONDS),
            keep("watch_resources", self._resources.step, pause=_SWEEP_SECONDS),
            keep("take_census", self._census.step, pause=_CENSUS_SECONDS),
            keep("watch_gaps", self._watch_gaps.step, pause=_SWEEP_SECONDS),
        ]
        if self._copying is not None:
            duties.append(keep("copy_workflows", self._copying.step, pause=_COPY_SECONDS))
        if self._bus is not None:
            duties.append(keep("keep_bus", self._bus.step, pause=_SWEEP_SECONDS))
        if self._heeding is not None:
            duties.append(keep("heed_bus", self._heeding.step, pause=0))
        if self._sharing is not None:
            telling_progress, heeding_progress = self._sharing
            duties.append(keep("tell_progress", telling_progress.step, pause=0))
            duties.append(keep("heed_progress", heeding_progress.step, pause=0))
        if self._hinting is not None:
            telling, heeding = self._hinting
            duties.append(keep("tell_hints", telling.step, pause=0))
            duties.append(keep("heed_hints", heeding.step, pause=0))
        if settings.registry_address:
            duties.append(self._follow_registry())
        return duties

    async def _follow_registry(self) -> None:
        channel = open_channel(self._settings.registry_address, ca_file=self._settings.tls_ca_file)
        connection = Connection(self._settings.registry_address, channel, self._service_token)
        async with channel:
            await FollowRegistry(connection, self._roster).keep_following(self._clock)

    def _service_token(self) -> str:
        """Return the token for calls to other services, as the file has it now: it may be replaced any time."""
        file = self._settings.service_token_file
        return file.read_text(encoding="utf-8").strip() if file else ""


def _limits(settings: EngineSettings) -> ArtifactLimits:
    return ArtifactLimits(
        bytes_max=settings.artifact_bytes_max,
        artifacts_per_workflow_max=settings.artifacts_per_workflow_max,
        bytes_per_workflow_max=settings.artifact_bytes_per_workflow_max,
    )


def _stream_times(settings: EngineSettings) -> StreamTimes:
    return StreamTimes(
        hello=settings.hello_seconds,
        cancel_grace=settings.cancel_grace_seconds,
        session=SessionTimes(
            lease=settings.lease_seconds,
            renewal=settings.renew_seconds,
            age_max=settings.stream_age_seconds,
        ),
    )


@asynccontextmanager
async def _redis(settings: EngineSettings) -> AsyncIterator[Redis | None]:
    if settings.redis_url is None:
        yield None
        return
    client = writer(settings.redis_url)
    try:
        yield client
    finally:
        await client.aclose()
