"""Finds and removes what is old, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from services.engine.ports.contents import Contents
from services.engine.ports.dead_letters import LetterKind
from services.engine.ports.keys import Key
from services.engine.ports.retention import FileKey, Walked
from services.engine.storage.memory.contents import MemoryContents
from services.engine.storage.memory.dead_letters import drop_letters
from services.engine.storage.memory.tables import Tables

_RowKey = TypeVar("_RowKey")
_Row = TypeVar("_Row")


class MemoryLeftovers:
    """Removes what is old, of all tenants."""

    def __init__(self, tables: Tables, contents: Contents | None = None) -> None:
        self._tables = tables
        self._contents = contents or MemoryContents(tables)

    async def remove_workflows(self, ended_before: datetime, *, limit: int) -> int:
        """Remove workflows that ended before, the oldest first, with all that is kept of them; return how many.

        Never one that is under way, be it because somebody retried it just now. The audit keeps its rows.
        """
        ended = [
            (row.ended_at, row.key)
            for row in self._tables.workflows.values()
            if row.ended_at is not None and row.ended_at < ended_before
        ]
        old = [key for _, key in sorted(ended, key=lambda each: each[0])[:limit]]
        for key in old:
            self._remove(key)
        return len(old)

    async def remove_letters(self, made_before: datetime, *, limit: int) -> int:
        """Remove dead letters of events that were made before and whose workflow is not there; return how many."""
        old = [
            place
            for place, row in self._tables.letters.items()
            if row.kind is LetterKind.EVENT
            and row.created_at < made_before
            and Key(row.tenant, row.workflow_id) not in self._tables.workflows
        ]
        _drop(self._tables.letters, old[:limit])
        return len(old[:limit])

    async def remove_files(self, touched_before: datetime, *, after: FileKey | None, limit: int) -> Walked:
        """Look at files whose key sorts after `after`, and remove those that nothing names and nobody sent since."""
        keys = sorted(FileKey(*key) for key in self._tables.files)
        page = [key for key in keys if after is None or key > after][:limit]
        references = self._tables.references.items()
        named = {FileKey(key.tenant, row.sha256) for (key, _), rows in references for row in rows}
        files = self._tables.files
        unnamed = [(key, files[key.tenant, key.sha256]) for key in page if key not in named]
        old = [key for key, file in unnamed if file.stage == "removing" or file.touched_at < touched_before]
        for key in old:
            place = key.tenant, key.sha256
            files[place] = replace(files[place], stage="removing")
            await self._contents.delete(*place)
            del files[place]
        return Walked(len(old), page[-1] if len(page) == limit else None)

    async def remove_cached_outputs(self, expired_before: datetime, *, limit: int) -> int:
        """Remove outputs of steps that may no longer be used again; return how many."""
        expired = [key for key, row in self._tables.step_cache.items() if row.expires_at < expired_before][:limit]
        _drop(self._tables.step_cache, expired)
        return len(expired)

    def _remove(self, key: Key) -> None:
        tables = self._tables
        row = tables.workflows.pop(key)
        del tables.requests[key.tenant, row.created.request_id]
        del tables.history[key]
        _drop(tables.references, [each for each in tables.references if each[0] == key])
        _drop(tables.timers, [each for each in tables.timers if each[0] == key])
        _drop(tables.inbox, [each for each in tables.inbox if each[0] == key])
        drop_letters(tables, key)
        _drop(tables.approvals, [each for each, asked in tables.approvals.items() if asked.key == key])
        _drop(tables.open_tasks, [task_id for task_id, task in tables.open_tasks.items() if task.key == key])


def _drop(rows: dict[_RowKey, _Row], keys: Iterable[_RowKey]) -> None:
    for key in keys:
        del rows[key]
