"""JSON with `${…}` in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.language.expressions import ExpressionFailed, ExpressionInvalid
from archwright.language.scope import Scope
from archwright.language.template import Template, split

SCOPE = Scope(input={"name": "Ann", "age": 41, "rate": 0.5, "tags": ["a"], "vip": True, "nothing": None})


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("${age}", 41),
        ("${ age }", 41),
        ("${tags}", ["a"]),
        ("${nothing}", None),
        ("Hello, ${name}!", "Hello, Ann!"),
        ("${name}${age}", "Ann41"),
        ("${age} ${rate} ${vip} ${tags} ${nothing}.", '41 0.5 true ["a"] .'),
        (" ${age}", " 41"),
        ("plain", "plain"),
        ("$5 and {braces} and $", "$5 and {braces} and $"),
        ("$${name}", "${name}"),
        ("$${name} is ${name}", "${name} is Ann"),
        ("${{'a': {'b': 1}}}", {"a": {"b": 1}}),
        ("${'}'}", "}"),
        ("${'\\'}' + \"{\"}", "'}{"),
        ({"a": ["${age}", 1, None, {"b": "${name}"}]}, {"a": [41, 1, None, {"b": "Ann"}]}),
        ({"${name}": 1}, {"${name}": 1}),
        ({}, {}),
    ],
)
def test_a_template_is_filled(template: object, filled: object) -> None:
    assert Template(template).fill(SCOPE) == filled


@pytest.mark.parametrize("template", ["${name", "a ${'}", "${a {b}"])
def test_an_expression_that_is_never_closed_is_refused(template: str) -> None:
    with pytest.raises(ExpressionInvalid, match="never closed"):
        Template(template)


def test_an_expression_in_a_template_must_be_one() -> None:
    with pytest.raises(ExpressionInvalid, match="empty"):
        Template({"a": "${}"})


def test_a_template_knows_its_expressions() -> None:
    template = Template({"a": "${name} ${age}", "b": ["${tags}"]})

    assert [expression.text for expression in template.expressions] == ["name", "age", "tags"]


def test_what_must_be_a_mapping_may_be_one_expression_that_gives_one() -> None:
    assert Template("${input}").fill_mapping(SCOPE, "it") == SCOPE.input
    with pytest.raises(ExpressionFailed, match="the input of a step must be a mapping"):
        Template("${tags}").fill_mapping(SCOPE, "the input of a step")


@given(st.text("a${}' \"\\", max_size=30))
def test_splitting_loses_nothing(text: str) -> None:
    try:
        parts = list(split(text))
    except ExpressionInvalid:
        return
    plain = "".join(part for is_expression, part in parts if not is_expression)
    expressions = [part for is_expression, part in parts if is_expression]

    assert text.count("${") - text.count("$${") <= len(expressions) + sum(part.count("${") for part in expressions)
    assert len(plain) + sum(map(len, expressions)) <= len(text)


@given(st.text(max_size=40).filter(lambda text: "${" not in text))
def test_text_without_expressions_stays_as_it_is(text: str) -> None:
    assert Template(text).fill(SCOPE) == text
