"""CEL behind our interface."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cel_expr_python import cel
from hypothesis import given
from hypothesis import strategies as st

from archwright.language.answer import RESULT_MAX
from archwright.language.expressions import (
    ExpressionFailed,
    ExpressionInvalid,
    compile_expression,
)
from archwright.language.intake import LOOP_LENGTH_MAX
from archwright.language.model import EXPRESSION_MAX
from archwright.language.scope import Scope
from archwright.language.syntax import plain_path, read_syntax

ENVIRONMENT = cel.NewEnv()
SCOPE = Scope(
    input={
        "request_type": "modification",
        "amount": 1200,
        "rate": 0.5,
        "tags": ["a", "b"],
        "customer": {"name": "Ann", "in": "field"},
        "nothing": None,
        "type": "claim",
        "steps": "not the steps",
    },
    outputs={"review": {"score": 7, "notes": [{"text": "fine"}]}, "vote": None},
    statuses={"review": "completed"},
    vars={"limit": 10},
    workflow={"id": "wf_1", "definition": "claims", "version": "1.0.0"},
)


def evaluate(text: str, scope: Scope = SCOPE) -> object:
    return compile_expression(text).evaluate(scope)


def failure(text: str, scope: Scope = SCOPE) -> str:
    with pytest.raises(ExpressionFailed) as caught:
        evaluate(text, scope)
    return str(caught.value)


def invalidity(text: str) -> str:
    with pytest.raises(ExpressionInvalid) as caught:
        compile_expression(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("request_type == 'modification'", True),
        ("input.request_type", "modification"),
        ("amount + 1", 1201),
        ("rate * 4.0", 2),
        ("rate * 3.0", 1.5),
        ("double(amount) * rate", 600),
        ("amount > 1000.5", True),
        ("tags", ["a", "b"]),
        ("tags[1]", "b"),
        ("tags.map(tag, tag + '!')", ["a!", "b!"]),
        ("tags.exists(tag, tag == 'b') && !tags.all(tag, tag == 'b')", True),
        ("customer.name + '?'", "Ann?"),
        ("customer['in']", "field"),
        ("has(customer.name) && !has(customer.age)", True),
        ("nothing", None),
        ("nothing == null", True),
        ("absent", None),
        ("absent == null", True),
        ("absent == 'x'", False),
        ("type == 'claim'", True),
        ("type(amount) == int", True),
        ("input.steps", "not the steps"),
        ("steps.review.output.score >= 7", True),
        ("steps.review.output.notes[0].text", "fine"),
        ("steps['review'].output", {"score": 7, "notes": [{"text": "fine"}]}),
        ("steps.review.status", "completed"),
        ("steps.later.output", None),
        ("steps.later.status", "not_reached"),
        ("steps.vote.output == null ? 'none' : 'some'", "none"),
        ("vars.limit", 10),
        ("workflow.id + '/' + workflow.definition", "wf_1/claims"),
        ("{'a': [amount, rate, null, true, 'x']}", {"a": [1200, 0.5, None, True, "x"]}),
        ("[1].map(tags, tags)", [1]),
        ("[1].map(amount, .amount)", [1200]),
        ("size(input) > 3", True),
    ],
)
def test_an_expression_gives_its_answer_as_json(text: str, answer: object) -> None:
    found = evaluate(text)

    assert found == answer
    assert type(found) is type(answer)


@pytest.mark.parametrize(
    ("text", "names", "steps"),
    [
        ("request_type == 'x' && amount > 1", {"request_type", "amount"}, set()),
        ("steps.a.output.x + steps['b'].status", {"steps"}, {"a", "b"}),
        ("tags.exists(tag, tag == other)", {"tags", "other"}, set()),
        ("tags.map(tags, tags.x)", {"tags"}, set()),
        ("[1].map(x, [2].map(y, x + y + z))", {"z"}, set()),
        ("[1].map(x, .x)", {"x"}, set()),
        ("has(input.a.b) ? {'k': vars.v}.k : workflow.id", {"input", "vars", "workflow"}, set()),
        ("'text with steps.c.output'", set(), set()),
        ("steps[name].output", {"steps", "name"}, set()),
        ("f(steps.d.output).x", {"steps"}, {"d"}),
    ],
)
def test_an_expression_knows_which_names_and_steps_it_reads(text: str, names: set[str], steps: set[str]) -> None:
    expression = compile_expression(text)

    assert expression.names == names
    assert expression.steps == steps


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        (" ", "it is empty"),
        ("amount =", "'=' is not understood; equality is =="),
        ("amount = 1", "at character 8: '=' is not understood; equality is =="),
        ("a and b", "at character 3: 'and' is not expected here; and, or, not are && || !"),
        ("a == 'b", "is not understood"),
        ("(a", "at character 3: ')' is missing"),
        ("a +", "it ends too early"),
        ("a b", "at character 3: 'b' is not expected here"),
        ("a ==\n b c", "at line 2, character 4: 'c' is not expected here"),
        ("${a}", "write it without ${…}"),
        ("x" * (EXPRESSION_MAX + 1), "at most 4,096"),
        ("(" * 1000 + "1" + ")" * 1000, "nested too deeply"),
        ("+".join(["1"] * 1000), "too long"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_position(text: str, told: str) -> None:
    assert told in invalidity(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("customer.age", "customer is map and has no 'age'; ask with has(…) first"),
        ("customer.age + 1", 'Key not found in map "age"; ask with has(…) first (customer.age is absent)'),
        ("nothing.name", "nothing is null and has no 'name'"),
        ("tags[2]", "tags is list and has no 2"),
        ("steps.later.output.score", "steps.later.output is null and has no 'score'"),
        ("amount * rate", "make both double(…) (amount is int, rate is double)"),
        ("request_type + amount", "_+_(string, int) (amount is int, request_type is string)"),
        ("amount / 0", "divide by zero (amount is int)"),
        ("int(request_type)", "cannot convert string to int (request_type is string)"),
        ("amount ? 1 : 2", "not true or false (amount is int)"),
        ("9007199254740991 + 1", "too large to survive JSON"),
        ("double('NaN')", "no finite number"),
        ("timestamp('2020-01-01T00:00:00Z')", "the result is a timestamp, which JSON does not have"),
        ("[duration('1s')]", "the result is a duration"),
        ("b'x'", "the result is a bytes"),
        ("{1: 2}", "a key that is no string"),
        ("type(amount)", "the result is a type"),
    ],
)
def test_an_expression_without_an_answer_fails_with_the_types_of_what_it_read(text: str, told: str) -> None:
    message = failure(text)

    assert told in message
    assert message.startswith(f"Expression {text!r} failed: ")


def test_a_failure_never_shows_the_values() -> None:
    assert "modification" not in failure("request_type + amount")
    assert "modification" not in failure("int(request_type)")


@pytest.mark.parametrize(("text", "kind"), [("amount", "int"), ("absent", "null"), ("'true'", "string")])
def test_a_condition_is_true_or_false_and_nothing_else(text: str, kind: str) -> None:
    with pytest.raises(ExpressionFailed, match=f"but this is {kind}"):
        compile_expression(text).is_true(SCOPE)


def test_a_plain_path_gives_the_very_value() -> None:
    assert evaluate("steps.review.output") is SCOPE.outputs["review"]


def test_what_is_not_read_costs_nothing() -> None:
    class Untouchable(dict[str, object]):
        def __iter__(self) -> object:  # type: ignore[override]
            raise AssertionError("nobody may look into this")

        items = keys = values = __iter__  # type: ignore[assignment]

    scope = Scope(input={"small": 1, "large": Untouchable(x=1)})

    assert evaluate("small + 1", scope) == 2
    assert evaluate("input.small + 1", scope) == 2


def test_loops_over_long_lists_are_refused() -> None:
    scope = Scope(input={"rows": [0] * (LOOP_LENGTH_MAX + 1)})

    assert "at most 1,000 are allowed" in failure("rows.map(row, row + 1)", scope)
    assert evaluate("size(rows)", scope) == LOOP_LENGTH_MAX + 1


def test_nested_loops_run_out_of_budget() -> None:
    scope = Scope(input={"rows": list(range(300))})

    assert "budget" in failure("rows.map(a, rows.map(b, rows.map(c, 1)))", scope)


def test_a_huge_answer_is_refused() -> None:
    scope = Scope(input={"text": "x" * (RESULT_MAX // 10), "rows": [0] * 20})

    assert "larger than" in failure("rows.map(row, text)", scope)


def test_regular_expressions_run_in_linear_time() -> None:
    assert evaluate("text.matches('(a+)+$')", Scope(input={"text": "a" * 5000 + "b"})) is False


def test_an_input_that_is_no_mapping_has_no_fields() -> None:
    assert evaluate("anything", Scope(input=[1])) is None
    assert evaluate("input[0]", Scope(input=[1])) == 1


def test_importing_makes_no_environment() -> None:
    code = (
        "from archwright.language import check, expressions, plan\n"
        "assert expressions._environment.cache_info().currsize == 0\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # our own code


names = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name not in {"in", "as", "break", "const", "else", "for", "if", "let", "loop", "null", "true", "var"}
)
texts = st.text(st.characters(codec="utf-8", min_codepoint=1), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def test_text_with_a_nul_character_does_not_pass_for_the_text_before_it() -> None:
    scope = Scope(input={"role": "admin\0", "rows": [{"a\0": 1}]})

    assert "NUL character" in failure("role == 'admin'", scope)
    assert "NUL character" in failure("has(rows[0].a)", scope)
    assert evaluate("role", scope) == "admin\0"


@given(values)
def test_json_comes_through_cel_unchanged(value: object) -> None:
    assert evaluate("[given][0]", Scope(input={"given": value})) == value


@given(st.text("abinputsep.[]()'&|=!<>+-?: {}019,\"", max_size=40))
def test_any_text_is_an_expression_or_refused_and_has_an_answer_or_fails(text: str) -> None:
    try:
        compile_expression(text).evaluate(SCOPE)
    except (ExpressionInvalid, ExpressionFailed) as error:
        refused = str(error)
    else:
        refused = "no"

    assert refused


@given(
    st.lists(
        st.from_regex(r"\.[a-z_][a-zA-Z0-9_]{0,3}|\[[0-9]{1,2}\]", fullmatch=True) | st.sampled_from([".in", ".as"]),
        max_size=4,
    ),
    st.sampled_from(["steps", "input", "x", "_y", "int", "true"]),
)
def test_a_plain_path_is_understood_as_cel_understands_it(keys: list[str], first: str) -> None:
    text = first + "".join(keys)
    path = plain_path(text)
    try:
        by_cel = read_syntax(ENVIRONMENT.compile(text, disable_check=True).serialize())
    except RuntimeError:
        assert path is None
    else:
        assert path is None or path == by_cel
