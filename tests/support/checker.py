"""What must never happen, read from a database: the same questions after every test that kills something.

Returns every violation it finds, in words; an empty list is what everybody hopes for.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import asyncpg

from archwright import ids
from archwright.language.parse import parse
from archwright.language.plan import compile as compile_plan
from services.engine.domain.events import Event, TaskCompleted, WorkflowCancelled, WorkflowCompleted, WorkflowFailed
from services.engine.domain.evolve import evolve
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import Key
from services.engine.storage.codec import STATUS_NUMBER, load_events
from services.engine.storage.commits import next_hash
from services.engine.storage.state_codec import load_workflow

_STATUS = {number: status for status, number in STATUS_NUMBER.items()}
_TERMINAL = (WorkflowCompleted, WorkflowFailed, WorkflowCancelled)


async def violations(owner_dsn: str) -> list[str]:
    """Return what is wrong with the workflows of this database."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        rows = await connection.fetch(
            "SELECT w.*, d.source FROM engine.workflows AS w JOIN engine.definitions AS d "
            "ON (d.tenant_id, d.name, d.version) = (w.tenant_id, w.definition_name, w.definition_version)"
        )
        found: list[str] = []
        for row in rows:
            found += [f"{ids.show('wf', row['workflow_id'])}: {each}" for each in await _of(connection, row)]
        return found
    finally:
        await connection.close()


async def _of(connection: asyncpg.Connection[Any], row: asyncpg.Record) -> list[str]:
    key = Key(row["tenant_id"], ids.show("wf", row["workflow_id"]))
    commits = await connection.fetch(
        "SELECT * FROM engine.history WHERE tenant_id = $1 AND workflow_id = $2 ORDER BY first_seq",
        row["tenant_id"],
        row["workflow_id"],
    )
    found: list[str] = []
    events: list[Event] = []
    head = b""
    for commit in commits:
        if commit["first_seq"] != len(events) + 1:
            found.append(f"I3 history goes on at {commit['first_seq']} after {len(events)}")
        head = next_hash(head, key, commit["first_seq"], commit["count"], commit["body"])
        if head != commit["hash"]:
            found.append(f"I3 the hash chain breaks at seq {commit['first_seq']}")
        events += load_events(commit["body"])
    if row["version"] != len(commits):
        found.append(f"I4 version {row['version']} after {len(commits)} commits")
    return found + _told(key, row, events)


def _told(key: Key, row: asyncpg.Record, events: list[Event]) -> list[str]:
    found: list[str] = []
    plan = compile_plan(parse(row["source"]))
    workflow = Workflow(key.workflow_id)
    for event in events:
        before = workflow.status
        workflow = evolve(plan, workflow, event)
        if workflow.status is not before and workflow.status not in WORKFLOW_TRANSITIONS[before]:
            found.append(f"I4 {before} became {workflow.status}")
    stored = load_workflow(key.workflow_id, _STATUS[row["status"]], row["state"])
    if stored != workflow:
        found.append("I3 folding the history does not give the stored state")
    terminal = [event for event in events if isinstance(event, _TERMINAL)]
    if workflow.status in (WorkflowStatus.COMPLETED, WorkflowStatus.CANCELLED) and len(terminal) != 1:
        found.append(f"I2 {len(terminal)} terminal events")
    if terminal and workflow.status.is_final and events[-1] is not terminal[-1]:
        found.append("I2 something happened after the terminal event")
    completed = Counter(event.task_id for event in events if isinstance(event, TaskCompleted))
    found += [f"I5 {task_id} was applied {times} times" for task_id, times in completed.items() if times > 1]
    return found
