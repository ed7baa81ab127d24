"""The engine's store in memory: what the commit writes, and what is read of it."""

from __future__ import annotations

from services.engine.storage.memory.commits import MemoryCommits
from services.engine.storage.memory.tables import Tables
from services.engine.storage.memory.workflows import MemoryWorkflows


class MemoryStore(MemoryCommits, MemoryWorkflows):
    """Both halves of the store over one set of tables."""

    def __init__(self, tables: Tables, *, accept_seconds: float) -> None:
        MemoryCommits.__init__(self, tables, accept_seconds=accept_seconds)
        MemoryWorkflows.__init__(self, tables)
