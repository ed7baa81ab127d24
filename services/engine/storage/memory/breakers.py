"""The circuit breakers in memory."""

from __future__ import annotations

from collections.abc import Mapping

from services.engine.domain.breaker import Breaker
from services.engine.ports.breakers import BreakerKey, KeptBreaker
from services.engine.ports.keys import AuditRow
from services.engine.storage.memory.tables import Tables


class MemoryBreakers:
    """The breakers of all tenants."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.audit: list[tuple[str, AuditRow]] = []

    async def all(self) -> Mapping[BreakerKey, KeptBreaker]:
        """Return every breaker that was ever written."""
        return dict(self._tables.breakers)

    async def replace(self, key: BreakerKey, version: int, breaker: Breaker) -> bool:
        """Write a breaker, if it still has this version; return whether it had."""
        kept = self._tables.breakers.get(key)
        if version != (0 if kept is None else kept.version):
            return False
        self._tables.breakers[key] = KeptBreaker(breaker, version + 1)
        return True

    async def reset(self, key: BreakerKey, breaker: Breaker, audit: AuditRow) -> None:
        """Write a breaker whatever it was, because a person said so."""
        kept = self._tables.breakers.get(key)
        self._tables.breakers[key] = KeptBreaker(breaker, 1 if kept is None else kept.version + 1)
        self.audit.append((key.tenant, audit))
