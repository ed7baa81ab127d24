"""The circuit breakers in PostgreSQL: one row each, changed by compare-and-set, and hardly ever while all is well."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.dialects.postgresql import insert

from services.engine.domain.breaker import Breaker, BreakerState
from services.engine.ports.breakers import BreakerKey, KeptBreaker
from services.engine.ports.keys import AuditRow
from services.engine.storage.audit import append_audit
from services.engine.storage.database import Database
from services.engine.storage.tables import breakers

_ALL = "SELECT tenant_id, agent_type, state, since, calls, failures, trials, version FROM engine.breakers"

_REPLACE = """
INSERT INTO engine.breakers AS b (tenant_id, agent_type, state, since, calls, failures, trials, version)
SELECT $1, $2, $4, $5, $6, $7, $8, 1 WHERE $3::bigint = 0
ON CONFLICT (tenant_id, agent_type) DO NOTHING
"""

_UPDATE = """
UPDATE engine.breakers SET state = $4, since = $5, calls = $6, failures = $7, trials = $8, version = version + 1
 WHERE tenant_id = $1 AND agent_type = $2 AND version = $3
"""


class PostgresBreakers:
    """The breakers of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Mapping[BreakerKey, KeptBreaker]:
        """Return every breaker that was ever written."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_ALL)
        return {
            BreakerKey(row["tenant_id"], row["agent_type"]): KeptBreaker(
                Breaker(row["since"], BreakerState(row["state"]), row["calls"], row["failures"], row["trials"]),
                row["version"],
            )
            for row in rows
        }

    async def replace(self, key: BreakerKey, version: int, breaker: Breaker) -> bool:
        """Write a breaker, if it still has this version; return whether it had."""
        async with self._database.loops() as connection:
            done = await connection.execute(
                _UPDATE if version else _REPLACE,
                *(key.tenant, key.agent_type, version, breaker.state.value, breaker.since),
                *(breaker.calls, breaker.failures, breaker.trials),
            )
        return not done.endswith(" 0")

    async def reset(self, key: BreakerKey, breaker: Breaker, audit: AuditRow) -> None:
        """Write a breaker whatever it was, because a person said so."""
        told = {
            "state": breaker.state.value,
            "since": breaker.since,
            "calls": breaker.calls,
            "failures": breaker.failures,
            "trials": breaker.trials,
        }
        writing = insert(breakers).values(tenant_id=key.tenant, agent_type=key.agent_type, version=1, **told)
        writing = writing.on_conflict_do_update(
            index_elements=[breakers.c.tenant_id, breakers.c.agent_type],
            set_=told | {"version": breakers.c.version + 1},
        )
        async with self._database.tenant(key.tenant) as connection:
            await connection.execute(writing)
            await append_audit(connection, key.tenant, audit)
