"""What is asked of a change management system: to be told of a change, and to say how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from archwright.errors import Unavailable


class SystemUnavailable(Unavailable):
    """A change management system did not answer, or not as it should; trying again later may help."""

    reason = "DEPENDENCY_UNAVAILABLE"


class ChangeGone(SystemUnavailable):
    """A change is not where it was. Nothing follows from it: it may be hidden from us, or deleted by mistake."""


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
    """The same whenever the same question is asked, so that it is told once: letters, digits, `_` and `.`."""
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

    async def find(self, correlation_id: str) -> Sequence[Reference]:
        """Return the changes of a question that are found, the oldest first. One that is new may not be found yet."""
        ...

    async def open(self, change: Change) -> Reference:
        """Open a change and return it."""
        ...

    async def look(self, reference: Reference) -> Looked:
        """Return how a change stands; raises ChangeGone where there is none."""
        ...

    async def withdraw(self, reference: Reference, why: str) -> None:
        """Call off a change that nobody needs to decide any more. Withdrawing it again does no harm."""
        ...

    async def aclose(self) -> None:
        """Let go of the connections."""
        ...
