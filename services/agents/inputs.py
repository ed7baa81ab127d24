"""Reading a task's input: the outputs of earlier steps, by key.

A key that is absent, null or empty means that the earlier step has nothing to say, and the role works with less. A key
that holds something else than an agent's output is a mistake in the definition, which no retry mends.
"""

from __future__ import annotations

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import PayloadInvalid
from archwright.payloads import Json
from archwright.sdk.errors import Permanent
from services.agents.deliverables import from_json


def all_given(task_input: Json) -> dict[str, AgentOutput]:
    """Return all earlier outputs by their keys, in the order of the contract; raises Permanent as `given` does."""
    keys = [field.name for field in AgentOutput.DESCRIPTOR.oneofs_by_name["deliverable"].fields]
    return {key: output for key in keys if (output := given(task_input, key)) is not None}


def wish(task_input: Json, key: str = "request") -> str:
    """Return what the client's own request says under `key`, its text by default; empty where it did not come along."""
    request = task_input.get("request") if isinstance(task_input, dict) else None
    value = request.get(key) if isinstance(request, dict) else request if key == "request" else None
    return value if isinstance(value, str) else ""


def given(task_input: Json, key: str) -> AgentOutput | None:
    """Return the earlier output under `key` that holds a deliverable, or None.

    Raises Permanent, naming the key, when there is something else under it.
    """
    if not isinstance(task_input, dict):
        raise Permanent(f"A task's input is a JSON object, not {type(task_input).__name__}.", code="INPUT_INVALID")
    document = task_input.get(key)
    if not document:
        return None
    try:
        output = from_json(document)
    except PayloadInvalid as error:
        raise Permanent(f"The input {key!r} is no agent's output: {error}", code="INPUT_INVALID") from error
    # An output without its deliverable is one of a step that was skipped or told us nothing.
    return output if output.WhichOneof("deliverable") == key else None
