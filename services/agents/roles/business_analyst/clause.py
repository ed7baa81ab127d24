"""What one part of a sentence says is done."""

from __future__ import annotations

from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Requirement


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that a sentence says is done, in its own words; the span belongs to the sentence."""

    pattern: Requirement.EarsPattern.ValueType
    actor: str
    """Who acts, as written; empty where the system does."""
    modal: str
    verb: str
    object: str
    rest: str
    """What follows the verb, as written."""
    condition: str = ""
    benefit: str = ""
    is_negated: bool = False
    is_passive: bool = False
    tail: str = ""
    """What follows a passive verb, as written; `rest` begins with what it is done to."""
