"""The agents in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    and_,
    case,
    delete,
    func,
    literal_column,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archwright.errors import DependencyUnavailable
from services.registry.domain.agent import Agent, CapabilityDetail, Heartbeat, Key, Status
from services.registry.domain.audit import AuditEvent
from services.registry.domain.registration import Registration
from services.registry.ports import Changes, Tenants
from services.registry.storage.database import Database
from services.registry.storage.tables import agents

_THIS_TRANSACTION = literal_column("pg_current_xact_id()::text::bigint", BigInteger)
_OLDEST_UNSEEN = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger)
_REGISTERED = agents.c.removed_at.is_(None)

# Rows are locked in one order, so that two replicas never wait for each other.
_NOTE = text("""
WITH heard AS MATERIALIZED (
  SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:agent_ids AS text[]), CAST(:said AS text[]),
                       CAST(:counts AS integer[]), CAST(:at AS timestamptz[]))
    AS heard(tenant_id, agent_id, said, current_task_count, at)
), locked AS MATERIALIZED (
  SELECT known.tenant_id, known.agent_id FROM registry.agents known JOIN heard USING (tenant_id, agent_id)
  WHERE known.removed_at IS NULL ORDER BY known.tenant_id, known.agent_id FOR NO KEY UPDATE OF known
)
UPDATE registry.agents known SET
  last_heartbeat = greatest(known.last_heartbeat, heard.at),
  said = heard.said,
  current_task_count = heard.current_task_count,
  is_silent = false,
  changed_in = CASE
    WHEN known.is_silent OR known.said <> heard.said OR known.current_task_count <> heard.current_task_count
    THEN pg_current_xact_id()::text::bigint ELSE known.changed_in END
