"""Reads the facts from PostgreSQL, as its owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg

from archwright import ids
from archwright.language.parse import parse
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from checker.facts import (
    ApprovalFacts,
    AuditFacts,
    BelongingFacts,
    CachedFacts,
    CommitFacts,
    Facts,
    InboxFacts,
    SightFacts,
    TaskFacts,
    TimerFacts,
    UnpublishedFacts,
    WorkflowFacts,
)
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.keys import Key
from services.engine.storage.codec import STATUS_NUMBER
from services.engine.storage.state_codec import load_workflow

_STATUS = {number: status for status, number in STATUS_NUMBER.items()}
_TASK_STATUS = {1: TaskStatus.PENDING, 2: TaskStatus.ASSIGNED, 3: TaskStatus.IN_PROGRESS, 4: TaskStatus.HELD}

_WORKFLOWS = """
SELECT w.*, d.source FROM engine.workflows AS w JOIN engine.definitions AS d
    ON (d.tenant_id, d.name, d.version) = (w.tenant_id, w.definition_name, w.definition_version)
"""

_UNPUBLISHED = """
SELECT batch_id, extract(epoch FROM now() - committed_at)::float8 AS age FROM engine.commits WHERE NOT published
"""

_INBOX = """
SELECT tenant_id, target, key, extract(epoch FROM now() - created_at)::float8 AS age FROM engine.inbox
"""

_AUDIT = """
SELECT *, hash = sha256(previous_hash || convert_to(concat_ws(E'\\x1f', tenant_id, writer, number, event_id,
         extract(epoch FROM at), user_id, coalesce(workflow_id::text, ''), action, resource, result, ip_address,
         user_agent), 'UTF8')) AS is_intact
  FROM engine.audit
"""

_BELONGINGS = """
SELECT 'history' AS place, tenant_id, workflow_id FROM engine.history
UNION SELECT 'artifact_references', tenant_id, workflow_id FROM engine.artifact_references
UNION SELECT 'approvals', tenant_id, workflow_id FROM engine.approvals
UNION SELECT 'dead_letters', tenant_id, workflow_id FROM engine.dead_letters
UNION SELECT 'open_tasks', tenant_id, workflow_id FROM engine.open_tasks
UNION SELECT 'timers', tenant_id, workflow_id FROM engine.timers
UNION SELECT 'inbox', tenant_id, target FROM engine.inbox
UNION SELECT 'audit', tenant_id, workflow_id FROM engine.audit WHERE workflow_id IS NOT NULL
UNION SELECT 'commits', x.tenant_id, x.workflow_id
        FROM engine.commits AS c, unnest(c.tenant_ids, c.workflow_ids) AS x (tenant_id, workflow_id)
"""

_READABLE = """
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
 WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind = 'r'
   AND has_table_privilege('archwright_engine', c.oid, 'SELECT')
"""


async def read(owner_dsn: str) -> Facts:
    """Return everything that this database says, as of one moment."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            commits = _commits(await connection.fetch("SELECT * FROM engine.history ORDER BY first_seq"))
            return Facts(
                workflows=[_workflow(row, commits) for row in await connection.fetch(_WORKFLOWS)],
                tasks=[_task(row) for row in await connection.fetch("SELECT * FROM engine.open_tasks")],
                timers=[
                    TimerFacts(_key(row), row["name"], row["generation"])
                    for row in await connection.fetch("SELECT * FROM engine.timers")
                ],
                unpublished=[
                    UnpublishedFacts(row["batch_id"], row["age"]) for row in await connection.fetch(_UNPUBLISHED)
                ],
                audit=[_audit(row) for row in await connection.fetch(_AUDIT)],
                inbox=[
                    InboxFacts(Key(row["tenant_id"], ids.show("wf", row["target"])), row["key"], row["age"])
                    for row in await connection.fetch(_INBOX)
                ],
                approvals=[_approval(row) for row in await connection.fetch("SELECT * FROM engine.approvals")],
                belongings=[BelongingFacts(row["place"], _key(row)) for row in await connection.fetch(_BELONGINGS)],
                cached=[
                    CachedFacts(row["tenant_id"], row["output"])
                    for row in await connection.fetch("SELECT tenant_id, output FROM engine.step_cache")
                ],
                sights=await _sights(connection),
            )
    finally:
        await connection.close()


def _commits(rows: Sequence[asyncpg.Record]) -> Mapping[Key, list[CommitFacts]]:
    found: defaultdict[Key, list[CommitFacts]] = defaultdict(list)
    for row in rows:
        found[_key(row)].append(
            CommitFacts(row["first_seq"], row["count"], row["hash"], row["body"], row["committed_at"])
        )
    return found


def _workflow(row: asyncpg.Record, commits: Mapping[Key, list[CommitFacts]]) -> WorkflowFacts:
    key = _key(row)
    status = _STATUS[row["status"]]
    return WorkflowFacts(
        key=key,
        plan=_plan(row["source"]),
        request_id=row["request_id"],
        status=status,
        version=row["version"],
        last_seq=row["last_seq"],
        head_hash=row["head_hash"],
        stored=load_workflow(key.workflow_id, status, row["state"]),
        state_seq=row["state_seq"],
        commits=commits.get(key, []),
    )


def _task(row: asyncpg.Record) -> TaskFacts:
    return TaskFacts(
        key=_key(row),
        task_id=ids.show("task", row["task_id"]),
        step=row["step"],
        status=_TASK_STATUS[row["status"]],
        attempt=row["attempt"],
        session_id=row["session_id"],
    )


def _approval(row: asyncpg.Record) -> ApprovalFacts:
    return ApprovalFacts(_key(row), ids.show("approval", row["approval_id"]), row["step"], row["seq"], row["ended"])


async def _sights(connection: asyncpg.Connection[Any]) -> list[SightFacts]:
    """Return what the engine's own role can read that it must not, whichever tenant it names. Comes last: it is it."""
    tables = [row["relname"] for row in await connection.fetch(_READABLE)]
    tenants = [row["tenant_id"] for row in await connection.fetch("SELECT DISTINCT tenant_id FROM engine.workflows")]
    await connection.execute("SET LOCAL ROLE archwright_engine")
    found: list[SightFacts] = []
    for named in ("", *tenants):
        await connection.execute("SELECT set_config('app.tenants', $1, true)", named)
        for table in tables:
            statement = f"SELECT DISTINCT tenant_id FROM engine.{table} WHERE tenant_id <> $1"
            found += [SightFacts(table, named, row["tenant_id"]) for row in await connection.fetch(statement, named)]
    return found


def _audit(row: asyncpg.Record) -> AuditFacts:
    workflow_id: Any = row["workflow_id"]
    return AuditFacts(
        tenant=row["tenant_id"],
        writer=str(row["writer"]),
        number=row["number"],
        event_id=row["event_id"],
        workflow_id="" if workflow_id is None else ids.show("wf", workflow_id),
        action=row["action"],
        previous_hash=row["previous_hash"],
        hash=row["hash"],
        is_intact=row["is_intact"],
    )


def _key(row: asyncpg.Record) -> Key:
    return Key(row["tenant_id"], ids.show("wf", row["workflow_id"]))


@lru_cache
def _plan(source: str) -> Plan:
    return compile_plan(parse(source))
