"""Reads workflows and their histories."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from immutables import Map
from sqlalchemy import ARRAY, ColumnElement, Integer, Row, Text, Uuid, bindparam, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from archwright import ids
from archwright.language.plan import Plan
from services.engine.domain.events import Json
from services.engine.domain.evolve import fold
from services.engine.domain.values import Known, value_of
from services.engine.domain.workflow import OpenTask, Workflow
from services.engine.ports.history import PLACES_MAX, Committed, Numbered, Summary, TaskRow, Wanted
from services.engine.ports.keys import Key
from services.engine.ports.store import NewWorkflow, Span, Stored
from services.engine.storage.codec import STATUS_NUMBER, load_events
from services.engine.storage.database import Database
from services.engine.storage.plans import PLANS
from services.engine.storage.state_codec import load_workflow
from services.engine.storage.tables import definitions, history, workflows

_STATUS_OF_NUMBER = {number: status for status, number in STATUS_NUMBER.items()}
_TASK_STATUS = {1: "pending", 2: "assigned", 3: "in_progress", 4: "held"}
_NOBODY: tuple[str, datetime | None] = ("", None)

# The workflow is looked for by itself, which OFFSET 0 sees to: on tables that were never analysed the planner would
# rather read all of the tenant's, once for each of its definitions.
_LOAD = """
SELECT w.tenant_id, w.workflow_id, w.definition_hash, w.status, w.version, w.last_seq, w.head_hash, w.state,
       w.state_seq, d.source
  FROM unnest($1::text[], $2::uuid[]) AS x (tenant_id, workflow_id)
 CROSS JOIN LATERAL (
   SELECT * FROM engine.workflows AS w
    WHERE w.tenant_id = x.tenant_id AND w.workflow_id = x.workflow_id OFFSET 0) AS w
  JOIN engine.definitions AS d
    ON d.tenant_id = w.tenant_id AND d.name = w.definition_name AND d.version = w.definition_version
"""

_BODIES = """
SELECT x.tenant_id, x.workflow_id, x.seq, h.first_seq, h.body
  FROM unnest($1::text[], $2::uuid[], $3::integer[]) AS x (tenant_id, workflow_id, seq)
 CROSS JOIN LATERAL (
   SELECT first_seq, body FROM engine.history AS h
    WHERE h.tenant_id = x.tenant_id AND h.workflow_id = x.workflow_id AND h.first_seq <= x.seq
    ORDER BY h.first_seq DESC LIMIT 1) AS h
"""

_TAILS = """
SELECT h.tenant_id, h.workflow_id, h.body
  FROM unnest($1::text[], $2::uuid[], $3::integer[]) AS x (tenant_id, workflow_id, seq)
  JOIN engine.history AS h ON h.tenant_id = x.tenant_id AND h.workflow_id = x.workflow_id AND h.first_seq > x.seq
 ORDER BY h.tenant_id, h.workflow_id, h.first_seq
