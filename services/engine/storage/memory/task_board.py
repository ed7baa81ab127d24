"""The task board in memory: who works on what, for how long still, and what is due."""

from __future__ import annotations

from services.engine.storage.memory.assignments import MemoryAssignments
from services.engine.storage.memory.due import MemoryDue
from services.engine.storage.memory.leases import MemoryLeases
from services.engine.storage.memory.tables import Tables


class MemoryTaskBoard(MemoryLeases, MemoryAssignments, MemoryDue):
    """Sessions, the tasks that they hold, and what is out of time."""

    def __init__(self, tables: Tables, *, lease_seconds: float, accept_seconds: float) -> None:
        MemoryLeases.__init__(self, tables, lease_seconds=lease_seconds)
        MemoryAssignments.__init__(self, tables, accept_seconds=accept_seconds)
        MemoryDue.__init__(self, tables)
