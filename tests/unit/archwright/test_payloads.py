"""What passes as a payload, and what is said about the rest."""

from __future__ import annotations

import math

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given
from hypothesis import strategies as st

from archwright.errors import PayloadInvalid, PayloadTooLarge
from archwright.payloads import DEPTH_MAX, INTEGER_LIMIT, canonical, check, from_struct, parse, to_struct

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_LIMIT + 1, INTEGER_LIMIT - 1)
    | st.floats(-1e9, 1e9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


def nested(depth: int) -> object:
    value: object = "deep"
    for _ in range(depth):
        value = {"a": value}
    return value


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), values, max_size=3))
def test_a_checked_payload_survives_text_and_struct_unchanged(payload: dict[str, object]) -> None:
    checked = check(payload)

    assert parse(canonical(checked)) == checked
    assert from_struct(to_struct(checked)) == checked


def test_integral_floats_are_integers() -> None:
    assert canonical(parse('{"a": 3.0, "b": [1e3], "c": -0.0, "d": 2.5}')) == b'{"a":3,"b":[1000],"c":0,"d":2.5}'


def test_the_canonical_form_sorts_keys() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'


@pytest.mark.parametrize("number", [str(INTEGER_LIMIT), str(-INTEGER_LIMIT), "12345678901234567890123", "1e300"])
def test_an_integer_that_json_does_not_carry_is_refused_with_advice(number: str) -> None:
    with pytest.raises(PayloadInvalid, match=r"input\.customers\[3\]\.age .*send it as a string"):
        parse(f'{{"customers": [1, 2, 3, {{"age": {number}}}]}}', root="input")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_finite_number_is_refused(number: float) -> None:
    with pytest.raises(PayloadInvalid, match="finite"):
        check({"a": number})
    with pytest.raises(PayloadInvalid, match="finite"):
        from_struct(Struct(fields={"a": Value(number_value=number)}))


def test_sixteen_levels_pass_and_seventeen_do_not() -> None:
    assert check(nested(DEPTH_MAX)) == nested(DEPTH_MAX)
    with pytest.raises(PayloadInvalid, match="levels deep"):
        check(nested(DEPTH_MAX + 1))
    with pytest.raises(PayloadInvalid, match="levels deep"):
        parse("[" * 500 + "]" * 500)


def test_a_deep_struct_is_refused() -> None:
    struct = Struct()
    struct.update(nested(DEPTH_MAX + 1))

    with pytest.raises(PayloadInvalid, match="levels deep"):
        from_struct(struct, root="input")


def test_a_struct_value_without_a_kind_is_refused() -> None:
    with pytest.raises(PayloadInvalid, match=r"input\.a .*null_value"):
        from_struct(Struct(fields={"a": Value()}), root="input")


@pytest.mark.parametrize(("text", "place"), [('{"a": }', "line 1"), ("", "not JSON"), ('{"a": NaN}', "not JSON")])
def test_text_that_is_no_json_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(PayloadInvalid, match=place):
        parse(text)


def test_a_payload_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(PayloadTooLarge, match="artifact") as refused:
        parse(b"[" * 101, limit_bytes=100, root="output")

    assert refused.value.facts == {"field": "output", "size_bytes": "101", "limit_bytes": "100"}


def test_what_is_not_of_jsons_types_is_refused() -> None:
    with pytest.raises(PayloadInvalid, match="set"):
        check({"a": {1, 2}})
    with pytest.raises(PayloadInvalid, match="keys must be strings"):
        check({1: 2})
    with pytest.raises(PayloadInvalid, match="written as JSON"):
        canonical({"a": object()})
    with pytest.raises(PayloadInvalid, match="must be an object, not a list"):
        to_struct([1])