"""

# Each row is looked for by itself, for the same reason.
_COMMITTED = """
SELECT x.ord, x.tenant_id, x.workflow_id, x.first_seq, h.body, w.request_id, w.definition_hash, w.definition_name,
       w.definition_version
  FROM unnest($1::text[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS x (tenant_id, workflow_id, first_seq, ord)
 CROSS JOIN LATERAL (
   SELECT body FROM engine.history AS h
    WHERE h.tenant_id = x.tenant_id AND h.workflow_id = x.workflow_id AND h.first_seq = x.first_seq OFFSET 0) AS h
 CROSS JOIN LATERAL (
   SELECT request_id, definition_hash, definition_name, definition_version FROM engine.workflows AS w
    WHERE w.tenant_id = x.tenant_id AND w.workflow_id = x.workflow_id OFFSET 0) AS w
 ORDER BY x.ord
"""

_SOURCES = """
SELECT d.content_hash, d.source
  FROM unnest($1::text[], $2::text[], $3::text[]) AS x (tenant_id, name, version)
  JOIN engine.definitions AS d USING (tenant_id, name, version)
"""

_CACHED = """
SELECT key_sha256, output FROM engine.step_cache
 WHERE tenant_id = $1 AND key_sha256 = ANY($2::bytea[]) AND expires_at > now()
"""

_OPEN = """
SELECT t.task_id, t.step, t.queue, t.status, t.attempt, t.assigned_at, t.accepted_at, t.session_id
  FROM engine.open_tasks AS t WHERE t.tenant_id = $1 AND t.task_id = ANY($2::uuid[])
"""

_PLACES = """
SELECT task_id, place FROM (
  SELECT task_id, row_number() OVER (ORDER BY priority DESC, created_at) - 1 AS place FROM (
    SELECT task_id, priority, created_at FROM engine.open_tasks
     WHERE tenant_id = $1 AND queue = $2 AND status = 1 ORDER BY priority DESC, created_at LIMIT $4) AS first
) AS waiting
 WHERE task_id = ANY($3::uuid[])
"""

_TAILS_OF_SUMMARIES = text(
    _TAILS.replace("$1::text[]", ":tenants").replace("$2::uuid[]", ":workflows").replace("$3::integer[]", ":seqs")
).bindparams(
    bindparam("tenants", type_=ARRAY(Text)),
    bindparam("workflows", type_=ARRAY(Uuid)),
    bindparam("seqs", type_=ARRAY(Integer)),
)


class Workflows:
    """The reading half of the store, and what the API shows of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, keys: Collection[Key], *, certain: bool = True) -> Mapping[Key, Stored]:
        """Return those of the workflows that exist, as of the last commit; what is read here is always certain."""
        if not keys:
            return {}
        async with self._database.engine() as connection, connection.transaction(isolation="repeatable_read"):
            tenants = sorted({key.tenant for key in keys})
            await connection.execute("SELECT set_config('app.tenants', $1, true)", ",".join(tenants))
            return await load_on(connection, keys)

    async def cached(self, tenant: str, keys: Collection[str]) -> Mapping[str, Json]:
        """Return the outputs that the step cache has under these keys, and that are not out of date."""
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenant)
            rows = await connection.fetch(_CACHED, tenant, [bytes.fromhex(key) for key in keys])
        return {row["key_sha256"].hex(): orjson.loads(row["output"]) for row in rows}

    async def find_by_request(self, tenant: str, request_id: str) -> tuple[str, bytes] | None:
        """Return the workflow that this request started, and the hash of the request's body."""
        # By its request first: on tables that were never analysed the planner would rather read all of the tenant's.
        by_request = select(workflows).where(workflows.c.request_id == request_id).offset(0).subquery()
        asked = select(by_request.c.workflow_id, by_request.c.request_hash).where(by_request.c.tenant_id == tenant)
        async with self._database.tenant(tenant) as connection:
            row = (await connection.execute(asked)).one_or_none()
        return None if row is None else (ids.show("wf", row.workflow_id), row.request_hash)

    async def summary(self, key: Key) -> Summary | None:
        """Return a workflow, or None when there is none."""
        found = await self._summaries(key.tenant, workflows.c.workflow_id == ids.read("wf", key.workflow_id), limit=1)
        return found[0] if found else None

    async def summaries(self, tenant: str, wanted: Wanted, *, limit: int) -> Sequence[Summary]:
        """Return the first of the wanted workflows."""
        which = list(_conditions(wanted))
        return await self._summaries(tenant, *which, limit=limit, oldest_first=wanted.oldest_first)

    async def events(self, key: Key, *, after_seq: int, limit: int) -> Sequence[Numbered]:
        """Return events with a greater seq, oldest first."""
        mine = (history.c.tenant_id == key.tenant, history.c.workflow_id == ids.read("wf", key.workflow_id))
        asked = (
            select(history.c.first_seq, history.c.body)
            .where(*mine, history.c.first_seq + history.c.count > after_seq + 1)
            .order_by(history.c.first_seq)
            .limit(limit)
        )
        async with self._database.tenant(key.tenant) as connection:
            rows = list(await connection.execute(asked))
        found: list[Numbered] = []
        for row in rows:
            for seq, event in enumerate(load_events(row.body), start=row.first_seq):
                if seq > after_seq:
                    found.append(Numbered(seq, event))
        return found[:limit]

    async def committed(self, spans: Sequence[Span]) -> Sequence[Committed]:
        """Return what these commits wrote, in their order, of workflows that are still kept."""
        if not spans:
            return []
        columns = zip(*((s.key.tenant, ids.read("wf", s.key.workflow_id), s.first_seq) for s in spans), strict=True)
        tenants = ",".join(sorted({span.key.tenant for span in spans}))
        async with self._database.engine() as connection, connection.transaction(isolation="repeatable_read"):
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenants)
            rows = await connection.fetch(_COMMITTED, *map(list, columns))
            plans = await _plans(connection, rows)
        return [
            Committed(
                key=_key(row),
                plan=plans[row["definition_hash"]],
                request_id=row["request_id"],
                first_seq=row["first_seq"],
                events=load_events(row["body"]),
            )
            for row in rows
        ]

    async def last_seqs(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Return the number of the newest event of each workflow."""
        if not keys:
            return {}
        pairs = [(key.tenant, ids.read("wf", key.workflow_id)) for key in keys]
        asked = select(workflows.c.tenant_id, workflows.c.workflow_id, workflows.c.last_seq).where(
            tuple_(workflows.c.tenant_id, workflows.c.workflow_id).in_(pairs)
        )
        async with self._database.tenant(*sorted({key.tenant for key in keys})) as connection:
            rows = await connection.execute(asked)
            return {Key(row.tenant_id, ids.show("wf", row.workflow_id)): row.last_seq for row in rows}

    async def open_tasks(self, key: Key) -> Sequence[TaskRow]:
        """Return the rows of the workflow's open tasks."""
        summary = await self.summary(key)
        if summary is None:
            return []
        open_steps = summary.workflow.open.values()
        task_ids = [ids.read("task", step.task_id) for step in open_steps if isinstance(step, OpenTask)]
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", key.tenant)
            rows = await connection.fetch(_OPEN, key.tenant, task_ids)
        holders = await self._agents({row["session_id"] for row in rows} - {None})
        return [
            TaskRow(
                key=key,
                task_id=ids.show("task", row["task_id"]),
                step=row["step"],
                queue=row["queue"],
                status=_TASK_STATUS[row["status"]],
                attempt=row["attempt"],
                agent_id=holders.get(row["session_id"], _NOBODY)[0],
                lease_expires_at=holders.get(row["session_id"], _NOBODY)[1],
                assigned_at=row["assigned_at"],
                accepted_at=row["accepted_at"],
            )
            for row in rows
        ]

    async def places(self, tenant: str, queue: str, task_ids: Collection[str]) -> Mapping[str, int]:
        """Return how many of the tenant's tasks go before each of these that wait in a queue."""
        asked = [ids.read("task", task_id) for task_id in task_ids]
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenant)
            rows = await connection.fetch(_PLACES, tenant, queue, asked, PLACES_MAX)
        return {ids.show("task", row["task_id"]): row["place"] for row in rows}

    async def _agents(self, session_ids: Collection[Any]) -> Mapping[Any, tuple[str, datetime]]:
        if not session_ids:
            return {}
        async with self._database.loops() as connection:
            rows = await connection.fetch(
                "SELECT session_id, agent_id, expires_at FROM engine.sessions WHERE session_id = ANY($1::uuid[])",
                list(session_ids),
            )
        return {row["session_id"]: (row["agent_id"], row["expires_at"]) for row in rows}

    async def _summaries(
        self, tenant: str, *conditions: ColumnElement[bool], limit: int, oldest_first: bool = False
    ) -> Sequence[Summary]:
        order = workflows.c.workflow_id
        asked = (
            select(workflows, definitions.c.source)
            .join(
                definitions,
                (definitions.c.tenant_id == workflows.c.tenant_id)
                & (definitions.c.name == workflows.c.definition_name)
                & (definitions.c.version == workflows.c.definition_version),
            )
            .where(workflows.c.tenant_id == tenant, *conditions)
            .order_by(order if oldest_first else order.desc())
            .limit(limit)
        )
        async with self._database.tenant(tenant) as connection:
            rows = (await connection.execute(asked)).all()
            tails = await _tails_of_summaries(connection, rows)
        return [_summary(row, tails.get(row.workflow_id, ())) for row in rows]


