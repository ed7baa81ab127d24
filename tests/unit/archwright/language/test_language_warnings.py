"""What is allowed in a definition but hardly meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archwright.language.builtin import builtin_definitions
from archwright.language.check import check, load, warnings
from archwright.language.parse import parse

GUIDE = (Path(__file__).parents[4] / "docs" / "language.md").read_text("utf-8")


def told(text: str) -> list[tuple[str, str]]:
    definition = parse(text)
    assert check(definition) == ()
    return [(warning.field, warning.description) for warning in warnings(definition)]


def steps(*written: str) -> str:
    return "name: x\nsteps:\n" + "".join(f"- {{{step}}}\n" for step in written)


@pytest.mark.parametrize(
    ("text", "field", "description"),
    [
        ("created_by: me\n" + steps("name: a, agent: x"), "created_by", "is not kept"),
        (
            steps(
                "name: a, agent: x, conditions: [{if: n > 1, next: b}, {if: n > 2, next: c}]",
                "name: b, agent: x",
                "name: c, agent: x",
            ),
            "steps[1]",
            "goes on to 'c', which is another alternative of 'a'; add `next: end` if it should not",
        ),
        (
            steps("name: a, agent: x, fallback: {output: 1}, on_failure: fail"),
            "steps[0].fallback",
            "would never be used; add `on_failure: fallback`",
        ),
        (
            steps("name: a, set: {n: 1}, fallback: {output: 1}", "name: b, agent: x, when: vars.n == 1, input: {}"),
            "steps[0].fallback",
            "would never be used, since this step cannot fail",
        ),
        (steps("name: a, agent: x, on_failure: compensate"), "steps[0].on_failure", "no step has a `compensate`"),
        (
            "error_handling: {on_failure: compensate}\n" + steps("name: a, agent: x"),
            "error_handling.on_failure",
            "no step has a `compensate`",
        ),
        (
            steps("name: a, fail: {message: no}, compensate: {agent: x}"),
            "steps[0].compensate",
            "this step never does anything",
        ),
        (
            steps("name: a, agent: x, parallel_execution: true", "name: b, agent: x"),
            "steps[0].parallel_execution",
            "no step beside this one says so too",
        ),
        (steps("name: a, workflow: x"), "steps[0].workflow", "starts the same definition again"),
        (
            steps('name: a, foreach: {items: "[1, 2]", as: it, steps: [{name: b, agent: x}]}'),
            "steps[0].foreach.steps[0]",
            "is given the whole input of the workflow, once for each element; say what it needs with `input`",
        ),
        (
            steps(
                'name: a, foreach: {items: "[1]", as: it, steps: [{name: p, parallel: {branches: '
                "{left: [{name: b, workflow: y}]}}}]}"
            ),
            "steps[0].foreach.steps[0].parallel.branches.left[0]",
            "is given the whole input of the workflow",
        ),
        (steps("name: a, set: {n: 1, m: 2}", "name: b, set: {k: '${vars.n}'}"), "steps[0].set.m", "no expression"),
    ],
)
def test_what_is_hardly_meant_is_told(text: str, field: str, description: str) -> None:
    found = [said for where, said in told(text) if where == field]

    assert len(found) == 1
    assert description in found[0]


@pytest.mark.parametrize(
    "text",
    [
        steps(
            "name: a, agent: x, conditions: [{if: n > 1, next: b}], else: c", "name: b, agent: x", "name: c, agent: x"
        ),
        steps("name: a, agent: x, fallback: {output: 1}"),
        steps("name: a, agent: x, fallback: {output: 1}, on_failure: fail, on_unavailable: fallback"),
        steps("name: a, set: {n: 1}", "name: b, agent: x, input: {all: '${vars}'}"),
        steps("name: a, set: {n: '${x / y}'}, fallback: {output: 1}", "name: b, agent: x, when: vars.n == 1"),
        *builtin_definitions().values(),
    ],
)
def test_what_is_meant_is_not_warned_of(text: str) -> None:
    assert told(text) == []


def test_a_warning_has_a_place() -> None:
    (warning,) = warnings(load(steps("name: a, workflow: x")))

    assert (warning.line, warning.column) == (3, 23)


def test_what_cannot_be_understood_is_only_a_problem_and_no_warning() -> None:
    assert warnings(parse(steps("name: a, set: {n: '${x +}'}", "name: b, agent: x, when: vars.n"))) == ()


@pytest.mark.parametrize("example", re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))
def test_hardly_an_example_of_the_guide_has_a_warning(example: str) -> None:
    assert [said for _, said in told(example) if "no expression reads it" not in said] == []
