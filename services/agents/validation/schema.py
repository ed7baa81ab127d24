"""The first layer: JSON is read as the contract's message, and nothing in it is passed over."""

from __future__ import annotations

from google.protobuf import json_format

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import PayloadInvalid

NESTED_MAX = 24


def read(document: object) -> AgentOutput:
    """Return the output that `document` is; raises PayloadInvalid, naming the field that does not fit."""
    if not isinstance(document, dict):
        raise PayloadInvalid(f"The output is a JSON object, not {type(document).__name__}.")
    try:
        return json_format.ParseDict(document, AgentOutput(), max_recursion_depth=NESTED_MAX)
    except json_format.ParseError as unfit:
        raise PayloadInvalid(f"The output does not fit its schema: {unfit}") from None
