"""Makes of a task what its agent is told, and hands it over."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from archwright.language.model import AgentTask, ModelBudget
from archwright.language.plan import Plan
from services.chassis.clock import Clock
from services.engine.dispatch import Dispatch
from services.engine.domain.effects import NewTask
from services.engine.domain.values import canonical, scope_of_task, vars_of
from services.engine.domain.values import input_of as given_to
from services.engine.domain.workflow import OpenTask
from services.engine.live import Feed, TaskHanded
from services.engine.memory import Memory
from services.engine.ports.keys import Key
from services.engine.ports.store import Entry, Grant, Store, Stored
from services.engine.ports.task_board import Claimed
from services.engine.sessions import Assignment, Budget, Session, Sessions

log = structlog.get_logger(__name__)

MICROS_A_CENT = 10_000


class Assigner:
    """Gives tasks to the agents of this replica: as they are made, or when they were claimed."""

    def __init__(
        self, store: Store, memory: Memory, dispatch: Dispatch, sessions: Sessions, feed: Feed, clock: Clock
    ) -> None:
        self._store = store
        self._memory = memory
        self._dispatch = dispatch
        self._sessions = sessions
        self._feed = feed
        self._clock = clock

    def grant(self, key: Key, plan: Plan, task: NewTask) -> Grant | None:
        """Reserve room for a task that is about to be made; None when it has to wait its turn."""
        kind = plan.node(task.step).step.kind
        assert isinstance(kind, AgentTask)
        return self._dispatch.grant(key.tenant, task, kind.selection)

    def release(self, granted: Sequence[Mapping[str, Grant]]) -> None:
        """Give up room for tasks that were not made after all."""
        for grants in granted:
            self._dispatch.release(grants)

    def send(self, stored: Stored, entry: Entry, inputs: Mapping[str, bytes]) -> None:
        """Hand over the tasks of a commit that were born assigned; these are the inputs of all that it made."""
        if not entry.granted:
            return
        for task in entry.effects.new_tasks:
            grant = entry.granted.get(task.task_id)
            if grant is None:
                continue
            session = self._sessions.get(grant.session_id)
            if session is None:
                continue  # it went while the commit was under way: the sweep gives the task to somebody else
            session.reserved -= 1
            given = inputs.get(task.task_id)
            assignment = self._assignment(
                stored, task.task_id, task.step, task.attempt + 1, grant.lease_id, task.timeout_seconds, given
            )
            self._give(session, assignment, stored)

    async def hand_over(self, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
        """Hand over claimed tasks, and return those whose agents' room was taken by tasks born assigned meanwhile.

        One whose workflow has ended meanwhile is left out.
        """
        without_room: list[Claimed] = []
        for task, assignment, stored in await self._prepared(claimed):
            session = self._sessions.get(task.session_id)
            if session is None:
                log.info("agent_gone_before_its_task", task_id=task.task_id, workflow_id=task.key.workflow_id)
                continue
            if self._dispatch.room(session) <= 0:
                without_room.append(task)
                continue
            session.credit -= 1
            self._give(session, assignment, stored)
        return without_room

    async def prepare(self, claimed: Sequence[Claimed], session: Session) -> None:
        """Hand claimed tasks to the agent of a session that this replica does not keep."""
        for _, assignment, stored in await self._prepared(claimed):
            self._give(session, assignment, stored)

    async def _prepared(self, claimed: Sequence[Claimed]) -> Sequence[tuple[Claimed, Assignment, Stored]]:
        """Return what is to be told of claimed tasks. One whose workflow has ended meanwhile is left out."""
        prepared: list[tuple[Claimed, Assignment, Stored]] = []
        missing = {task.key for task in claimed if self._memory.get(task.key) is None}
        loaded = dict(await self._store.load(missing)) if missing else {}
        for task in claimed:
            current = self._memory.get(task.key) or loaded.get(task.key)
            if current is None or not _is_open(current, task):
                # A memory that is behind shows an older frontier; look once more before giving up.
                current = (await self._store.load([task.key], certain=True)).get(task.key)
            if current is None or not _is_open(current, task):
                log.info("task_ended_before_it_was_sent", task_id=task.task_id, workflow_id=task.key.workflow_id)
                continue
            assignment = self._assignment(
                current, task.task_id, task.step, task.attempt, task.lease_id, task.timeout_seconds, None
            )
            prepared.append((task, assignment, current))
        return prepared

    def _assignment(
        self,
        stored: Stored,
        task_id: str,
        step: str,
        attempt: int,
        lease_id: uuid.UUID,
        timeout_seconds: int,
        given: bytes | None,
    ) -> Assignment:
        kind = stored.plan.node(step).step.kind
        open_task = stored.workflow.open[step]
        assert isinstance(kind, AgentTask)
        assert isinstance(open_task, OpenTask)
        return Assignment(
            key=stored.key,
            task_id=task_id,
            attempt=attempt,
            lease_id=lease_id,
            step=step,
            task_type=kind.task_type,
            input=input_of(stored, step) if given is None else given,
            context=context_of(stored),
            deadline=self._clock.now() + timedelta(seconds=timeout_seconds),
            failures=open_task.failures,
            idempotency_key=open_task.idempotency_key or task_id,
            repair_errors=open_task.errors,
            capability=kind.capability,
            budget=budget_of(stored),
            handed_at=self._clock.monotonic(),
        )

    def _give(self, session: Session, assignment: Assignment, stored: Stored) -> None:
        session.assign(assignment)
        if self._feed.is_of_interest(stored.key):
            self._feed.progress(
                TaskHanded(
                    *(stored.key, assignment.task_id, assignment.step, session.agent_type, session.agent_id),
                    attempt=assignment.attempt,
                )
            )


def input_of(stored: Stored, step: str) -> bytes:
    """Return the input of a step whose task is open, as its agent gets it."""
    plan, workflow, known = stored.plan, stored.workflow, stored.known
    return canonical(given_to(workflow, known, step, plan.node(step), scope_of_task(plan, workflow, known, step)))


def context_of(stored: Stored) -> bytes:
    """Return what every task of a workflow is given beside its input: the values that the workflow has named."""
    if not stored.workflow.vars:
        return b"{}"
    return canonical({"vars": vars_of(stored.workflow, stored.known)})


def budget_of(stored: Stored) -> Budget | None:
    """Return what language models may still take in a workflow, or None where its definition sets no limit."""
    limit, workflow = stored.plan.definition.model_budget, stored.workflow
    if limit == ModelBudget():
        return None
    return Budget(*left_of(limit, workflow.spent_tokens, workflow.spent_micros))


def left_of(limit: ModelBudget, tokens: int, micros: int) -> tuple[int | None, int | None]:
    """Return the tokens and the millionths of a dollar that are left of a budget; None where it sets no limit."""
    return (
        None if limit.tokens is None else max(0, limit.tokens - tokens),
        None if limit.cost_cents is None else max(0, limit.cost_cents * MICROS_A_CENT - micros),
    )


def _is_open(stored: Stored, task: Claimed) -> bool:
    found = stored.workflow.open.get(task.step)
    return isinstance(found, OpenTask) and found.task_id == task.task_id
