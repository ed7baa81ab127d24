"""What keeps a definition with steps within steps from being published."""

from __future__ import annotations

import time

import pytest

from archwright.errors import DefinitionInvalid
from archwright.language.check import check, load
from archwright.language.parse import parse
from archwright.language.plan import compile  # noqa: A004  # the language's word
from archwright.language.shapes import STEPS_MAX

WHOLE = """
name: x
input_schema:
  type: object
  properties: {systems: {type: array}, kind: {type: string}, due: {type: string}}
steps:
  - name: first
    agent: a
  - name: layers
    parallel:
      branches:
        business:
          - {name: define, agent: a}
          - {name: refine, agent: a, input: {x: "${steps.define.output}", y: "${steps.first.output}"}}
        technology:
          - {name: sketch, agent: a, input: {x: "${BRANCH}"}}
  - name: assess
    foreach:
      items: ITEMS
      as: system
      steps:
        - {name: inspect, agent: a, input: {x: "${ELEMENT}"}}
        - {name: judge, agent: a, input: {x: "${steps.inspect.output}"}}
  - name: improve
    loop:
      until: UNTIL
      max_iterations: 3
      steps:
        - {name: draft, agent: a, input: {x: "${ITERATION}"}}
        - {name: rate, agent: a, input: {x: "${steps.draft.output}"}}
  - name: route
    switch:
      cases:
        - {if: CHOICE, steps: [{name: one, agent: a, input: {x: "${INCASE}"}}]}
      else:
        - {name: other, set: {total: "${size(steps.inspect.output)}"}}
  - name: last
    agent: a
    when: WHEN
    input: {x: "${LAST}"}
    fallback: {agent: b, input: {x: "${FALLBACK}"}}
    compensate: {agent: b, input: {x: "${COMPENSATE}"}}
output: {x: "${OUTPUT}"}
"""
FILLED = {
    "BRANCH": "steps.first.output",
    "ITEMS": "systems",
    "ELEMENT": "system.name",
    "UNTIL": "steps.rate.output.good == true",
    "ITERATION": "steps.first.output",
    "CHOICE": "kind == 'a'",
    "INCASE": "steps.layers.output",
    "WHEN": "kind != 'b'",
    "LAST": "steps.define.output",
    "FALLBACK": "failure.message",
    "COMPENSATE": "outcome",
    "OUTPUT": "steps.last.output",
}


def whole(**changed: str) -> str:
    text = WHOLE
    for word, expression in {**FILLED, **changed}.items():
        is_template = word not in {"ITEMS", "UNTIL", "CHOICE", "WHEN"}
        text = text.replace(f"{{{word}}}" if is_template else word, f"{{{expression}}}" if is_template else expression)
    return text


def told(text: str) -> list[tuple[str, str]]:
    return [(problem.field, problem.description) for problem in check(parse(text))]


def steps(*written: str) -> str:
    return "name: x\nsteps:\n" + "".join(f"- {{{step}}}\n" for step in written)


@pytest.mark.parametrize(
    ("word", "expression"),
    [
        *FILLED.items(),
        ("ITEMS", "systems.filter(each, each.old == true)"),
        ("ITEMS", "'[1, 2]'"),
        ("ITEMS", "steps.layers.output.business.systems"),
        ("ELEMENT", "systems[0] == system"),
        ("UNTIL", "steps.draft.status == 'failed'"),
        ("INCASE", "steps.rate.output"),
        ("LAST", "steps.inspect.output[0]"),
        ("LAST", "steps.one.output"),
        ("LAST", "vars.total"),
        ("FALLBACK", "steps.first.output"),
        ("COMPENSATE", "steps.last.output"),
        ("COMPENSATE", "failure.code"),
        ("OUTPUT", "steps.other.output"),
        ("OUTPUT", "steps.last_fallback.output"),
    ],
)
def test_a_step_may_be_read_where_it_may_have_been_done(word: str, expression: str) -> None:
    text = whole(**{word: expression})

    assert told(text) == []
    compile(load(text))


