"""The registry's table.

`changed_in` is the transaction that last changed what followers are told. A follower asks for what changed in
transactions that its last snapshot did not see; a plain sequence would lose those that commit out of order.
A registration that ended stays as a row with `removed_at` until followers have surely seen it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA = "registry"

agents = Table(
    "agents",
    MetaData(schema=SCHEMA),
    Column("tenant_id", Text, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("agent_type", Text, nullable=False),
    Column("capabilities", ARRAY(Text), nullable=False),
    Column("max_concurrent_tasks", Integer, nullable=False),
    Column("current_task_count", Integer, nullable=False),
    Column("health_check_url", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("said", Text, nullable=False),
    Column("is_silent", Boolean, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("last_heartbeat", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
    Column("removed_by", Text, nullable=False),
    Column("changed_in", BigInteger, nullable=False),
    Column("capability_details", JSONB, nullable=False),
    Column("drained_by", Text, nullable=False),
    Column("failed_probes", Integer, nullable=False),
    Column("probe_problem", Text, nullable=False),
    Column("probe_at", DateTime(timezone=True), nullable=False),
)
