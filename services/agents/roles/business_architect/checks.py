"""What a business architecture must be to be right: complete towards the requirements, and answered for."""

from __future__ import annotations

from collections.abc import Iterator

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation.given import Given, wrong

LEVELS_MAX = 2


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with a business architecture."""
    made = output.business
    yield from _covered(made, given)
    yield from _forest(made)
    for process in made.processes:
        if not (process.trigger_event and process.steps and process.outcomes):
            yield wrong("PROCESS_INCOMPLETE", f"{process.id} lacks its trigger, a step or an outcome.", process.id)
    answered = {entry.step_id: entry.accountable_id for entry in made.matrices.raci}
    for step in (step for process in made.processes for step in process.steps):
        if not answered.get(step.id):
            yield wrong("NOBODY_ACCOUNTABLE", f"Nobody answers for the step {step.id}.", step.id)
    if len(answered) != len(made.matrices.raci):
        yield wrong("ACCOUNTABLE_TWICE", "A step has two rows in the RACI matrix.")


def _covered(made: BusinessArchitecture, given: Given) -> Iterator[Finding]:
    placed = {req_id for one in made.capabilities for req_id in one.req_ids}
    worked = {req_id for one in made.processes for req_id in one.req_ids}
    worked |= {one.req_id for one in made.matrices.not_process_bound}
    for one in given.of("requirements").requirements.requirements:
        if one.kind == Requirement.FUNCTIONAL and one.priority != Requirement.WONT:
            if one.id not in placed:
                yield wrong("CAPABILITY_MISSING", f"{one.id} belongs to no capability.", one.id)
            if made.processes and one.id not in worked:
                yield wrong("PROCESS_MISSING", f"{one.id} is done in no process and is not said to need none.", one.id)


def _forest(made: BusinessArchitecture) -> Iterator[Finding]:
    level = {one.id: one.level for one in made.capabilities}
    for one in made.capabilities:
        above = level.get(one.parent_id, 0)
        if not 1 <= one.level <= LEVELS_MAX or (one.parent_id and above != one.level - 1):
            yield wrong("CAPABILITY_LEVEL", f"{one.id} is not one level below what it belongs to.", one.id)
