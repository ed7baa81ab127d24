"""Keeps dead letters in memory; and what a commit writes about those of tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from services.engine.ports.dead_letters import Ending, LetterKind, LetterRow, LetterState, WantedLetters
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.store import Entry
from services.engine.storage.memory.tables import Tables

_TEXTS = ("kind", "state", "workflow_id", "definition_name", "agent_type", "category", "code")


def write_letters(tables: Tables, entry: Entry) -> None:
    """Write which tasks wait for a person and which no longer do."""
    key = entry.key
    if (redriven := entry.effects.redriven) is not None:
        for row in list(tables.letters.values()):
            is_of_task = row.kind is LetterKind.TASK and (row.tenant, row.workflow_id) == key
            if is_of_task and row.state is LetterState.WAITING:
                tables.letters[row.tenant, row.letter_id] = replace(
                    row,
                    state=LetterState.REDRIVEN,
                    ended_by=redriven.user_id,
                    ended_at=redriven.at,
                    request_id=redriven.request_id,
                )
    for made in entry.effects.letters:
        tables.letters.setdefault(
            (key.tenant, made.letter_id),
            LetterRow(
                letter_id=made.letter_id,
                tenant=key.tenant,
                kind=LetterKind.TASK,
                workflow_id=key.workflow_id,
                definition_name=made.definition_name,
                definition_version=made.definition_version,
                category=made.category,
                code=made.code,
                attempts=made.attempts,
                created_at=made.created_at,
                step=made.step,
                task_id=made.task_id,
                agent_type=made.agent_type,
                seq=made.seq,
            ),
        )


class MemoryDeadLetters:
    """Dead letters, in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.audit: list[tuple[str, AuditRow]] = []
        """Each with its tenant."""

    async def find(self, tenant: str, letter_id: str) -> LetterRow | None:
        """Return a tenant's dead letter, or None when there is none."""
        return self._tables.letters.get((tenant, letter_id))

    async def wanted(self, tenant: str, wanted: WantedLetters, *, limit: int) -> Sequence[LetterRow]:
        """Return the first of the wanted dead letters, newest first."""
        return sorted(self._found(tenant, wanted), key=lambda row: row.letter_id, reverse=True)[:limit]

    async def count(self, tenant: str, wanted: WantedLetters) -> int:
        """Return how many are wanted."""
        return len(list(self._found(tenant, wanted)))

    async def end(self, tenant: str, letters: Mapping[str, AuditRow], ending: Ending) -> Collection[str]:
        """End those of these dead letters that wait, each with its audit row, and return which."""
        ended: list[str] = []
        for letter_id, audit in letters.items():
            row = self._tables.letters.get((tenant, letter_id))
            if row is not None and row.state is LetterState.WAITING:
                self._tables.letters[tenant, letter_id] = replace(
                    row,
                    state=ending.state,
                    ended_by=ending.user_id,
                    ended_at=ending.at,
                    request_id=ending.request_id,
                    reason=ending.reason,
                )
                ended.append(letter_id)
                self.audit.append((tenant, audit))
        return ended

    async def add_event_letters(self, rows: Sequence[LetterRow]) -> None:
        """Keep dead letters of events. One of the same group and event that waits stays as it is."""
        letters = self._tables.letters
        for row in rows:
            waiting = [each for each in letters.values() if each.state is LetterState.WAITING and each.group]
            kept = {(each.tenant, each.group, each.event_id) for each in waiting}
            if (row.tenant, row.group, row.event_id) not in kept:
                letters[row.tenant, row.letter_id] = row

    def _found(self, tenant: str, wanted: WantedLetters) -> Iterator[LetterRow]:
        for row in self._tables.letters.values():
            if (
                row.tenant == tenant
                and all(getattr(wanted, name) in ("", getattr(row, name)) for name in _TEXTS)
                and (wanted.created_from is None or row.created_at >= wanted.created_from)
                and (wanted.created_before is None or row.created_at < wanted.created_before)
                and (not wanted.after or row.letter_id < wanted.after)
            ):
                yield row


def drop_letters(tables: Tables, key: Key) -> None:
    """Forget the dead letters of a workflow."""
    for each in [each for each, row in tables.letters.items() if (row.tenant, row.workflow_id) == key]:
        del tables.letters[each]
