"""What a function returns, as the canonical JSON object that a step's output is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from archwright.payloads import LIMIT_BYTES, Json, canonical, check
from archwright.sdk.errors import Permanent


def encode(output: object) -> bytes:
    """Return the canonical JSON of a dict, a pydantic model, a dataclass or a protobuf message; None is `{}`.

    Raises Permanent when it is something else or larger than 1 MiB, PayloadInvalid when JSON cannot carry it.
    """
    text = canonical(check(_object(output), root="output"))
    if len(text) > LIMIT_BYTES:
        raise Permanent(
            f"The output has {len(text):,} bytes; the limit is {LIMIT_BYTES:,}. Put large content into an artifact "
            "with task.put_artifact and return its name.",
            code="PAYLOAD_TOO_LARGE",
        )
    return text


def _object(output: object) -> Json:
    match output:
        case None:
            return {}
        case Mapping():
            return dict(output)
        case BaseModel():
            dumped: Json = output.model_dump(mode="json")
        case Message():
            dumped = MessageToDict(output, preserving_proto_field_name=True)
        case _ if dataclasses.is_dataclass(output) and not isinstance(output, type):
            dumped = _plain(output)
        case _:
            dumped = None
    if isinstance(dumped, dict):
        return dumped
    raise Permanent(
        f"The function returned {type(output).__name__}. Return a dict, a pydantic model, a dataclass or a "
        "protobuf message: a step's output is a JSON object.",
        code="AGENT_FAULT",
    )


def _plain(output: object) -> Json:
    try:
        return to_jsonable_python(output)
    except (PydanticSerializationError, UnicodeDecodeError) as unfit:
        raise Permanent(f"The output cannot be written as JSON: {unfit}.", code="AGENT_FAULT") from None
