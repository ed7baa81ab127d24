"""What is asked of a change management system: to be told of a change, and to say how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from archwright.errors import Unavailable


class SystemUnavailable(Unavailable):
    """A change management system did not answer, or not as it should; trying again later may help."""

    reason = "DEPENDENCY_UNAVAILABLE"


class Standing(StrEnum):
    """How a change stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """In a state that the rules do not name. Nothing follows from it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a system is told of."""

    correlation_id: str
    """The same whenever the same question is asked, so that it is told once."""
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A change within its system."""

    key: str
    """How the system's interface knows it."""
    number: str
    """How people know it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How a change was found to stand."""

    standing: Standing
    state: str
    """In the system's own words."""
    by: str = ""
    comment: str = ""


class ChangeManagement(Protocol):
    """One change management system. Everything raises SystemUnavailable when it does not answer as it should."""

    async def find(self, correlation_id: str) -> Reference | None:
        """Return the change of a question, if it was opened."""
        ...

    async def open(self, change: Change) -> Reference:
        """Return the change of a question: the one that is there, or a new one."""
        ...

    async def look(self, reference: Reference) -> Looked:
        """Return how a change stands."""
        ...

    async def withdraw(self, reference: Reference, why: str) -> None:
        """Call off a change that nobody needs to decide any more. Withdrawing it again does no harm."""
        ...

    async def aclose(self) -> None:
        """Let go of the connections."""
        ...
