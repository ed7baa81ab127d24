"""All layers together."""

from __future__ import annotations

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation import operations, references
from services.agents.validation.given import Check, Given


def complaints(output: AgentOutput, given: Given, check: Check) -> list[Finding]:
    """Return what is wrong with an output that fits the schema; `check` is the role's own."""
    return [*references.check(output, given), *operations.check(output, given), *check(output, given)]


def complaints_within(output: AgentOutput, given: Given, check: Check) -> list[Finding]:
    """Return what is wrong with an output of which not everything is there that it may refer to."""
    dangling = ("RELATION_DANGLES",)
    return [*(one for one in operations.check(output, given) if one.code not in dangling), *check(output, given)]
