"""The engine's metrics: what each is counted from.

Counters and histograms are this replica's share. What happened is counted when its commit is known to have happened,
by the replica that made it, so the shares add up to the whole; a crash between the two loses a count and never
doubles one. Gauges are looked up when somebody reads them.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import structlog

from archwright.language.model import ErrorCategory, Priority
from archwright.language.requirement import Requirement
from services.chassis import metrics_catalogue as catalogue
from services.chassis.metrics import Labels, Metrics
from services.engine.breakers import BreakerGate
from services.engine.domain.breaker import BreakerState
from services.engine.domain.events import Event
from services.engine.domain.invariants import Invariant, broken
from services.engine.domain.outcomes import attempt_end, workflow_ends
from services.engine.domain.transitions import FINAL, WorkflowStatus
from services.engine.loops.take_census import TakeCensus
from services.engine.ports.commands import Change
from services.engine.ports.keys import Fence
from services.engine.roster import FollowedRoster
from services.engine.sessions import Sessions

log = structlog.get_logger(__name__)

_NOT_CLOSED = (BreakerState.OPEN, BreakerState.HALF_OPEN)


class EngineMeasures:
    """Counts what commits told and what became of attempts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._executions = metrics.counter(catalogue.WORKFLOW_EXECUTIONS)
        self._durations = metrics.histogram(catalogue.WORKFLOW_DURATION)
        self._failures = metrics.counter(catalogue.WORKFLOW_FAILURES)
        self._task_durations = metrics.histogram(catalogue.AGENT_TASK_DURATION)
        self._agent_failures = metrics.counter(catalogue.AGENT_FAILURES)
        self._batch_sizes = metrics.histogram(catalogue.COMMIT_BATCH_SIZE)
        self._lease_expiries = metrics.counter(catalogue.LEASE_EXPIRIES)
        self._violations = metrics.counter(catalogue.INVARIANT_VIOLATIONS)
        for status in FINAL:
            self._executions.begin(status)
        for category in ErrorCategory:
            self._failures.begin(category)
        for invariant in Invariant:
            self._violations.begin(invariant)

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Count what a commit told."""
        if changes:
            self._batch_sizes.observe(len(changes))
        for change in changes:
            for invariant in broken(change.before, change.events, change.workflow):
                self.violated(invariant, change.key.workflow_id)
            for end in workflow_ends(change.before, change.events):
                self._executions.add(end.status)
                if end.seconds is not None:
                    self._durations.observe(end.seconds, end.status)
                if end.category is not None:
                    self._failures.add(end.category)

    def attempt_ended(self, agent_type: str, fence: Fence, events: Sequence[Event], seconds: float) -> None:
        """Count what a commit made of an attempt, `seconds` after an agent of this type was given it."""
        end = attempt_end(events, fence.task_id, fence.attempt)
        if end is None:
            return
        label = self._metrics.agent_type(agent_type)
        self._task_durations.observe(max(0.0, seconds), label, end.outcome)
        if end.category is not None:
            self._agent_failures.add(label, end.category)
        if end.agent_was_lost:
            self._lease_expiries.add(label)

    def violated(self, invariant: Invariant, where: str) -> None:
        """Count what must never happen."""
        log.error("invariant_violated", invariant=invariant, where=where)
        self._violations.add(invariant)


class EngineGauges:
    """Looks up where the engine's gauges stand."""

    def __init__(
        self, metrics: Metrics, census: TakeCensus, sessions: Sessions, gate: BreakerGate, roster: FollowedRoster
    ) -> None:
        self._metrics = metrics
        self._census = census
        self._sessions = sessions
        self._gate = gate
        self._roster = roster
        metrics.gauge(catalogue.QUEUE_DEPTH, self._depths)
        metrics.gauge(catalogue.ACTIVE_WORKFLOWS, self._active)
        metrics.gauge(catalogue.OUTBOX_LAG, self._outbox_lag)
        metrics.gauge(catalogue.BREAKERS, self._breakers)
        metrics.gauge(catalogue.STREAM_SESSIONS, self._stream_sessions)

    def _depths(self) -> Mapping[Labels, float]:
        counted = self._census.counted
        if counted is None:
            return {}
        # A type that has agents and no work shows zero: whoever scales it to nothing goes by that.
        types = {self._metrics.agent_type(each) for each in self._roster.agent_types}
        depths = defaultdict[Labels, float](float, {(each, priority): 0.0 for each in types for priority in Priority})
        for (queue, priority), count in counted.waiting.items():
            depths[self._metrics.agent_type(Requirement.read(queue).agent_type), priority] += count
        return depths

    def _active(self) -> Mapping[Labels, float]:
        counted = self._census.counted
        if counted is None:
            return {}
        return {(status,): counted.active.get(status, 0) for status in WorkflowStatus if status not in FINAL}

    def _outbox_lag(self) -> Mapping[Labels, float]:
        counted = self._census.counted
        return {} if counted is None else {(): counted.outbox_lag_seconds}

    def _breakers(self) -> Mapping[Labels, float]:
        found = Counter[Labels]()
        for key, state in self._gate.states().items():
            label = self._metrics.agent_type(key.agent_type)
            for each in _NOT_CLOSED:
                found[label, each] += each is state
        return found

    def _stream_sessions(self) -> Mapping[Labels, float]:
        return Counter((self._metrics.agent_type(session.agent_type),) for session in self._sessions)
