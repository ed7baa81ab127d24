"""Every kind of step: what its text means, and what is told of a text that means nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archwright.errors import DefinitionInvalid, Violation
from archwright.language.model import (
    AgentTask,
    Approval,
    Branch,
    Cache,
    Case,
    CategoryPolicy,
    ChildWorkflow,
    CircuitBreaker,
    Constant,
    Emit,
    ErrorCategory,
    ErrorHandling,
    Fail,
    ForEach,
    Kind,
    Loop,
    OnBranchFailure,
    OnExpiry,
    OnFailure,
    OnUnavailable,
    Parallel,
    Priority,
    RetryPolicy,
    Selection,
    SetVars,
    Step,
    Switch,
    Wait,
)
from archwright.language.parse import parse
from archwright.language.parse_steps import DEPTH_MAX
from archwright.language.shapes import STEPS_MAX

B = (Step("b", AgentTask("x")),)
C = (Step("c", AgentTask("x")),)


def kind(text: str) -> Kind:
    return only(f"{{name: a, {text}}}").kind


def only(step: str) -> Step:
    return parse(f"name: x\nsteps: [{step}]").steps[0]


def wrong(step: str) -> Violation:
    with pytest.raises(DefinitionInvalid) as caught:
        parse(f"name: x\nsteps: [{{name: a, {step}}}]")
    (violation,) = caught.value.violations
    return violation


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("capability: 'pricing@>=1.0 <2'", AgentTask(capability="pricing@>=1.0 <2")),
        (
            "agent: x, capability: c, labels: {region: eu}, selection: least_connections, on_unavailable: skip",
            AgentTask("x", "c", {"region": "eu"}, Selection.LEAST_CONNECTIONS, on_unavailable=OnUnavailable.SKIP),
        ),
        (
            "agent: x, idle_timeout_seconds: 7, cache: {key: '${k}', ttl_seconds: 60}, idempotency_key: 'n-${n}'",
            AgentTask("x", idle_timeout_seconds=7, cache=Cache("${k}", 60), idempotency_key="n-${n}"),
        ),
        (
            "parallel: {branches: {one: [{name: b, agent: x}], two: [{name: c, agent: x}]}}",
            Parallel((Branch("one", B), Branch("two", C))),
        ),
        ("parallel: {branches: {one: [{name: b, agent: x}]}, join: all}", Parallel((Branch("one", B),))),
        ("parallel: {branches: {one: [{name: b, agent: x}]}, join: any}", Parallel((Branch("one", B),), 1)),
        (
            "parallel: {branches: {one: [{name: b, agent: x}]}, join: 1, on_branch_failure: cancel_others}",
            Parallel((Branch("one", B),), 1, OnBranchFailure.CANCEL_OTHERS),
        ),
        ("foreach: {items: 'input.xs', as: x, steps: [{name: b, agent: x}]}", ForEach("input.xs", "x", B)),
        (
            (
                "foreach: {items: '${ xs }', as: x, body: [{name: b, agent: x}], max_concurrency: 5, "
                "on_item_failure: continue}"
            ),
            ForEach("xs", "x", B, 5, OnBranchFailure.CONTINUE),
        ),
        (
            "switch: {cases: [{if: 'n > 1', steps: [{name: b, agent: x}]}], else: [{name: c, agent: x}]}",
            Switch((Case("n > 1", B),), C),
        ),
        ("switch: {cases: [{if: '${n > 1}', steps: [{name: b, agent: x}]}]}", Switch((Case("n > 1", B),))),
        ("loop: {steps: [{name: b, agent: x}], until: done, max_iterations: 3}", Loop(B, 3, until="done")),
        ("loop: {steps: [{name: b, agent: x}], while: '${go}', max_iterations: 3}", Loop(B, 3, while_="go")),
        ("workflow: other", ChildWorkflow("other")),
        ("workflow: {name: other, version: stable}", ChildWorkflow("other", "stable")),
        ("approval: {approvers: ['role:architect', 'user:jane']}", Approval(("role:architect", "user:jane"))),
        (
            (
                "approval: {approvers: ['user:j'], quorum: 1, expires_after: 2d, on_expiry: escalate, "
                "escalate_to: ['role:boss'], on_reject: continue}"
            ),
            Approval(("user:j",), 1, 172800, OnExpiry.ESCALATE, ("role:boss",), OnFailure.CONTINUE),
        ),
        ("approval: {approvers: ['user:j'], expires_after: 90}", Approval(("user:j",), 1, 90)),
        ("approval: {approvers: ['user:j'], expires_after_seconds: 90}", Approval(("user:j",), 1, 90)),
        ("wait: {seconds: 5}", Wait(seconds=5)),
        ("wait: {seconds: 0.5}", Wait(seconds=0.5)),
        ("wait: {seconds: '${pause}'}", Wait(seconds="${pause}")),
        ("wait: {until: '${due}'}", Wait(until="${due}")),
        ("wait: {until: '2030-01-31T12:00:00Z'}", Wait(until="2030-01-31T12:00:00Z")),
        ("wait: {signal: go, timeout_seconds: 60}", Wait(signal="go", timeout_seconds=60)),
        ("set: {total: '${a + b}', fixed: 1}", SetVars({"total": "${a + b}", "fixed": 1})),
        ("emit: {type: claim.assessed, payload: {id: '${id}'}}", Emit("claim.assessed", {"id": "${id}"})),
        ("emit: {type: claimed}", Emit("claimed")),
        ("fail: {category: PERMANENT, message: 'no ${x}'}", Fail(ErrorCategory.PERMANENT, "no ${x}")),
        ("fail: {message: no}", Fail(ErrorCategory.BUSINESS, "no")),
    ],
)
def test_every_kind_is_read(text: str, meant: Kind) -> None:
    assert kind(text) == meant


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ("parallel: []", "parallel", "must be a mapping, but is a list"),
        ("parallel: {}", "parallel.branches", "needs `branches`"),
        ("parallel: {branches: {}}", "parallel.branches", "at least one branch"),
        ("parallel: {branches: {b: []}}", "parallel.branches.b", "at least one step"),
        ("parallel: {branches: {B: [{name: b, agent: x}]}}", "parallel.branches.B", "such as 'business', not 'B'"),
        ("parallel: {branches: {b: [{name: b, agent: x}]}, join: some}", "parallel.join", "all, any or a number"),
        ("parallel: {branches: {b: [{name: b, agent: x}]}, join: 0}", "parallel.join", "from 1 to"),
        ("parallel: {branchs: {}}", "parallel.branchs", "did you mean 'branches'?"),
        ("foreach: {as: x, steps: [{name: b, agent: x}]}", "foreach.items", "needs `items`"),
        ("foreach: {items: xs, steps: [{name: b, agent: x}]}", "foreach.as", "needs `as`"),
        ("foreach: {items: xs, as: x}", "foreach.steps", "needs `steps`"),
        ("foreach: {items: [1], as: x, steps: [{name: b, agent: x}]}", "foreach.items", "must be text"),
        ("foreach: {items: xs, as: X, steps: [{name: b, agent: x}]}", "foreach.as", "not 'X'"),
        (
            "foreach: {items: xs, as: x, steps: [{name: b, agent: x}], body: [{name: c, agent: x}]}",
            "foreach.body",
            "'body' and 'steps' are the same field",
        ),
        ("switch: {}", "switch.cases", "needs `cases`"),
        ("switch: {cases: []}", "switch.cases", "at least one case"),
        ("switch: {cases: [{steps: [{name: b, agent: x}]}]}", "switch.cases[0].if", "a case needs `if`"),
        ("switch: {cases: [{if: x}]}", "switch.cases[0].steps", "a case needs `steps`"),
        ("loop: {steps: [{name: b, agent: x}], until: x}", "loop.max_iterations", "known to end"),
        ("loop: {steps: [{name: b, agent: x}], max_iterations: 3}", "loop.until", "`until` or `while`"),
        (
            "loop: {steps: [{name: b, agent: x}], max_iterations: 3, until: x, while: x}",
            "loop.while",
            "`until` or `while`, not both",
        ),
        ("workflow: {}", "workflow.name", "needs `name`"),
        ("workflow: {name: other, input: {}}", "workflow.input", "belongs beside `workflow`"),
        ("approval: {}", "approval.approvers", "needs `approvers`"),
        ("approval: {approvers: []}", "approval.approvers", "at least 1"),
        ("approval: {approvers: [jane]}", "approval.approvers[0]", "role:<role> or user:<subject>"),
        ("approval: {approvers: ['user:j'], expires_after: soon}", "approval.expires_after", "such as '2d'"),
        ("approval: {approvers: ['user:j'], expires_after: 9999d}", "approval.expires_after", "at most 31,622,400"),
        ("approval: {approvers: ['user:j'], on_reject: compensate}", "approval.on_reject", "there are: fail, continue"),
        ("wait: 5", "wait", "must be a mapping"),
        ("wait: {}", "wait.signal", "needs `seconds`, `until` or `signal`"),
        ("wait: {seconds: 5, signal: go}", "wait.signal", "`seconds` is there already"),
        ("wait: {seconds: 5, timeout_seconds: 5}", "wait.timeout_seconds", "for waiting for a `signal` only"),
        ("wait: {seconds: long}", "wait.seconds", "a number, or one ${…}"),
        ("wait: {until: tomorrow}", "wait.until", "such as '2030-01-31T12:00:00Z'"),
        ("wait: {until: '2030-01-31T12:00:00'}", "wait.until", "a time with its zone"),
        ("set: {}", "set", "at least one value"),
        ("set: {Total: 1}", "set.Total", "such as 'total', not 'Total'"),
        ("emit: {}", "emit.type", "needs `type`"),
        ("emit: {type: 'Claim Assessed'}", "emit.type", "such as 'claim.assessed'"),
        ("fail: {}", "fail.message", "needs `message`"),
        ("set: {x: 1}, input: {}", "input", "means nothing to a step with `set`"),
        ("wait: {seconds: 5}, retry_policy: {}", "retry_policy", "for steps with `agent` or `capability` only"),
        ("wait: {seconds: 5}, max_iterations: 3", "max_iterations", "belongs into `loop`"),
        ("foraech: {}", "foraech", "did you mean 'foreach'?"),
    ],
)
def test_what_is_wrong_with_a_kind_is_told_with_its_path(text: str, field: str, told: str) -> None:
    problem = wrong(text)

    assert problem.field == f"steps[0].{field}"
    assert told in problem.description


def test_what_steps_have_in_common_is_read() -> None:
    step = only("{name: a, agent: x, when: '${n > 1}', depends_on: [], parallel_execution: true, on_failure: continue}")

    assert step == Step(
        "a",
        AgentTask("x"),
        when="n > 1",
        depends_on=(),
        parallel_execution=True,
        on_failure=OnFailure.CONTINUE,
    )


def test_an_expression_keeps_its_braces_when_they_are_not_around_all_of_it() -> None:
    assert only("{name: a, agent: x, when: '${n} > ${m}'}").when == "${n} > ${m}"


def test_a_fallback_may_be_a_constant_a_step_or_a_named_step() -> None:
    assert only("{name: a, agent: x, fallback: {output: {n: 1}}}").fallback == Constant({"n": 1})
    assert only("{name: a, agent: x, fallback: {agent: y}}").fallback == Step("a_fallback", AgentTask("y"))
    assert only("{name: a, agent: x, fallback: {name: z, agent: y}}").fallback == Step("z", AgentTask("y"))


def test_giving_a_fallback_is_asking_for_it() -> None:
    assert only("{name: a, agent: x, fallback: {output: 1}}").on_failure is OnFailure.FALLBACK
    assert only("{name: a, agent: x, fallback: {output: 1}, on_failure: fail}").on_failure is OnFailure.FAIL


def test_a_compensation_is_named_after_its_step() -> None:
    assert only("{name: a, agent: x, compensate: {agent: y}}").compensate == Step("a_compensate", AgentTask("y"))


def test_a_name_that_would_be_too_long_must_be_given() -> None:
    long = "a" * 64
    with pytest.raises(DefinitionInvalid) as caught:
        parse(f"name: x\nsteps: [{{name: {long}, agent: x, compensate: {{agent: y}}}}]")

    assert "needs a `name`" in caught.value.violations[0].description


def test_defaults_hold_for_every_agent_step_that_does_not_say_otherwise() -> None:
    text = """
    name: x
    defaults:
      retry_policy: {max_attempts: 7, base_delay_seconds: 2}
      timeout_seconds: 11
      queue_timeout_seconds: 12
      idle_timeout_seconds: 13
      priority: high
      breaker: {failure_threshold: 2}
    steps:
      - parallel:
          branches:
            one: [{name: b, agent: x}]
            two: [{name: c, agent: x, timeout_seconds: 1, priority: low, retry_policy: {max_attempts: 1}}]
        name: a
    """
    usual = AgentTask("x", "", {}, Selection.ROUND_ROBIN, "", 11, 12, 13, RetryPolicy(7, 2.0), Priority.HIGH)
    own = replace(usual, timeout_seconds=1, priority=Priority.LOW, retry_policy=RetryPolicy(1, 2.0))
    definition = parse(text)

    assert definition.breaker == CircuitBreaker(failure_threshold=2)
    assert definition.steps[0].kind == Parallel((Branch("one", (Step("b", usual),)), Branch("two", (Step("c", own),))))


def test_policies_by_category_say_what_is_tried_again() -> None:
    text = """
    name: x
    error_handling: {on_failure: continue, policies: {BUSINESS: retry, timeout: fail}}
    steps:
      - {name: a, agent: x}
      - {name: b, agent: x, retry_policy: {retriable_errors: [CAPACITY]}}
    """
    definition = parse(text)
    first, second = (step.kind for step in definition.steps)

    assert definition.error_handling == ErrorHandling(
        OnFailure.CONTINUE,
        {ErrorCategory.BUSINESS: CategoryPolicy.RETRY, ErrorCategory.TIMEOUT: CategoryPolicy.FAIL},
    )
    assert isinstance(first, AgentTask)
    assert isinstance(second, AgentTask)
    assert first.retry_policy.retriable_errors == {ErrorCategory.TRANSIENT, ErrorCategory.BUSINESS}
    assert second.retry_policy.retriable_errors == {ErrorCategory.CAPACITY}


def test_a_category_has_one_policy() -> None:
    with pytest.raises(DefinitionInvalid, match="TIMEOUT is there already"):
        parse("name: x\nerror_handling: {policies: {TIMEOUT: fail, timeout: retry}}\nsteps: [{name: a, agent: x}]")


def nested(depth: int) -> str:
    step = "{name: deepest, agent: x}"
    for level in range(depth):
        step = f"{{name: s{level}, parallel: {{branches: {{b: [{step}]}}}}}}"
    return f"name: x\nsteps: [{step}]"


def test_bodies_are_nested_only_so_deep() -> None:
    parse(nested(DEPTH_MAX))

    with pytest.raises(DefinitionInvalid, match="may be 8 deep"):
        parse(nested(DEPTH_MAX + 1))


def test_the_steps_of_all_bodies_count() -> None:
    half = ", ".join(f"{{name: s{number}, agent: a}}" for number in range(STEPS_MAX // 2))
    text = f"name: x\nsteps: [{{name: p, parallel: {{branches: {{one: [{half}], two: [{half}]}}}}}}]"

    with pytest.raises(DefinitionInvalid, match="more than 10,000 steps"):
        parse(text)


def test_a_definition_knows_where_the_fields_of_inner_steps_stand() -> None:
    text = (
        "name: x\nsteps:\n- name: a\n  foreach:\n    items: xs\n    as: x\n    body:\n    - name: b\n      agent: y\n"
    )

    assert parse(text).places["steps[0].foreach.steps[0].agent"].line == 9
