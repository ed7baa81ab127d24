"""Tells whoever listens what the bus says, tenant by tenant. Who does not take it in time misses it, and learns so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

_WAITING_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Missed:
    """Events were not told."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody wants; whatever is empty does not matter."""

    tenant: str
    event_types: frozenset[str] = frozenset()
    definition_name: str = ""
    workflow_id: str = ""

    def includes(self, event: WorkflowEvent) -> bool:
        """Return whether an event is among them."""
        return (
            event.tenant == self.tenant
            and (not self.event_types or event.event_type in self.event_types)
            and self.definition_name in ("", event.definition_name)
            and self.workflow_id in ("", event.workflow_id)
        )


@dataclass(eq=False, slots=True)
class Tail:
    """One listener, and what it has not taken yet."""

    wanted: Wanted
    waiting: asyncio.Queue[WorkflowEvent | Missed] = field(default_factory=lambda: asyncio.Queue(_WAITING_MAX))

    def tell(self, told: WorkflowEvent | Missed) -> None:
        """Tell it; what has waited for longest makes room."""
        if self.waiting.full():
            while self.waiting.qsize() > _WAITING_MAX // 2:
                self.waiting.get_nowait()
            self.waiting.put_nowait(Missed("You read more slowly than things happen."))
        self.waiting.put_nowait(told)


class Tails:
    """All who listen at this replica."""

    def __init__(self) -> None:
        self._listening: set[Tail] = set()

    def __len__(self) -> int:
        return len(self._listening)

    @contextmanager
    def listen(self, wanted: Wanted) -> Iterator[Tail]:
        """Hear from now on."""
        tail = Tail(wanted)
        self._listening.add(tail)
        try:
            yield tail
        finally:
            self._listening.discard(tail)

    def tell(self, event: WorkflowEvent) -> None:
        """Tell those who want it."""
        for tail in self._listening:
            if tail.wanted.includes(event):
                tail.tell(event)

    def missed(self, reason: str) -> None:
        """Tell everybody that something was not told."""
        for tail in self._listening:
            tail.tell(Missed(reason))
