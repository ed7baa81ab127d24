"""What keeps a definition from being published."""

from __future__ import annotations

import pytest

from archwright.errors import DefinitionInvalid, Violation
from archwright.language.check import check, load
from archwright.language.parse import parse
from archwright.language.refusal import VIOLATIONS_MAX

DECLARED = """
name: x
input_schema:
  type: object
  properties: {amount: {type: number}, kind: {type: string}, type: {type: string}}
"""


def problems(text: str) -> tuple[Violation, ...]:
    return check(parse(text))


def told(text: str) -> list[tuple[str, str]]:
    return [(problem.field, problem.description) for problem in problems(text)]


def with_condition(expression: str, head: str = DECLARED) -> str:
    return f"""{head}
steps:
  - name: first
    agent: a
  - name: second
    agent: a
    conditions:
      - if: {expression!r}
        next: fourth
  - name: third
    agent: a
    next: end
  - name: fourth
    agent: a
"""


def with_input(template: str) -> str:
    return f"""{DECLARED}
steps:
  - {{name: first, agent: a}}
  - {{name: second, agent: a, input: {{value: {template!r}}}}}
  - {{name: third, agent: a}}
"""


@pytest.mark.parametrize(
    "expression",
    [
        "amount > 10.0",
        "input.amount > 10.0 && kind in ['a', 'b']",
        "type == 'new'",
        "type(amount) == double",
        "steps.first.output.score > 3",
        "steps.second.output.ok == true",
        "steps.second.status == 'completed'",
        "has(steps.first.output.score)",
        "has(input.extra)",
        "has(vars.extra)",
        "size(vars) == 0",
        "workflow.version == '1.0.0'",
        "steps.first.output.rows.exists(row, row.kind == kind)",
        "kind",
    ],
)
def test_a_good_condition_has_no_problems(expression: str) -> None:
    assert told(with_condition(expression)) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("amuont > 1", "there is no input field 'amuont'; did you mean 'amount'?"),
        ("wrokflow.id == 'x'", "there is no input field 'wrokflow'; did you mean 'workflow'?"),
        ("input.knid == 'x'", "there is no input field 'knid'; did you mean 'kind'?"),
        ("first.score > 1", "there is no input field 'first'; the step of that name is read as steps.first.output"),
        ("steps.frist.output.x > 1", "there is no step 'frist'; did you mean 'first'?"),
        ("steps.first.outptu.x > 1", "a step has no 'outptu'; did you mean 'output'?"),
        ("steps.third.output.x > 1", "step 'third' has never been done by then"),
        ("steps.fourth.output.x > 1", "step 'fourth' has never been done by then"),
        ("size(steps) > 1", "name the step that is meant, as in steps.<name>.output"),
        ("steps[kind].output.x > 1", "name the step that is meant, as in steps.<name>.output"),
        ("workflow.ids == 'x'", "there is no workflow.ids; did you mean 'id'?"),
        ("workflow.owner == 'x'", "there is no workflow.owner; there are: definition, id, version"),
        ("vars.limit > 1", "nothing sets vars.limit"),
        ("kind.upper() == 'X'", "there is no function 'upper'"),
        ("kind.startWith('X')", "there is no function 'startWith'; did you mean 'startsWith'?"),
        ("kind.exists(kind)", "exists is written list.exists(x, …)"),
        ("google.rpc.Status{code: 1}", "there are no message types such as 'google.rpc.Status' here"),
        ("amount + 1", "it must be true or false"),
        ("'yes'", "it must be true or false"),
        ("amount =", "at character 8: '=' is not understood; equality is =="),
        ("amount > 1 + 'x'", "at character 12: found no matching overload for '_+_' applied to '(int, string)'"),
        ("1 + 1.5 > 2.0", "whole and decimal numbers do not mix, so make both double(…)"),
        ("amount ? 1 : 'x'", "found no matching overload for '_?_:_'"),
    ],
)
def test_a_bad_condition_is_told_why(expression: str, problem: str) -> None:
    (only,) = problems(with_condition(expression))

    assert problem in only.description
    assert only.field == "steps[1].conditions[0].if"
    assert only.line > 0


def test_without_a_schema_every_name_may_be_an_input_field() -> None:
    assert told(with_condition("anything.goes == 'x'", "name: x")) == []