@pytest.mark.parametrize(
    ("word", "expression", "problem"),
    [
        ("BRANCH", "steps.define.output", "step 'define' is in another branch, which is done at the same time"),
        ("BRANCH", "steps.layers.output", "step 'layers' is still being done there, since this is a part of it"),
        ("BRANCH", "steps.assess.output", "step 'assess' has never been done by then"),
        ("BRANCH", "steps.defin.output", "there is no step 'defin'; did you mean 'define'?"),
        ("ITEMS", "kind + 'x'", "it must be a list"),
        ("ITEMS", "size(systems)", "it must be a list"),
        ("ITEMS", "steps.inspect.output", "step 'inspect' has never been done by then"),
        ("ITEMS", "system", "there is no input field 'system'; did you mean 'systems'?"),
        ("ELEMENT", "sytem.name", "there is no input field 'sytem'; did you mean 'system'?"),
        ("ELEMENT", "steps.judge.output", "step 'judge' has never been done by then"),
        ("UNTIL", "steps.rate.output + 1", "it must be true or false"),
        ("UNTIL", "steps.improve.output.x == 1", "step 'improve' is still being done there"),
        ("ITERATION", "steps.rate.output", "in the same iteration; what an earlier one left is kept with `set`"),
        ("CHOICE", "size(kind)", "it must be true or false"),
        ("CHOICE", "steps.one.output.x == 1", "step 'one' has never been done by then"),
        ("INCASE", "steps.other.output", "step 'other' is in another case, which is not done then"),
        ("WHEN", "steps.last.output == null", "step 'last' has never been done by then"),
        ("WHEN", "knd == 'b'", "there is no input field 'knd'; did you mean 'kind'?"),
        ("LAST", "system", "there is no input field 'system'"),
        ("LAST", "failure.message", "there is no input field 'failure'"),
        ("LAST", "vars.totl", "nothing sets vars.totl; did you mean 'total'?"),
        ("LAST", "steps.last_compensate.output", "is a compensation, which is done last of all"),
        ("FALLBACK", "outcome", "there is no input field 'outcome'"),
        ("FALLBACK", "failure.mesage", "there is no failure.mesage; did you mean 'message'?"),
        ("FALLBACK", "steps.last.output", "step 'last' has failed by then; `failure` tells why"),
        ("OUTPUT", "system", "there is no input field 'system'"),
        ("OUTPUT", "steps.last_compensate.output", "is a compensation"),
    ],
)
def test_what_can_never_be_read_is_told(word: str, expression: str, problem: str) -> None:
    ((field, description),) = told(whole(**{word: expression}))

    assert problem in description
    assert field


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            steps("name: a, agent: x", "name: p, parallel: {branches: {one: [{name: a, agent: x}]}}"),
            [("steps[1].parallel.branches.one[0].name", "'a' is the name of steps[0] already")],
        ),
        (
            steps("name: a, agent: x, fallback: {name: a, agent: y}"),
            [("steps[0].fallback.name", "'a' is the name of steps[0] already")],
        ),
        (
            steps("name: a, agent: x, compensate: {agent: y}", "name: a_compensate, agent: x"),
            [("steps[0].compensate.name", "'a_compensate' is the name of steps[1] already")],
        ),
        (
            steps("name: f, foreach: {items: xs, as: f, steps: [{name: b, agent: x}]}"),
            [("steps[0].foreach.as", "'f' is the name of a step; choose another name")],
        ),
        (
            steps("name: f, foreach: {items: xs, as: vars, steps: [{name: b, agent: x}]}"),
            [("steps[0].foreach.as", "'vars' has a meaning of its own; choose another name")],
        ),
        (
            steps("name: f, foreach: {items: xs, as: in, steps: [{name: b, agent: x}]}"),
            [("steps[0].foreach.as", "'in' is a word of expressions; choose another name")],
        ),
        (
            "input_schema: {properties: {kind: {}, xs: {}}}\n"
            + steps("name: f, foreach: {items: xs, as: kind, steps: [{name: b, agent: x}]}"),
            [("steps[0].foreach.as", "'kind' is an input field; choose another name")],
        ),
        (
            steps(
                "name: f, foreach: {items: xs, as: each, steps: "
                "[{name: g, foreach: {items: each, as: each, steps: [{name: b, agent: x}]}}]}"
            ),
            [
                (
                    "steps[0].foreach.steps[0].foreach.as",
                    "'each' is the element of a `foreach` around this one; choose another name",
                )
            ],
        ),
        (
            steps("name: p, parallel: {join: 3, branches: {one: [{name: a, agent: x}], two: [{name: b, agent: x}]}}"),
            [("steps[0].parallel.join", "waits for 3 branches, but there are only 2")],
        ),
        (
            steps("name: a, agent: x, parallel_execution: true, depends_on: []"),
            [
                (
                    "steps[0].parallel_execution",
                    (
                        "means nothing beside `depends_on`, which says already what the step waits for; "
                        "leave one of them out"
                    ),
                )
            ],
        ),
        (
            steps("name: a, approval: {approvers: ['user:ann', 'user:bob'], quorum: 3}"),
            [("steps[0].approval.quorum", "3 must agree, but there are only 2 approvers")],
        ),
        (
            steps("name: a, approval: {approvers: ['user:ann'], on_expiry: approve}"),
            [("steps[0].approval.on_expiry", "it never expires; say by `expires_after` when it does")],
        ),
        (
            steps("name: a, approval: {approvers: ['user:ann'], expires_after: 1d, on_expiry: escalate}"),
            [("steps[0].approval.on_expiry", "there is no `escalate_to`; say who may decide then")],
        ),
        (
            steps("name: a, approval: {approvers: ['user:ann'], escalate_to: ['user:bob']}"),
            [("steps[0].approval.escalate_to", "would never be used; add `on_expiry: escalate`")],
        ),
        (
            steps("name: a, agent: x, on_failure: fallback"),
            [("steps[0].on_failure", "there is no `fallback`; say which step or output it is")],
        ),
        (
            steps("name: a, agent: x, on_unavailable: fallback"),
            [("steps[0].on_unavailable", "there is no `fallback`; say which step or output it is")],
        ),
        (
            steps("name: a, capability: pricing@latest"),
            [
                (
                    "steps[0].capability",
                    "'latest' is no range of versions, such as ^1.2, ~1.2, >=1.0 <2 or 1.2.3",
                )
            ],
        ),
        (
            steps("name: a, agent: x, compensate: {agent: y, compensate: {agent: z}}"),
            [("steps[0].compensate.compensate", "a compensation is not undone itself; leave it out")],
        ),
        (
            steps("name: a, wait: {until: '2030-02-31T12:00:00Z'}"),
            [("steps[0].wait.until", "there is no such time as '2030-02-31T12:00:00Z'")],
        ),
        (
            steps("name: a, agent: x, fallback: {agent: y, output_schema: {$ref: 'http://127.0.0.1:9/x'}}"),
            [
                (
                    "steps[0].fallback.output_schema",
                    "Resource 'http://127.0.0.1:9/x' is outside of the schema, which may refer to itself only",
                )
            ],
        ),
    ],
)
def test_what_cannot_be_meant_is_told(text: str, problems: list[tuple[str, str]]) -> None:
    assert told(text) == problems


