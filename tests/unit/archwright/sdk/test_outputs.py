"""What functions may return."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import BaseModel

from archwright.engine.v1.agent_work_pb2 import Usage
from archwright.errors import PayloadInvalid
from archwright.sdk.errors import Permanent
from archwright.sdk.outputs import encode


class Model(BaseModel):
    name: str
    ages: tuple[int, ...] = (1, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    name: str


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (None, b"{}"),
        ({"b": 1, "a": [1.0, None]}, b'{"a":[1,null],"b":1}'),
        (Model(name="Ada"), b'{"ages":[1,2],"name":"Ada"}'),
        (Record("Ada"), b'{"name":"Ada"}'),
        (Usage(model="m", cost_micros=5), b'{"cost_micros":"5","model":"m"}'),
    ],
)
def test_objects_of_every_kind_become_canonical_json(output: object, text: bytes) -> None:
    assert encode(output) == text


@pytest.mark.parametrize("output", [[1], "text", 5, Record, object()])
def test_what_is_no_object_is_refused_with_advice(output: object) -> None:
    with pytest.raises(Permanent, match="Return a dict") as raised:
        encode(output)
    assert raised.value.code == "AGENT_FAULT"


def test_what_json_cannot_carry_is_named() -> None:
    with pytest.raises(PayloadInvalid, match=r"output\.customers\[0\]\.id"):
        encode({"customers": [{"id": 2**53}]})


def test_a_large_output_is_refused_with_the_advice_to_make_an_artifact() -> None:
    with pytest.raises(Permanent, match="put_artifact") as raised:
        encode({"text": "x" * (1 << 20)})
    assert raised.value.code == "PAYLOAD_TOO_LARGE"
