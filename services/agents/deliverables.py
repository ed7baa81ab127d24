"""The wire form of what a role returns: `AgentOutput` as JSON, with the field names of the proto.

A step's output and a later step's input are this form, so every role reads and writes it through these functions. What
would be too large for a later step beside the others is packed: its head stays as it is, and the whole goes into one
field, compressed. A request of fifty kilobytes would not fit otherwise.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any, Final

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import PayloadInvalid

PACKED_BEYOND_BYTES: Final = 96 * 1024
UNPACKED_BYTES_MAX: Final = 64 << 20
PACKED: Final = "packed"
_HEAD: Final = (
    "agent_type",
    "task_type",
    "schema_version",
    "request_id",
    "mode",
    "degraded",
    "metrics",
    "summary",
    "affected",
)


def to_json(output: AgentOutput) -> dict[str, Any]:
    """Return `output` as JSON; fields that are not set are left out, 64-bit integers are strings."""
    document: dict[str, Any] = json_format.MessageToDict(output, preserving_proto_field_name=True)
    return document


def to_payload(output: AgentOutput) -> dict[str, Any]:
    """Return `output` as a step returns it: as JSON, or its head and all of it packed where that is large."""
    document = to_json(output)
    if len(orjson.dumps(document)) <= PACKED_BEYOND_BYTES:
        return document
    packed = base64.b64encode(zlib.compress(output.SerializeToString(deterministic=True), 9)).decode()
    return {name: document[name] for name in _HEAD if name in document} | {PACKED: packed}


def from_json(document: object) -> AgentOutput:
    """Return the output that `to_json` or `to_payload` wrote.

    Fields of a newer version are ignored. Raises `PayloadInvalid`, naming the field, for anything else.
    """
    if not isinstance(document, dict):
        raise PayloadInvalid(f"An agent's output is a JSON object, not {type(document).__name__}.")
    if PACKED in document:
        return _unpacked(document[PACKED])
    output = AgentOutput()
    try:
        json_format.ParseDict(document, output, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise PayloadInvalid(f"This is not an agent's output: {error}") from error
    return output


def _unpacked(packed: object) -> AgentOutput:
    try:
        inflating = zlib.decompressobj()
        content = inflating.decompress(base64.b64decode(str(packed), validate=True), UNPACKED_BYTES_MAX)
        if inflating.unconsumed_tail or not inflating.eof:
            raise PayloadInvalid(
                f"The field {PACKED!r} of an agent's output is cut short, or has over {UNPACKED_BYTES_MAX} bytes."
            )
        return AgentOutput.FromString(content)
    except (binascii.Error, zlib.error, DecodeError) as error:
        raise PayloadInvalid(f"The field {PACKED!r} of an agent's output cannot be read: {error}") from error