@pytest.mark.parametrize("schema", ["true", "{type: object}", "{allOf: [{properties: {b: {}}}], properties: {a: {}}}"])
def test_with_an_open_schema_every_name_may_be_an_input_field(schema: str) -> None:
    assert told(with_condition("anything == 'x'", f"name: x\ninput_schema: {schema}")) == []


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("${amuont}", "in 'amuont': there is no input field 'amuont'; did you mean 'amount'?"),
        ("${kind} and ${steps.second.output}", "in 'steps.second.output': step 'second' has never been done by then"),
        ("${kind", "never closed"),
        ("${}", "in '': it is empty"),
        ("${kind +}", "it ends too early"),
    ],
)
def test_a_bad_template_is_told_why(template: str, problem: str) -> None:
    text = with_input(template)
    (only,) = problems(text)

    assert problem in only.description
    assert only.field == "steps[1].input.value"
    assert text.splitlines()[only.line - 1][only.column - 1 :].startswith(repr(template))


def test_the_output_may_read_every_step() -> None:
    text = "name: x\nsteps: [{name: a, agent: b}]\noutput: {x: '${steps.a.output.x}', y: '${steps.c.output}'}"

    assert told(text) == [("output.y", "in 'steps.c.output': there is no step 'c'")]


def test_names_are_unique_and_not_reserved() -> None:
    text = """
    name: x
    steps:
      - {name: a, agent: b, step_id: one}
      - {name: a, agent: b, step_id: one}
      - {name: input, agent: b}
    """

    assert told(text) == [
        ("steps[1].name", "'a' is the name of steps[0] already"),
        ("steps[1].step_id", "'one' is the id of steps[0] already"),
        ("steps[2].name", "'input' has a meaning of its own; choose another name"),
    ]


def test_a_step_that_no_path_leads_to_is_told() -> None:
    text = "name: x\nsteps:\n  - {name: a, agent: b, next: end}\n  - {name: c, agent: b}"
    (problem,) = problems(text)

    assert "no path leads to 'c'" in problem.description
    assert (problem.field, problem.line) == ("steps[1]", 4)


def test_wrong_targets_are_told_and_nothing_that_follows_from_them() -> None:
    text = "name: x\nsteps:\n  - {name: a, agent: b, next: d}\n  - {name: c, agent: b, input: {x: '${steps.a.output}'}}"

    assert told(text) == [("steps[0].next", "there is no step 'd' in this body")]


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    steps = "".join(f"- {{name: step_{number}, agent: a, next: steps_{number}}}\n" for number in range(5_000))

    assert len(problems(f"name: x\nsteps:\n{steps}")) == VIOLATIONS_MAX


def test_schemas_are_checked_at_their_place() -> None:
    text = """
    name: x
    input_schema: {type: array}
    steps:
      - {name: a, agent: b, input_schema: {$ref: "http://127.0.0.1:9/x"}}
      - {name: c, agent: b, output_schema: {properties: {n: {type: numbr}}}}
    """
    found = problems(text)

    assert [problem.field for problem in found] == [
        "input_schema",
        "steps[0].input_schema",
        "steps[1].output_schema.properties.n.type",
    ]
    assert "always an object" in found[0].description
    assert "refer to itself only" in found[1].description
    assert text.splitlines()[found[2].line - 1][found[2].column - 1 :] == "numbr}}}}"


def test_a_default_input_in_which_two_things_have_one_name_is_refused() -> None:
    text = f"{DECLARED}\nsteps:\n  - {{name: kind, agent: a}}\n  - {{name: b, agent: a}}"

    assert told(text) == [
        ("steps[1]", "'kind' is both an input field and the step before; say by `input` which one is meant")
    ]


def test_loading_raises_what_the_check_finds() -> None:
    with pytest.raises(
        DefinitionInvalid, match=r"line 2, column 37: steps\[0\]\.next: there is no step 'c' in this body\.$"
    ) as caught:
        load("name: x\nsteps: [{name: a, agent: b, next:   c}]")

    assert len(caught.value.violations) == 1
    assert caught.value.facts == {"field": "steps[0].next", "line": "2", "column": "37"}


def test_a_definition_that_has_no_text_is_checked_without_places() -> None:
    definition = parse("name: x\nsteps: [{name: a, agent: b, next: c}]")
    object.__setattr__(definition, "places", {})

    assert [(problem.line, problem.column) for problem in check(definition)] == [(0, 0)]
