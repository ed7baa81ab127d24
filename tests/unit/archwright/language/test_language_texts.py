"""Reading YAML and JSON into trees that know where everything stands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.errors import PayloadTooLarge
from archwright.language.model import Place
from archwright.language.read import SIZE_MAX, read
from archwright.language.tree import DEPTH_MAX, Malformed, Mapping, plain


def malformed(text: str) -> Malformed:
    with pytest.raises(Malformed) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-2", -2),
        ("2.0", 2),
        ("2.5", 2.5),
        ("1e3", 1000),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        (".inf", ".inf"),
        ("1.0.0", "1.0.0"),
        ('"1"', "1"),
        ("'true'", "true"),
    ],
)
def test_a_plain_scalar_is_null_a_truth_value_a_json_number_or_text(written: str, value: object) -> None:
    found = plain(read(f"x: {written}"))["x"]

    assert found == value
    assert type(found) is type(value)


def test_every_node_knows_where_it_stands() -> None:
    tree = read("name: x\nsteps:\n  - agent: é\n")

    assert isinstance(tree, Mapping)
    steps = tree.entries["steps"]
    assert steps.key_place == Place(2, 1)
    assert steps.node.place == Place(3, 3)


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("a: &x 1", Place(1, 4), "anchor &x"),
        ("a: [*x]", Place(1, 5), "alias *x"),
        ("a: !!str 1", Place(1, 4), "tag"),
        ("a: !python/object:os.system {}", Place(1, 4), "tag"),
        ("a: {<<: {b: 1}}", Place(1, 5), "merge key"),
        ("a: 1\nb: 2\na: 3", Place(3, 1), "'a' comes twice; it is on line 1"),
        ("? [a]\n: b", Place(1, 3), "a key must be a word"),
        ("a: 1\n---\nb: 2", Place(2, 1), "second document"),
        ("a: [1,\nb: 2", Place(3, 1), "not YAML"),
        ("a:\n\t- x", Place(2, 1), "not YAML"),
        ("a: b: c", Place(1, 5), "not YAML"),
        ("", Place(1, 1), "empty"),
        ("# nothing\n", Place(1, 1), "empty"),
        ("a: 1\nb: \x07", Place(2, 4), "U+0007"),
        ("a: 1\nb: \ud83d", Place(2, 4), "U+D83D"),
        ("a: 9007199254740992", Place(1, 4), "put it in quotes"),
        (f"a: {'9' * 5000}", Place(1, 4), "put it in quotes"),
        ("a: 1e999", Place(1, 4), "put it in quotes"),
        ('{"a": 1,\n "a": 2}', Place(2, 2), "'a' comes twice; it is on line 1"),
        ('{"a": [1,\n  2}', Place(2, 4), "a comma or ] is expected"),
        ('{"a" 1}', Place(1, 6), "a colon is expected"),
        ('{"a": @}', Place(1, 7), "a JSON value is expected"),
        ('{"a": "b', Place(1, 7), "no closing quote"),
        ('{"a": "\\x"}', Place(1, 8), "no escape that JSON knows"),
        ('{"a": "\\ud83d"}', Place(1, 7), "surrogate"),
        ('{"a": 1} 2', Place(1, 10), "more follows"),
        ('{"a": ', Place(1, 7), "a JSON value is expected"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, place: Place, told: str) -> None:
    error = malformed(text)

    assert told in error.description
    assert error.place == place


@pytest.mark.parametrize("opening", ["[", '{"a":', "- "])
def test_nesting_is_limited_however_deep_it_goes(opening: str) -> None:
    assert f"deeper than {DEPTH_MAX}" in malformed(opening * 50_000).description


def test_the_deepest_allowed_nesting_is_read() -> None:
    text = "[" * DEPTH_MAX + "]" * DEPTH_MAX

    assert plain(read(text)) == json.loads(text)


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(PayloadTooLarge, match="1,048,576"):
        read("# " + "x" * SIZE_MAX)


def test_json_may_have_tabs_and_surrogate_pairs() -> None:
    assert plain(read('{\n\t"a": "\\ud83d\\ude00",\n\t"b":1\n}')) == {"a": "😀", "b": 1}


def test_what_begins_with_a_brace_may_be_yaml_all_the_same() -> None:
    assert plain(read("{name: x, steps: [1]}")) == {"name": "x", "steps": [1]}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert plain(read("\ufeffname: x")) == {"name": "x"}


printable = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\ufeff")
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(printable, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(printable, max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(printable, max_size=8), json_values, max_size=4), st.sampled_from([None, 2, "\t"]))
def test_any_json_object_is_read_as_what_it_is(value: dict[str, object], indent: int | str | None) -> None:
    assert plain(read(json.dumps(value, indent=indent))) == value
    assert plain(read(json.dumps(value, indent=indent, ensure_ascii=False))) == value


@given(st.text(max_size=200) | st.text("{}[]:,-&*!|>'\"%@`#? \n\tab1\\", max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    places: list[Place] = []
    try:
        read(text)
    except Malformed as error:
        places.append(error.place)

    assert all(place.line >= 1 and place.column >= 1 for place in places)
