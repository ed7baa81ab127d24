"""What an output is judged against, and how a complaint is worded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput


@dataclass(frozen=True, slots=True)
class Given:
    """What a role had to work from."""

    text: str = ""
    """The client's own words; empty where they did not come along."""
    earlier: Mapping[str, AgentOutput] = field(default_factory=dict)
    """The outputs of earlier roles, by the key of their deliverable."""

    def of(self, key: str) -> AgentOutput:
        """Return an earlier output; an empty one where there is none."""
        return self.earlier.get(key, AgentOutput())


Check: TypeAlias = Callable[[AgentOutput, Given], Iterator[Finding]]
"""Yields what is wrong with an output."""


def wrong(code: str, message: str, *subjects: str) -> Finding:
    """Return a complaint: what is wrong, and about what."""
    return Finding(severity=Finding.ERROR, code=code, message=message, subject_ids=subjects)