FROM heard JOIN locked USING (tenant_id, agent_id)
WHERE known.tenant_id = heard.tenant_id AND known.agent_id = heard.agent_id
RETURNING known.tenant_id, known.agent_id
""")

_APPEND_AUDIT = text(
    "SELECT registry.append_audit(:tenant, :event_id, :at, :user_id, :action, :resource, :result, :ip_address, "
    ":user_agent)"
)


class PostgresAgents:
    """The AgentStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, registration: Registration, at: datetime) -> Agent:
        """Register, or renew a registration; who renews keeps `registered_at`, and what an operator decided."""
        wished = {
            "agent_type": registration.agent_type,
            "capabilities": list(registration.capabilities),
            "max_concurrent_tasks": registration.max_concurrent_tasks,
            "current_task_count": 0,
            "health_check_url": registration.health_check_url,
            "labels": dict(registration.labels),
            "capability_details": [asdict(detail) for detail in registration.capability_details],
            "failed_probes": 0,
            "probe_problem": "",
            "probe_at": at,
            "said": Status.ONLINE,
            "is_silent": False,
            "registered_at": at,
            "last_heartbeat": at,
            "removed_at": None,
            "removed_by": "",
        }
        key = {"tenant_id": registration.tenant, "agent_id": registration.agent_id}
        statement = insert(agents).values(**key, **wished, drained_by="", changed_in=_THIS_TRANSACTION)
        statement = statement.on_conflict_do_update(
            index_elements=[agents.c.tenant_id, agents.c.agent_id],
            set_=wished
            | {
                "registered_at": case((_REGISTERED, agents.c.registered_at), else_=at),
                "drained_by": case((_REGISTERED, agents.c.drained_by), else_=""),
                "changed_in": _THIS_TRANSACTION,
            },
        )
        async with self._database.transaction((registration.tenant,)) as connection:
            row = (await connection.execute(statement.returning(agents))).one()
        return _agent(row)

    async def get(self, agent_id: str, tenants: Tenants) -> Agent | None:
        """Return the agent of this id, of the first of the tenants that has one."""
        statement = select(agents).where(agents.c.agent_id == agent_id, _REGISTERED, _of(tenants))
        preference = func.array_position(list(tenants or ()), agents.c.tenant_id)
        statement = statement.order_by(*([preference] if tenants else []), agents.c.tenant_id).limit(1)
        async with self._database.transaction(tenants) as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else _agent(row)

    async def page(self, tenants: Tenants, *, agent_type: str, after: Key | None, limit: int) -> Sequence[Agent]:
        """Return up to `limit` agents beyond `after`, by id and then tenant; all types when `agent_type` is empty."""
        order = (agents.c.agent_id, agents.c.tenant_id)
        statement = select(agents).where(_REGISTERED, _of(tenants)).order_by(*order).limit(limit)
        if agent_type:
            statement = statement.where(agents.c.agent_type == agent_type)
        if after is not None:
            statement = statement.where(tuple_(*order) > tuple_(after.agent_id, after.tenant))
        async with self._database.transaction(tenants) as connection:
            return [_agent(row) for row in await connection.execute(statement)]

    async def candidates(self, tenants: Tenants, *, agent_type: str, labels: Mapping[str, str]) -> Sequence[Agent]:
        """Return the agents that are heard of, of this type (all when empty) and with these labels."""
        statement = select(agents).where(_REGISTERED, _of(tenants), ~agents.c.is_silent)
        if agent_type:
            statement = statement.where(agents.c.agent_type == agent_type)
        if labels:
            statement = statement.where(agents.c.labels.contains(dict(labels)))
        async with self._database.transaction(tenants) as connection:
            return [_agent(row) for row in await connection.execute(statement)]

    async def remove(self, key: Key, at: datetime, request_id: str, audit: AuditEvent | None = None) -> bool:
        """End a registration; return whether it ended by this request, now or when it was sent before."""
        ending = (
            update(agents)
            .where(_is(key), _REGISTERED)
            .values(removed_at=at, removed_by=request_id, changed_in=_THIS_TRANSACTION)
        )
        ended_before = select(agents.c.agent_id).where(_is(key), agents.c.removed_by == request_id)
        async with self._database.transaction((key.tenant,)) as connection:
            if (await connection.execute(ending)).rowcount:
                if audit is not None:
                    await _append_audit(connection, key.tenant, audit)
                return True
            return bool(request_id) and (await connection.execute(ended_before)).first() is not None

    async def set_drained(self, key: Key, by: str, audit: AuditEvent) -> Agent | None:
        """Note who keeps an agent from new work, nobody when empty; return it, or None when it is not registered."""
        deciding = (
            update(agents)
            .where(_is(key), _REGISTERED)
            .values(drained_by=by, changed_in=_THIS_TRANSACTION)
            .returning(agents)
        )
        async with self._database.transaction((key.tenant,)) as connection:
            row = (await connection.execute(deciding)).one_or_none()
            if row is None:
                return None
            await _append_audit(connection, key.tenant, audit)
        return _agent(row)

    async def due_probes(self, now: datetime, again_at: datetime, limit: int) -> Sequence[Agent]:
        """Return agents whose health check is due; no other replica is given them before `again_at`."""
        due = (
            select(agents.c.tenant_id, agents.c.agent_id)
            .where(_REGISTERED, ~agents.c.is_silent, agents.c.health_check_url != "", agents.c.probe_at <= now)
            .order_by(agents.c.probe_at)
            .limit(limit)
            .with_for_update(key_share=True, skip_locked=True)
            .cte("due")
            .prefix_with("MATERIALIZED", dialect="postgresql")
        )
        taking = (
            update(agents)
            .where(agents.c.tenant_id == due.c.tenant_id, agents.c.agent_id == due.c.agent_id)
            .values(probe_at=again_at)
            .returning(agents)
        )
        async with self._database.transaction(None) as connection:
            return [_agent(row) for row in await connection.execute(taking)]

    async def note_probe(self, key: Key, url: str, problem: str) -> None:
        """Note how a health check of this URL went: why it failed, or nothing."""
        of_this_url = and_(_is(key), _REGISTERED, agents.c.health_check_url == url)
        if problem:
            noting = update(agents).where(of_this_url).values(failed_probes=agents.c.failed_probes + 1)
        else:
            noting = update(agents).where(of_this_url, agents.c.failed_probes > 0).values(failed_probes=0)
        async with self._database.transaction((key.tenant,)) as connection:
            await connection.execute(noting.values(probe_problem=problem, changed_in=_THIS_TRANSACTION))

    async def note(self, heartbeats: Sequence[Heartbeat]) -> Collection[Key]:
        """Take heartbeats, at most one per agent, and return those agents that are registered."""
        tenants = [heartbeat.key.tenant for heartbeat in heartbeats]
        columns = {
            "tenants": tenants,
            "agent_ids": [heartbeat.key.agent_id for heartbeat in heartbeats],
            "said": [heartbeat.said.value for heartbeat in heartbeats],
            "counts": [heartbeat.current_task_count for heartbeat in heartbeats],
            "at": [heartbeat.at for heartbeat in heartbeats],
        }
        async with self._database.transaction(tuple(sorted(set(tenants)))) as connection:
            return {Key(*row) for row in await connection.execute(_NOTE, columns)}

    async def mark_silent(self, since: datetime) -> Sequence[Key]:
        """Mark agents that were last heard of before `since`, and return those that were not marked yet."""
        silent = (
            select(agents.c.tenant_id, agents.c.agent_id)
            .where(_REGISTERED, ~agents.c.is_silent, agents.c.last_heartbeat < since)
            .with_for_update(key_share=True, skip_locked=True)
            .cte("silent")
            .prefix_with("MATERIALIZED", dialect="postgresql")
        )
        marking = (
            update(agents)
            .where(agents.c.tenant_id == silent.c.tenant_id, agents.c.agent_id == silent.c.agent_id)
            .values(is_silent=True, changed_in=_THIS_TRANSACTION)
            .returning(agents.c.tenant_id, agents.c.agent_id)
        )
        async with self._database.transaction(None) as connection:
            return [Key(*row) for row in await connection.execute(marking)]

    async def remove_lost(self, before: datetime, at: datetime) -> Sequence[Key]:
        """End the registrations of silent agents last heard of before `before`, but of drained ones; return those."""
        ending = (
            update(agents)
            .where(_REGISTERED, agents.c.is_silent, agents.c.last_heartbeat < before, agents.c.drained_by == "")
            .values(removed_at=at, removed_by="", changed_in=_THIS_TRANSACTION)
            .returning(agents.c.tenant_id, agents.c.agent_id)
        )
        async with self._database.transaction(None) as connection:
            return [Key(*row) for row in await connection.execute(ending)]

    async def forget_removed(self, before: datetime) -> None:
        """Forget registrations that ended before `before`. Until then a follower is told of them."""
        async with self._database.transaction(None) as connection:
            await connection.execute(delete(agents).where(agents.c.removed_at < before))

    async def everybody(self) -> Changes:
        """Return all agents, and the cursor from which to follow."""
        return await self._changes(since=None)

    async def changes_since(self, cursor: int) -> Changes:
        """Return what changed since `cursor`; a heartbeat that says nothing new is no change."""
        return await self._changes(since=cursor)

    async def is_up(self) -> bool:
        """Return whether PostgreSQL answers."""
        try:
            async with self._database.transaction(()) as connection:
                await connection.execute(select(true()))
        except DependencyUnavailable:
            return False
        return True

    async def _changes(self, since: int | None) -> Changes:
        wanted = _REGISTERED if since is None else agents.c.changed_in >= since
        async with self._database.transaction(None) as connection:
            # The cursor is older than what is read next: at worst a change is read twice.
            cursor = (await connection.execute(select(_OLDEST_UNSEEN))).scalar_one()
            rows = (await connection.execute(select(agents).where(wanted))).all()
        return Changes(
            agents=[_agent(row) for row in rows if row.removed_at is None],
            removed=[Key(row.tenant_id, row.agent_id) for row in rows if row.removed_at is not None],
            cursor=cursor,
        )


async def _append_audit(connection: AsyncConnection, tenant: str, audit: AuditEvent) -> None:
    await connection.execute(_APPEND_AUDIT, {"tenant": tenant, **asdict(audit)})


def _is(key: Key) -> ColumnElement[bool]:
    return and_(agents.c.tenant_id == key.tenant, agents.c.agent_id == key.agent_id)


def _of(tenants: Tenants) -> ColumnElement[bool]:
    return true() if tenants is None else agents.c.tenant_id.in_(tenants)


def _agent(row: Row[tuple[object, ...]]) -> Agent:
    return Agent(
        tenant=row.tenant_id,
        agent_id=row.agent_id,
        agent_type=row.agent_type,
        capabilities=tuple(row.capabilities),
        max_concurrent_tasks=row.max_concurrent_tasks,
        current_task_count=row.current_task_count,
        health_check_url=row.health_check_url,
        labels=dict(row.labels),
        said=Status(row.said),
        is_silent=row.is_silent,
        registered_at=row.registered_at,
        last_heartbeat=row.last_heartbeat,
        capability_details=tuple(CapabilityDetail(**detail) for detail in row.capability_details),
        failed_probes=row.failed_probes,
        probe_problem=row.probe_problem,
        drained_by=row.drained_by,
    )
