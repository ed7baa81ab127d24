"""Reads workflows and their histories."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import orjson
from immutables import Map

from archwright import ids
from services.engine.domain.events import Json
from services.engine.domain.transitions import TaskStatus
from services.engine.domain.values import Known, value_of
from services.engine.domain.workflow import Workflow
from services.engine.ports.history import PLACES_MAX, Committed, Numbered, Summary, TaskRow, Wanted
from services.engine.ports.keys import Key
from services.engine.ports.store import Span, Stored
from services.engine.storage.codec import PRIORITY_NUMBER, load_events
from services.engine.storage.memory.tables import Tables, WorkflowRow


class MemoryWorkflows:
    """The reading half of the store, and what the API shows of it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load(self, keys: Collection[Key], *, certain: bool = True) -> Mapping[Key, Stored]:
        """Return those of the workflows that exist, as of the last commit; what is read here is always certain."""
        rows = [self._tables.workflows[key] for key in keys if key in self._tables.workflows]
        return {row.key: self._stored(row) for row in rows}

    async def cached(self, tenant: str, keys: Collection[str]) -> Mapping[str, Json]:
        """Return the outputs that the step cache has under these keys, and that are not out of date."""
        now = self._tables.clock.now()
        found = {key: self._tables.step_cache.get((tenant, key)) for key in keys}
        return {key: orjson.loads(row.output) for key, row in found.items() if row is not None and row.expires_at > now}

    async def find_by_request(self, tenant: str, request_id: str) -> tuple[str, bytes] | None:
        """Return the workflow that this request started, and the hash of the request's body."""
        key = self._tables.requests.get((tenant, request_id))
        return None if key is None else (key.workflow_id, self._tables.workflows[key].created.request_hash)

    async def summary(self, key: Key) -> Summary | None:
        """Return a workflow, or None when there is none."""
        row = self._tables.workflows.get(key)
        return None if row is None else self._summary(row)

    async def summaries(self, tenant: str, wanted: Wanted, *, limit: int) -> Sequence[Summary]:
        """Return the first of the wanted workflows."""
        rows = [row for row in self._tables.workflows.values() if row.key.tenant == tenant and _is(row, wanted)]
        rows.sort(key=lambda row: row.key.workflow_id, reverse=not wanted.oldest_first)
        return [self._summary(row) for row in rows[:limit]]

    async def events(self, key: Key, *, after_seq: int, limit: int) -> Sequence[Numbered]:
        """Return events with a greater seq, oldest first."""
        found: list[Numbered] = []
        for row in self._tables.history.get(key, []):
            if row.first_seq + row.count > after_seq + 1 and len(found) < limit:
                numbered = enumerate(load_events(row.body), start=row.first_seq)
                found += [Numbered(seq, event) for seq, event in numbered if seq > after_seq]
        return found[:limit]

    async def committed(self, spans: Sequence[Span]) -> Sequence[Committed]:
        """Return what these commits wrote, in their order, of workflows that are still kept."""
        return [
            Committed(
                span.key, self._tables.plan_of(row), row.created.request_id, span.first_seq, load_events(written.body)
            )
            for span in spans
            if (row := self._tables.workflows.get(span.key)) is not None
            for written in self._tables.history.get(span.key, [])
            if written.first_seq == span.first_seq
        ]

    async def last_seqs(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Return the number of the newest event of each workflow."""
        return {key: self._tables.workflows[key].last_seq for key in keys if key in self._tables.workflows}

    async def open_tasks(self, key: Key) -> Sequence[TaskRow]:
        """Return the rows of the workflow's open tasks."""
        rows = [row for row in self._tables.open_tasks.values() if row.key == key]
        sessions = self._tables.sessions
        return [
            TaskRow(
                key=key,
                task_id=row.task_id,
                step=row.step,
                queue=row.queue,
                status=str(row.status),
                attempt=row.attempt,
                agent_id=sessions[row.session_id].agent_id if row.session_id in sessions else "",
                lease_expires_at=sessions[row.session_id].expires_at if row.session_id in sessions else None,
                assigned_at=row.assigned_at,
                accepted_at=row.accepted_at,
            )
            for row in rows
        ]

    async def places(self, tenant: str, queue: str, task_ids: Collection[str]) -> Mapping[str, int]:
        """Return how many of the tenant's tasks go before each of these that wait in a queue."""
        waiting = [
            row
            for row in self._tables.open_tasks.values()
            if row.key.tenant == tenant and row.queue == queue and row.status is TaskStatus.PENDING
        ]
        waiting.sort(key=lambda row: (-PRIORITY_NUMBER[row.priority], row.created_at, row.order))
        return {row.task_id: place for place, row in enumerate(waiting[:PLACES_MAX]) if row.task_id in task_ids}

    def _stored(self, row: WorkflowRow) -> Stored:
        workflow = self._tables.state_of(row)
        return Stored(
            key=row.key,
            plan=self._tables.plan_of(row),
            workflow=workflow,
            version=row.version,
            head_hash=row.head_hash,
            known=self._known(row.key, workflow),
            snapshot_bytes=len(row.state),
            tail_bytes=sum(len(each.body) for each in self._tables.history[row.key] if each.first_seq > row.state_seq),
        )

    def _known(self, key: Key, workflow: Workflow) -> Known:
        wanted = {1, *workflow.seqs()}
        values = {}
        for row in self._tables.history[key]:
            seqs = [seq for seq in range(row.first_seq, row.first_seq + row.count) if seq in wanted]
            events = load_events(row.body) if seqs else []
            for seq in seqs:
                values[seq] = value_of(events[seq - row.first_seq])
        return Known(values.pop(1, None), Map(values), needed=len(values))

    def _summary(self, row: WorkflowRow) -> Summary:
        return Summary(row.key, row.created, self._tables.plan_of(row), self._tables.state_of(row))


def _is(row: WorkflowRow, wanted: Wanted) -> bool:
    created, made = row.created, ids.read("wf", row.key.workflow_id)
    is_beyond = row.key.workflow_id > wanted.after if wanted.oldest_first else row.key.workflow_id < wanted.after
    return (
        wanted.status in (None, row.status)
        and wanted.unlike_status is not row.status
        and wanted.definition_name in ("", created.definition_name)
        and wanted.definition_version in ("", created.definition_version)
        and wanted.user_id in ("", created.user_id)
        and wanted.session_id in ("", created.session_id)
        and (wanted.created_from is None or made >= ids.first_of(wanted.created_from))
        and (wanted.created_before is None or made < ids.first_of(wanted.created_before))
        and (not wanted.after or is_beyond)
    )
