"""What the parts of the engine tell whoever measures it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.engine.domain.events import Event
from services.engine.domain.invariants import Invariant
from services.engine.ports.keys import Fence


class Measures(Protocol):
    """Takes note of what happened. Must not wait and must not fail."""

    def attempt_ended(self, agent_type: str, fence: Fence, events: Sequence[Event], seconds: float) -> None:
        """Take note of what a commit made of an attempt, `seconds` after an agent of this type was given it."""
        ...

    def violated(self, invariant: Invariant, where: str) -> None:
        """Take note of what must never happen."""
        ...


class Unmeasured:
    """Stands in where nobody measures."""

    def attempt_ended(self, agent_type: str, fence: Fence, events: Sequence[Event], seconds: float) -> None:
        """Let it pass."""

    def violated(self, invariant: Invariant, where: str) -> None:
        """Let it pass."""
