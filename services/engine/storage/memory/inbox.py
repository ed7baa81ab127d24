"""Words from one workflow to another, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.engine.ports.inbox import Mail
from services.engine.storage.memory.tables import Tables
from services.engine.storage.message_codec import load_message

_RESERVE_SECONDS = 10


class MemoryInbox:
    """The words that wait in one set of tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def take(self, limit: int) -> Sequence[Mail]:
        """Return words that nobody is busy with, oldest first, and reserve them briefly."""
        now = self._tables.clock.now()
        rows = [row for row in self._tables.inbox.values() if row.reserved_until is None or row.reserved_until < now]
        rows = sorted(rows, key=lambda row: row.order)[:limit]
        for row in rows:
            row.reserved_until = self._tables.until(_RESERVE_SECONDS)
        return [Mail(row.key, row.name, load_message(row.command)) for row in rows]

    async def drop(self, mail: Mail) -> None:
        """Forget a word that has become pointless."""
        self._tables.inbox.pop((mail.to, mail.message_key), None)
