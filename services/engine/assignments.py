"""Makes of a claimed task what its agent is told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from archwright.language.model import AgentTask
from services.engine.domain.beginning import canonical
from services.engine.domain.paths import scope_of
from services.engine.domain.values import scope_for
from services.engine.domain.workflow import OpenTask
from services.engine.memory import Memory
from services.engine.ports.store import Store, Stored
from services.engine.ports.task_board import Claimed
from services.engine.sessions import Assignment

log = structlog.get_logger(__name__)


class Assigner:
    """Computes inputs again from the pinned definition and the outputs in history."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self._store = store
        self._memory = memory

    async def assignments(self, claimed: Sequence[Claimed], now: datetime) -> list[tuple[Assignment, uuid.UUID]]:
        """Return what to tell whom. A task whose workflow has ended meanwhile is left out."""
        missing = {task.key for task in claimed if self._memory.get(task.key) is None}
        for stored in (await self._store.load(missing)).values():
            self._memory.keep(stored)
        made: list[tuple[Assignment, uuid.UUID]] = []
        for task in claimed:
            current = self._memory.get(task.key)
            if current is None or not _is_open(current, task):
                # A memory that is behind shows an older frontier; look once more before giving up.
                current = (await self._store.load([task.key])).get(task.key)
            if current is None or not _is_open(current, task):
                log.info("task_ended_before_it_was_sent", task_id=task.task_id, workflow_id=task.key.workflow_id)
                continue
            made.append((_assignment(task, current, now), task.session_id))
        return made


def _is_open(stored: Stored, task: Claimed) -> bool:
    found = stored.workflow.open.get(task.step)
    return isinstance(found, OpenTask) and found.task_id == task.task_id


def input_of(stored: Stored, step: str) -> bytes:
    """Return the input of a step whose task is open, as its agent gets it."""
    node = stored.plan.node(step)
    return canonical(node.input(scope_for(stored.plan, stored.workflow, stored.known, scope_of(step), node)))


def _assignment(task: Claimed, stored: Stored, now: datetime) -> Assignment:
    kind = stored.plan.node(task.step).step.kind
    open_task = stored.workflow.open[task.step]
    assert isinstance(kind, AgentTask)
    assert isinstance(open_task, OpenTask)
    return Assignment(
        key=task.key,
        task_id=task.task_id,
        attempt=task.attempt,
        lease_id=task.lease_id,
        step=task.step,
        task_type=kind.task_type,
        input=input_of(stored, task.step),
        context=b"{}",
        deadline=now + timedelta(seconds=task.timeout_seconds),
        failures=open_task.failures,
    )
