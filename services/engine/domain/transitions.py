"""Every move that a workflow and a task may make. A move that is not here does not exist.

A workflow begins PENDING: accepted, and nothing done yet. RUNNING is the only status in which its steps make
tasks. COMPLETED and CANCELLED are the end. FAILED is an end that may be left again: a retry takes a workflow
back to RUNNING with all its finished work. PAUSED holds everything until somebody resumes or cancels; it
cannot fail or complete, because what happens meanwhile is recorded and acted on when it runs again. The
table is word for word the one of the design this engine was built from, so a move is never added here
to make a command convenient.

A task's life has two clocks. The engine makes it PENDING; a claim makes it ASSIGNED; its agent's word makes it
IN_PROGRESS. From each of the last two it may fall back to PENDING, when a delivery is not accepted, an agent is
lost, or a failure is to be tried again: an attempt ends, the task does not. HELD is PENDING in a paused
workflow. Completed, failed, timed out and cancelled tasks never move again; retrying a workflow makes new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class WorkflowStatus(StrEnum):
    """Where a workflow stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"

    @property
    def is_final(self) -> bool:
        """Whether nothing happens any more unless somebody asks for it."""
        return self in FINAL


class TaskStatus(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    HELD = "held"


_W = WorkflowStatus
_T = TaskStatus

FINAL = frozenset({_W.COMPLETED, _W.FAILED, _W.CANCELLED})
"""Statuses in which a watcher has seen everything."""

WORKFLOW_TRANSITIONS: Mapping[WorkflowStatus, frozenset[WorkflowStatus]] = {
    _W.PENDING: frozenset({_W.RUNNING, _W.CANCELLED}),
    _W.RUNNING: frozenset({_W.COMPLETED, _W.FAILED, _W.PAUSED, _W.CANCELLED}),
    _W.PAUSED: frozenset({_W.RUNNING, _W.CANCELLED}),
    _W.COMPLETED: frozenset(),
    _W.FAILED: frozenset({_W.RUNNING}),
    _W.CANCELLED: frozenset(),
}
"""Every move of a workflow."""

TASK_TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    _T.PENDING: frozenset({_T.ASSIGNED, _T.HELD, _T.TIMEOUT, _T.FAILED, _T.CANCELLED}),
    _T.ASSIGNED: frozenset({_T.IN_PROGRESS, _T.PENDING, _T.COMPLETED, _T.FAILED, _T.TIMEOUT, _T.CANCELLED}),
    _T.IN_PROGRESS: frozenset({_T.COMPLETED, _T.FAILED, _T.TIMEOUT, _T.PENDING, _T.CANCELLED}),
    _T.HELD: frozenset({_T.PENDING, _T.CANCELLED}),
    _T.COMPLETED: frozenset(),
    _T.FAILED: frozenset(),
    _T.TIMEOUT: frozenset(),
    _T.CANCELLED: frozenset(),
}
"""Every move of a task."""
