"""The wire form of what a role returns: `AgentOutput` as JSON, with the field names of the proto.

A step's output and a later step's input are this form, so every role reads and writes it through these two functions.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import PayloadInvalid


def to_json(output: AgentOutput) -> dict[str, Any]:
    """Return `output` as JSON; fields that are not set are left out, 64-bit integers are strings."""
    document: dict[str, Any] = json_format.MessageToDict(output, preserving_proto_field_name=True)
    return document


def from_json(document: object) -> AgentOutput:
    """Return the output that `to_json` wrote.

    Fields of a newer version are ignored. Raises `PayloadInvalid`, naming the field, for anything else.
    """
    if not isinstance(document, dict):
        raise PayloadInvalid(f"An agent's output is a JSON object, not {type(document).__name__}.")
    output = AgentOutput()
    try:
        json_format.ParseDict(document, output, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise PayloadInvalid(f"This is not an agent's output: {error}") from error
    return output
