"""The engine's tables, as reads name them. The migrations are what makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(schema="engine")

_at = DateTime(timezone=True)

definitions = Table(
    "definitions",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("content_hash", Text),
    Column("source", Text),
    Column("built_in", Boolean),
    Column("created_at", _at),
    Column("created_by", Text),
    Column("deprecated_at", _at),
    Column("deprecated_by", Text),
    Column("deprecated_note", Text),
)

definition_channels = Table(
    "definition_channels",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("version", Text),
    Column("updated_at", _at),
    Column("updated_by", Text),
)

workflows = Table(
    "workflows",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Uuid, primary_key=True),
    Column("request_id", Text),
    Column("request_hash", LargeBinary),
    Column("definition_name", Text),
    Column("definition_version", Text),
    Column("definition_hash", Text),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("status", SmallInteger),
    Column("version", Integer),
    Column("last_seq", Integer),
    Column("head_hash", LargeBinary),
    Column("state", LargeBinary),
    Column("state_seq", Integer),
    Column("ended_at", _at),
)

history = Table(
    "history",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Uuid, primary_key=True),
    Column("first_seq", Integer, primary_key=True),
    Column("count", Integer),
    Column("hash", LargeBinary),
    Column("body", LargeBinary),
)

open_tasks = Table(
    "open_tasks",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("task_id", Uuid, primary_key=True),
    Column("workflow_id", Uuid),
    Column("step", Text),
    Column("queue", Text),
    Column("priority", SmallInteger),
    Column("status", SmallInteger),
    Column("attempt", Integer),
    Column("lease_id", Uuid),
    Column("session_id", Uuid),
    Column("timeout_seconds", Integer),
    Column("assigned_at", _at),
    Column("accepted_at", _at),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("agent_id", Text),
    Column("agent_type", Text),
    Column("tenant_id", Text),
    Column("replica_id", Uuid),
    Column("closed", Boolean),
    Column("expires_at", _at),
)

commits = Table(
    "commits",
    metadata,
    Column("batch_id", Uuid, primary_key=True),
    Column("replica_id", Uuid),
    Column("committed_at", _at),
    Column("published", Boolean),
    Column("published_at", _at),
    Column("reserved_until", _at),
    Column("tenant_ids", ARRAY(Text)),
    Column("workflow_ids", ARRAY(Uuid)),
    Column("first_seqs", ARRAY(Integer)),
    Column("counts", ARRAY(Integer)),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("size_bytes", Integer),
    Column("media_type", Text),
    Column("stage", Text),
    Column("touched_at", _at),
)

artifact_contents = Table(
    "artifact_contents",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("piece", LargeBinary),
)

artifact_references = Table(
    "artifact_references",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", LargeBinary),
    Column("task_id", Uuid),
    Column("created_at", _at),
)

schedules = Table(
    "schedules",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("schedule_id", Uuid, primary_key=True),
    Column("name", Text),
    Column("request_id", Text),
    Column("request_hash", LargeBinary),
    Column("definition_name", Text),
    Column("definition_version", Text),
    Column("input", LargeBinary),
    Column("time_field", Text),
    Column("cron", Text),
    Column("time_zone", Text),
    Column("every_seconds", Integer),
    Column("offset_seconds", Integer),
    Column("overlap", Text),
    Column("paused", Boolean),
    Column("note", Text),
    Column("created_at", _at),
    Column("created_by", Text),
    Column("next_fire_at", _at),
    Column("queued_fire_at", _at),
    Column("last_fire_at", _at),
    Column("workflow_ids", ARRAY(Uuid)),
    Column("skipped", BigInteger),
    Column("last_problem", Text),
    Column("reserved_until", _at),
    Column("deleted_at", _at),
    Column("deleted_by_request", Text),
)

breakers = Table(
    "breakers",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("agent_type", Text, primary_key=True),
    Column("state", Text),
    Column("since", _at),
    Column("calls", Integer),
    Column("failures", Integer),
    Column("trials", Integer),
    Column("version", BigInteger),
)
