"""What is particular to a role where all are treated alike: in reviews, and where a language model refines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.agents.validation.given import Check


@dataclass(frozen=True, slots=True)
class Role:
    """A role, and how its deliverable is judged."""

    agent_type: str
    key: str
    """Of its deliverable, in the contract and in the inputs of steps."""
    check: Check
    refers_to: Sequence[str] = ()
    """The keys of the deliverables that its own refers to."""