def test_a_circle_of_dependencies_is_told_step_by_step() -> None:
    text = steps(
        "name: a, agent: x, depends_on: [c]", "name: b, agent: x, depends_on: [a]", "name: c, agent: x, depends_on: [b]"
    )

    assert told(text) == [
        ("steps[0].depends_on", "these steps wait for each other: 'a' waits for 'c' waits for 'b' waits for 'a'")
    ]


def test_a_step_that_depends_on_one_in_another_body_is_told() -> None:
    text = steps(
        "name: p, parallel: {branches: {one: [{name: inner, agent: x}]}}", "name: b, agent: x, depends_on: [inner]"
    )
    ((field, description),) = told(text)

    assert field == "steps[1].depends_on[0]"
    assert "there is no step 'inner' in this body" in description


def test_a_step_of_a_branch_that_no_path_leads_to_is_told() -> None:
    text = steps("name: p, parallel: {branches: {one: [{name: a, agent: x, next: end}, {name: b, agent: x}]}}")
    ((field, description),) = told(text)

    assert field == "steps[0].parallel.branches.one[1]"
    assert "no path leads to 'b'" in description


def test_a_step_may_read_only_what_it_depends_on() -> None:
    text = steps(
        "name: a, agent: x, depends_on: []",
        "name: b, agent: x, depends_on: []",
        "name: c, agent: x, depends_on: [a], input: {x: '${steps.a.output}', y: '${steps.b.output}'}",
    )

    assert told(text) == [("steps[2].input.y", "in 'steps.b.output': step 'b' has never been done by then")]


@pytest.mark.parametrize("name", ["fallback", "compensate"])
def test_a_branch_is_not_called_like_what_stands_in_for_its_step_or_undoes_it(name: str) -> None:
    text = steps(f"name: p, parallel: {{branches: {{{name}: [{{name: a, agent: x}}]}}}}")
    said = f"what stands in for a step or undoes it is called {name!r}; choose another name"

    assert told(text) == [(f"steps[0].parallel.branches.{name}", said)]


def test_ten_thousand_steps_are_checked_quickly() -> None:
    text = "name: x\nsteps:\n- {name: s0, agent: a}\n" + "".join(
        f"- {{name: s{number}, agent: a, input: {{x: '${{steps.s{number - 1}.output.x}}'}}}}\n"
        for number in range(1, STEPS_MAX)
    )
    began = time.process_time()

    assert told(text) == []
    assert time.process_time() - began < 10


def test_one_step_more_is_refused() -> None:
    inner = ", ".join(f"{{name: s{number}, agent: a}}" for number in range(STEPS_MAX))

    with pytest.raises(DefinitionInvalid, match="more than 10,000 steps"):
        load(f"name: x\nsteps: [{{name: f, foreach: {{items: xs, as: y, steps: [{inner}]}}}}]")


@pytest.mark.parametrize(
    "expression",
    [
        "[" * 500 + "]" * 500,
        " || ".join(["true"] * 2000),
        "a" * 5000,
        "(" * 1000 + "a" + ")" * 1000,
    ],
)
def test_an_expression_that_is_a_bomb_is_refused(expression: str) -> None:
    with pytest.raises(DefinitionInvalid, match=r"nested too deeply|at most 4,096"):
        load(steps(f"name: a, agent: x, when: '{expression}'"))
