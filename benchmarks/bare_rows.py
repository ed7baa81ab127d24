"""The rows that the bare engine writes: those that a step costs the engine, in one statement for a whole batch.

A moved workflow, its history, the task that ended and the one that came, and the commit itself. States and bodies are
random bytes, as long as the engine's own are on average in the same database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from archwright import ids
from benchmarks.mesh import AGENT_TYPE, TENANT
from benchmarks.work import STEPS

PLANNER_SETTINGS: Mapping[str, str] = {
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}
"""One plan for all batches, and rows found by their keys: what is fastest on tables nobody has analysed."""

_TABLES = """
CREATE SCHEMA floor;
CREATE TABLE floor.workflows (
  tenant_id text, workflow_id uuid, status smallint, version integer, last_seq integer, head_hash bytea, state bytea,
  ended_at timestamptz, PRIMARY KEY (tenant_id, workflow_id)
) WITH (
  fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 1,
  autovacuum_analyze_threshold = 10000
);
ALTER TABLE floor.workflows ALTER COLUMN state SET STORAGE EXTERNAL;
CREATE TABLE floor.history (
  tenant_id text, workflow_id uuid, first_seq integer, count integer, hash bytea, body bytea,
  PRIMARY KEY (tenant_id, workflow_id, first_seq)
) WITH (autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 10000);
ALTER TABLE floor.history ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE floor.open_tasks (
  tenant_id text, task_id uuid, workflow_id uuid, step text, queue text, status smallint, attempt integer,
  lease_id uuid, session_id uuid, PRIMARY KEY (tenant_id, task_id)
) WITH (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false
);
CREATE TABLE floor.commits (
  batch_id uuid PRIMARY KEY, committed_at timestamptz NOT NULL DEFAULT now(), workflow_ids uuid[]
);
"""

_WRITE = """
WITH made AS (
  INSERT INTO floor.workflows (tenant_id, workflow_id, status, version, last_seq, head_hash, state)
  SELECT $1, workflow_id, 2, 1, 3, $7, $8 FROM unnest($2::uuid[]) AS x (workflow_id)
), moved AS (
  UPDATE floor.workflows AS w
     SET status = CASE WHEN x.step < $9 THEN 2 ELSE 3 END, version = w.version + 1, last_seq = w.last_seq + 2,
         head_hash = $7, state = $8, ended_at = CASE WHEN x.step >= $9 THEN now() END
    FROM unnest($14::text[], $3::uuid[], $4::integer[]) AS x (tenant_id, workflow_id, step)
   WHERE w.tenant_id = x.tenant_id AND w.workflow_id = x.workflow_id
), told AS (
  INSERT INTO floor.history (tenant_id, workflow_id, first_seq, count, hash, body)
  SELECT $1, workflow_id, 1, 3, $7::bytea, $10::bytea FROM unnest($2::uuid[]) AS x (workflow_id)
  UNION ALL
  SELECT $1, workflow_id, 2 + 2 * step, 2, $7::bytea, $10::bytea
    FROM unnest($3::uuid[], $4::integer[]) AS x (workflow_id, step)
), ended AS (
  DELETE FROM floor.open_tasks AS t USING unnest($14::text[], $5::uuid[]) AS x (tenant_id, task_id)
   WHERE t.tenant_id = x.tenant_id AND t.task_id = x.task_id
), opened AS (
  INSERT INTO floor.open_tasks (
    tenant_id, task_id, workflow_id, step, queue, status, attempt, lease_id, session_id)
  SELECT $1, task_id, workflow_id, 's0', $11, 2, 1, task_id, task_id
    FROM unnest($6::uuid[], $12::uuid[]) AS x (task_id, workflow_id)
)
INSERT INTO floor.commits (batch_id, workflow_ids) VALUES ($13, $2::uuid[] || $3::uuid[])
"""

_SIZES = """
SELECT (SELECT avg(octet_length(state))::integer FROM engine.workflows),
       (SELECT avg(octet_length(body))::integer FROM engine.history)
"""

_HASH = os.urandom(32)


class Row(NamedTuple):
    """A workflow that is made (at step 0) or moved on, the task that ended, and the one that it has now."""

    workflow_id: UUID
    step: int
    ended: UUID | None
    opened: UUID | None


class Bodies(NamedTuple):
    """What is written as a workflow's state and as what happened to it."""

    state: bytes
    history: bytes


async def make_tables(connection: asyncpg.Connection) -> None:
    """Make the tables, in a schema of their own."""
    await connection.execute(_TABLES)


async def bodies_like_the_engines(connection: asyncpg.Connection) -> Bodies:
    """Return bodies that are as long as those of the engine. Raises ValueError when it has written none."""
    [[state_bytes, history_bytes]] = await connection.fetch(_SIZES)
    if not history_bytes:
        raise ValueError("The engine has run no workflow yet, so nobody knows how long its rows are.")
    return Bodies(os.urandom(state_bytes), os.urandom(history_bytes))


async def write(connection: asyncpg.Connection, rows: Sequence[Row], bodies: Bodies) -> None:
    """Write all rows in one transaction of one statement, which is prepared once."""
    made = [row.workflow_id for row in rows if not row.step]
    moved = [row for row in rows if row.step]
    opened = [(row.opened, row.workflow_id) for row in rows if row.opened is not None]
    await connection.execute(
        _WRITE,
        TENANT,
        made,
        [row.workflow_id for row in moved],
        [row.step for row in moved],
        [row.ended for row in moved],
        [task_id for task_id, _ in opened],
        _HASH,
        bodies.state,
        STEPS,
        bodies.history,
        AGENT_TYPE,
        [workflow_id for _, workflow_id in opened],
        ids.new_uuid(),
        # Beside each row, not as a constant: or the planner would take the tenant alone for a good enough key.
        [TENANT] * len(moved),
    )
