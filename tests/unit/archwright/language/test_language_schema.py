"""JSON Schema behind our interface."""

from __future__ import annotations

import pytest

from archwright.language.schema import VIOLATIONS_MAX, SchemaInvalid, validator

CLAIM = {
    "type": "object",
    "required": ["request"],
    "additionalProperties": False,
    "properties": {
        "request": {"type": "string", "minLength": 3},
        "kind": {"enum": ["a", "b"]},
        "when": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "customers": {"type": "array", "items": {"type": "object", "properties": {"age": {"type": "integer"}}}},
    },
}


def test_a_value_that_fits_has_no_problems() -> None:
    assert validator(CLAIM).problems({"request": "please", "kind": "a", "customers": [{"age": 3}]}) == ()


def test_every_problem_is_told_with_its_path() -> None:
    value = {"request": "x", "when": "never", "code": "low", "customers": [{}, {"age": "old"}], "extra": 1}
    told = {problem.field: problem.description for problem in validator(CLAIM).problems(value, root="input")}

    assert told["input.request"] == "it is shorter than 3 characters"
    assert told["input.customers[1].age"] == 'it is not of type "integer"'
    assert "date" in told["input.when"]
    assert "'extra' was unexpected" in told["input"]
    assert "input.code" in told


def test_what_is_missing_is_named() -> None:
    (problem,) = validator(CLAIM).problems({})

    assert (problem.field, problem.description) == ("value", '"request" is a required property')


def test_values_are_never_quoted() -> None:
    value = {"request": "ok!", "kind": "SECRET", "when": "SECRET", "code": "secret", "customers": "SECRET"}

    assert "secret" not in str(validator(CLAIM).problems(value)).lower()


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    assert len(validator({"items": {"type": "string"}}).problems([1] * 1000)) == VIOLATIONS_MAX


@pytest.mark.parametrize(
    ("schema", "path", "told"),
    [
        ({"type": "strng"}, ".type", "must be one or more of: array"),
        ({"properties": {"a": {"type": "strng"}}}, ".properties.a.type", "must be one or more of"),
        ({"properties": {"a": 3}}, ".properties.a", "boolean"),
        ({"minLength": -1}, ".minLength", "minimum of 0"),
        ({"pattern": "(?=a)b"}, ".pattern", "look-around"),
        ({"pattern": "("}, ".pattern", "no pattern"),
        ({"$ref": "#/$defs/missing"}, "", "does not exist"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "", "may refer to itself only"),
        ({"$ref": "file:///etc/passwd"}, "", "may refer to itself only"),
        ({"$id": "https://example.org/a", "$ref": "b"}, "", "may refer to itself only"),
        ({"$schema": "https://example.org/meta"}, "", "meta-schema"),
    ],
)
def test_a_bad_schema_is_refused_with_its_path(schema: dict[str, object], path: str, told: str) -> None:
    with pytest.raises(SchemaInvalid, match=told) as caught:
        validator(schema)
    assert caught.value.path == path


def test_a_schema_may_refer_to_itself() -> None:
    tree = {"$defs": {"n": {"type": "object", "properties": {"child": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}

    assert validator(tree).problems({"child": {"child": {}}}) == ()
    assert validator(tree).problems({"child": {"child": 1}}, root="it")[0].field == "it.child.child"


def test_the_same_schema_is_understood_once() -> None:
    assert validator({"type": "object", "required": ["a"]}) is validator({"required": ["a"], "type": "object"})


def test_true_and_false_are_schemas() -> None:
    assert validator(True).problems(1) == ()
    assert validator(False).problems(1)


def test_patterns_run_in_linear_time() -> None:
    assert validator({"pattern": "^(a+)+$"}).problems("a" * 50_000 + "b")
