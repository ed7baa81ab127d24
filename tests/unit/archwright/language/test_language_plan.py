"""What the engine asks a plan: where next, with which input, with which output."""

from __future__ import annotations

import pytest

from archwright.errors import DefinitionInvalid
from archwright.language.check import load
from archwright.language.expressions import ExpressionFailed
from archwright.language.model import AgentTask, Condition, Definition, Step
from archwright.language.plan import Plan, Scope, compile  # noqa: A004  # the language's word

CLAIMS = """
name: claims
steps:
  - name: review
    agent: reviewer
    conditions:
      - if: amount > 1000
        next: second_review
      - if: steps.review.output.ok == false
        next: end
    else: pay
  - name: second_review
    agent: reviewer
    input: {first: "${steps.review.output}", note: "${amount} of ${customer}"}
  - name: pay
    agent: payer
"""


@pytest.fixture
def claims() -> Plan:
    return compile(load(CLAIMS))


def target(plan: Plan, step: str, scope: Scope) -> str:
    targets = plan.node(step).route(scope)
    return " ".join(plan.nodes[index].name for index in targets) or "end"


def test_the_first_condition_that_holds_decides(claims: Plan) -> None:
    refused = {"review": {"ok": False}}

    assert target(claims, "review", Scope({"amount": 2000}, refused)) == "second_review"
    assert target(claims, "review", Scope({"amount": 1}, refused)) == "end"
    assert target(claims, "review", Scope({"amount": 1}, {"review": {"ok": True}})) == "pay"
    assert target(claims, "second_review", Scope({})) == "pay"
    assert target(claims, "pay", Scope({})) == "end"


def test_a_condition_without_an_answer_fails(claims: Plan) -> None:
    with pytest.raises(ExpressionFailed, match="amount is string"):
        target(claims, "review", Scope({"amount": "a lot"}))
    with pytest.raises(ExpressionFailed, match="amount is null"):
        target(claims, "review", Scope({}))


def test_an_input_is_what_its_template_says(claims: Plan) -> None:
    scope = Scope({"amount": 5, "customer": "Ann"}, {"review": {"ok": True}})

    assert claims.nodes[1].input(scope) == {"first": {"ok": True}, "note": "5 of Ann"}


def test_the_default_input_is_the_workflows_and_the_outputs_of_the_steps_before(claims: Plan) -> None:
    given = {"amount": 5}
    scope = Scope(given, {"review": {"ok": True}})

    assert claims.nodes[0].input(scope) == given
    assert claims.nodes[2].input(scope) == {"amount": 5, "review": {"ok": True}}
    assert given == {"amount": 5}


def test_nodes_know_what_they_read_and_who_reads_them(claims: Plan) -> None:
    review, second_review, pay = claims.nodes

    assert review.reads == {"review"}
    assert second_review.reads == {"review"}
    assert pay.reads == {"review", "second_review"}
    assert claims.bodies[0].readers == {"review": 4, "second_review": 1, "pay": 1}


def test_the_default_output_is_that_of_the_last_steps(claims: Plan) -> None:
    outputs = {"review": {"ok": True}, "pay": {"paid": 5}}

    assert [claims.nodes[index].name for index in claims.bodies[0].last] == ["review", "pay"]
    assert claims.output(Scope({}, outputs), ["review"]) == {"review": {"ok": True}}
    assert claims.output(Scope({}, outputs), ["pay"]) == {"pay": {"paid": 5}}


def test_an_output_is_what_its_template_says() -> None:
    plan = compile(load(f"{CLAIMS}output:\n  paid: '${{steps.pay.output.paid}}'\n  by: '${{workflow.id}}'\n"))
    scope = Scope({}, {"pay": {"paid": 5}}, workflow={"id": "wf_1"})

    assert plan.output_lookups == ("pay",)
    assert plan.output(scope, ["pay"]) == {"paid": 5, "by": "wf_1"}


def test_an_input_or_output_that_is_no_mapping_fails() -> None:
    plan = compile(load("name: x\nsteps: [{name: a, agent: b, input: '${rows}'}]\noutput: ${steps.a.output}"))

    with pytest.raises(ExpressionFailed, match="the input of a step must be a mapping"):
        plan.nodes[0].input(Scope({"rows": [1]}))
    with pytest.raises(ExpressionFailed, match="the output of a workflow must be a mapping"):
        plan.output(Scope({}, {"a": [1]}), ["a"])


def test_a_plan_carries_no_places() -> None:
    assert compile(load(CLAIMS)).definition.places == {}


def test_what_would_not_pass_the_check_does_not_compile() -> None:
    with pytest.raises(DefinitionInvalid, match="there is no step 'b'"):
        compile(Definition("x", (Step("a", AgentTask("agent"), next="b"),)))
    with pytest.raises(DefinitionInvalid, match="it is empty"):
        compile(Definition("x", (Step("a", AgentTask("agent"), conditions=(Condition("", "end"),)),)))