async def load_on(connection: asyncpg.Connection[Any], keys: Collection[Key]) -> Mapping[Key, Stored]:
    """Return those of the workflows that exist, as the transaction of a connection sees them."""
    tenants, workflow_ids = [key.tenant for key in keys], [ids.read("wf", key.workflow_id) for key in keys]
    rows = await connection.fetch(_LOAD, tenants, workflow_ids)
    tails = await _tails(connection, rows)
    found = {_key(row): (row, PLANS.of(row["definition_hash"], row["source"])) for row in rows}
    current = {key: _workflow(row, plan, tails.get(key, ())) for key, (row, plan) in found.items()}
    known = await _known(connection, current)
    return {
        key: Stored(
            key=key,
            plan=plan,
            workflow=current[key],
            version=row["version"],
            head_hash=row["head_hash"],
            known=known[key],
            snapshot_bytes=len(row["state"]),
            tail_bytes=sum(map(len, tails.get(key, ()))),
        )
        for key, (row, plan) in found.items()
    }


async def _plans(connection: asyncpg.Connection[Any], rows: Sequence[asyncpg.Record]) -> Mapping[str, Plan]:
    """Return the plans that workflows follow, by their hash; the text of a definition is read only where it must."""
    found = {row["definition_hash"]: PLANS.find(row["definition_hash"]) for row in rows}
    missing = {
        (row["tenant_id"], row["definition_name"], row["definition_version"])
        for row in rows
        if found[row["definition_hash"]] is None
    }
    if missing:
        for row in await connection.fetch(_SOURCES, *map(list, zip(*missing, strict=True))):
            found[row["content_hash"]] = PLANS.of(row["content_hash"], row["source"])
    return {content_hash: plan for content_hash, plan in found.items() if plan is not None}


async def _known(connection: asyncpg.Connection[Any], found: Mapping[Key, Workflow]) -> Mapping[Key, Known]:
    """Return the values that may still be read of these workflows, from the events that hold them."""
    wanted = [
        (key.tenant, ids.read("wf", key.workflow_id), seq)
        for key, workflow in found.items()
        for seq in {1, *workflow.seqs()}
    ]
    columns = [list(column) for column in zip(*wanted, strict=True)] if wanted else [[], [], []]
    rows = await connection.fetch(_BODIES, *columns)
    values: dict[Key, dict[int, Any]] = {key: {} for key in found}
    for row in rows:
        values[_key(row)][row["seq"]] = value_of(load_events(row["body"])[row["seq"] - row["first_seq"]])
    return {key: Known(of_key.pop(1, None), Map(of_key), needed=len(of_key)) for key, of_key in values.items()}


def _key(row: asyncpg.Record) -> Key:
    return Key(row["tenant_id"], ids.show("wf", row["workflow_id"]))


def _workflow(row: asyncpg.Record, plan: Plan, tail: Sequence[bytes]) -> Workflow:
    """Return a workflow's state: the one last written, and what has happened since."""
    status = _STATUS_OF_NUMBER[row["status"]]
    # Only the row knows the status of now; that of the snapshot is told by the events since.
    return _caught_up(plan, load_workflow(ids.show("wf", row["workflow_id"]), status, row["state"]), tail)


def _caught_up(plan: Plan, workflow: Workflow, tail: Sequence[bytes]) -> Workflow:
    return fold(plan, workflow, (event for body in tail for event in load_events(body))) if tail else workflow


async def _tails(connection: asyncpg.Connection[Any], rows: Sequence[asyncpg.Record]) -> Mapping[Key, Sequence[bytes]]:
    """Return the events that happened after the states that were last written."""
    behind = [row for row in rows if row["state_seq"] < row["last_seq"]]
    if not behind:
        return {}
    columns = [[row[name] for row in behind] for name in ("tenant_id", "workflow_id", "state_seq")]
    tails: dict[Key, list[bytes]] = {}
    for row in await connection.fetch(_TAILS, *columns):
        tails.setdefault(_key(row), []).append(row["body"])
    return tails


async def _tails_of_summaries(
    connection: AsyncConnection, rows: Sequence[Row[Any]]
) -> Mapping[uuid.UUID, Sequence[bytes]]:
    """Return the events that happened after the states that were last written."""
    behind = [row for row in rows if row.state_seq < row.last_seq]
    tails: dict[uuid.UUID, list[bytes]] = {}
    if behind:
        which = {
            "tenants": [row.tenant_id for row in behind],
            "workflows": [row.workflow_id for row in behind],
            "seqs": [row.state_seq for row in behind],
        }
        for row in await connection.execute(_TAILS_OF_SUMMARIES, which):
            tails.setdefault(row.workflow_id, []).append(row.body)
    return tails


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    columns = workflows.c
    for column, value in (
        (columns.definition_name, wanted.definition_name),
        (columns.definition_version, wanted.definition_version),
        (columns.user_id, wanted.user_id),
        (columns.session_id, wanted.session_id),
    ):
        if value:
            yield column == value
    if wanted.status is not None:
        yield columns.status == STATUS_NUMBER[wanted.status]
    if wanted.unlike_status is not None:
        yield columns.status != STATUS_NUMBER[wanted.unlike_status]
    # Ids sort by the time at which they were made, which is that of the workflow.
    if wanted.created_from is not None:
        yield columns.workflow_id >= ids.first_of(wanted.created_from)
    if wanted.created_before is not None:
        yield columns.workflow_id < ids.first_of(wanted.created_before)
    if wanted.after:
        last = ids.read("wf", wanted.after)
        yield columns.workflow_id > last if wanted.oldest_first else columns.workflow_id < last


def _summary(row: Row[Any], tail: Sequence[bytes]) -> Summary:
    workflow_id = ids.show("wf", row.workflow_id)
    plan: Plan = PLANS.of(row.definition_hash, row.source)
    return Summary(
        key=Key(row.tenant_id, workflow_id),
        created=NewWorkflow(
            request_id=row.request_id,
            request_hash=row.request_hash,
            definition_name=row.definition_name,
            definition_version=row.definition_version,
            definition_hash=row.definition_hash,
            user_id=row.user_id,
            session_id=row.session_id,
        ),
        plan=plan,
        workflow=fold(
            plan,
            load_workflow(workflow_id, _STATUS_OF_NUMBER[row.status], row.state),
            (event for body in tail for event in load_events(body)),
        ),
    )
