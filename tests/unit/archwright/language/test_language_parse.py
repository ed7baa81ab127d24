"""Texts to definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.errors import DefinitionInvalid, Violation
from archwright.language.model import AgentTask, Condition, Definition, ErrorCategory, Priority, RetryPolicy, Step
from archwright.language.parse import parse
from archwright.language.refusal import VIOLATIONS_MAX
from archwright.language.shapes import STEPS_MAX

FULL = """
name: claims
version: 2.1.0-rc.1
description: Settles a claim.
labels: {area: insurance}
input_schema: {type: object, properties: {amount: {type: number}}}
timeout_seconds: 7200
max_retries: 2
output: {paid: "${steps.pay.output.paid}"}
steps:
  - name: review
    step_id: R-1
    agent: reviewer
    capability: claims
    task_type: review
    input: {amount: "${amount}"}
    input_schema: {type: object}
    output_schema: true
    timeout_seconds: 30
    queue_timeout_seconds: 60
    retry_policy:
      max_attempts: 5
      base_delay_seconds: 0.5
      max_delay_seconds: 10
      exponential_backoff: false
      jitter: false
      retriable_errors: [TRANSIENT, capacity]
    priority: high
    conditions:
      - if: amount > 1000.0
        next: pay
    else: end
  - name: pay
    agent_type: payer
    next: end
"""


def violations(text: str) -> tuple[Violation, ...]:
    with pytest.raises(DefinitionInvalid) as caught:
        parse(text)
    return caught.value.violations


def one(text: str) -> Violation:
    (only,) = violations(text)
    return only


def with_step(*lines: str) -> str:
    return "\n".join(["name: x", "steps:", "  - name: a", "    agent: b", *(f"    {line}" for line in lines)])


def test_every_field_is_read() -> None:
    assert parse(FULL) == Definition(
        name="claims",
        version="2.1.0-rc.1",
        description="Settles a claim.",
        labels={"area": "insurance"},
        input_schema={"type": "object", "properties": {"amount": {"type": "number"}}},
        timeout_seconds=7200,
        max_retries=2,
        output={"paid": "${steps.pay.output.paid}"},
        steps=(
            Step(
                name="review",
                kind=AgentTask(
                    agent_type="reviewer",
                    capability="claims",
                    task_type="review",
                    timeout_seconds=30,
                    queue_timeout_seconds=60,
                    retry_policy=RetryPolicy(
                        max_attempts=5,
                        base_delay_seconds=0.5,
                        max_delay_seconds=10.0,
                        exponential_backoff=False,
                        jitter=False,
                        retriable_errors=frozenset({ErrorCategory.TRANSIENT, ErrorCategory.CAPACITY}),
                    ),
                    priority=Priority.HIGH,
                ),
                step_id="R-1",
                input={"amount": "${amount}"},
                input_schema={"type": "object"},
                output_schema=True,
                conditions=(Condition("amount > 1000.0", "pay"),),
                otherwise="end",
            ),
            Step(name="pay", kind=AgentTask("payer"), next="end"),
        ),
    )


def test_what_is_left_out_has_the_documented_defaults() -> None:
    definition = parse("name: x\nsteps: [{name: a, agent: b}]")
    step = definition.steps[0]
    task = step.kind

    assert isinstance(task, AgentTask)
    assert (definition.version, definition.timeout_seconds, definition.max_retries) == ("1.0.0", 3600, 0)
    assert (task.timeout_seconds, task.queue_timeout_seconds, task.priority) == (600, None, Priority.NORMAL)
    assert task.retry_policy == RetryPolicy(
        3, 1.0, 60.0, True, True, frozenset({ErrorCategory.TRANSIENT, ErrorCategory.TIMEOUT})
    )
    assert (step.input, step.next, step.otherwise, step.conditions) == (None, None, None, ())


def test_the_root_may_be_called_workflow() -> None:
    assert parse("workflow: {name: x, steps: [{name: a, agent: b}]}") == parse("name: x\nsteps: [{name: a, agent: b}]")


def test_json_and_yaml_say_the_same() -> None:
    assert parse('{"name": "x", "steps": [{"name": "a", "agent": "b"}]}') == parse(
        "name: x\nsteps: [{name: a, agent: b}]"
    )


def test_the_fields_of_the_seeds_dataclasses_are_accepted() -> None:
    text = """
    workflow_id: wf-1
    name: x
    description: d
    version: 1.0.0
    timeout_seconds: 60
    max_retries: 1
    created_at: 2024-01-01T00:00:00
    created_by: somebody
    steps:
      - {step_id: first, name: a, agent_type: b, input_schema: {}, output_schema: {}, timeout_seconds: 5,
         retry_policy: {max_attempts: 1}, conditions: [], parallel_execution: false}
    """

    assert parse(text).steps[0] == Step(
        "a",
        AgentTask("b", timeout_seconds=5, retry_policy=RetryPolicy(1)),
        step_id="first",
        input_schema={},
        output_schema={},
    )


def test_a_step_may_be_named_by_its_step_id() -> None:
    assert parse("name: x\nsteps: [{step_id: a, agent: b}]").steps[0].name == "a"


def test_else_may_be_the_last_of_the_conditions() -> None:
    inside = parse(with_step("conditions:", "  - {if: x, next: end}", "  - else: end"))
    beside = parse(with_step("conditions:", "  - {if: x, next: end}", "else: end"))

    assert inside == beside


def test_a_definition_knows_where_its_fields_stand() -> None:
    lines = FULL.splitlines()

    def rest_of_line(path: str) -> str:
        place = parse(FULL).places[path]
        return lines[place.line - 1][place.column - 1 :]

    assert rest_of_line("steps[0].conditions[0].if") == "amount > 1000.0"
    assert rest_of_line("output.paid") == '"${steps.pay.output.paid}"}'
    assert rest_of_line("input_schema.properties.amount.type") == "number}}}"
    assert rest_of_line("steps[1]") == "name: pay"


@pytest.mark.parametrize(
    ("line", "field", "told"),
    [
        ("agnet_type: c", "steps[0].agnet_type", "did you mean 'agent_type'?"),
        ("tiemout_seconds: 3", "steps[0].tiemout_seconds", "did you mean 'timeout_seconds'?"),
        ("depend_on: [c]", "steps[0].depend_on", "did you mean 'depends_on'?"),
        ("xyz: 1", "steps[0].xyz", "there is no field 'xyz' in a step; there are: name,"),
        ("agent_type: c", "steps[0].agent_type", "'agent_type' and 'agent' are the same field"),
        ("timeout_seconds: 0", "steps[0].timeout_seconds", "must be from 1 to"),
        ("timeout_seconds: 1.5", "steps[0].timeout_seconds", "whole number"),
        ("timeout_seconds: soon", "steps[0].timeout_seconds", "must be a number, but is text"),
        ("timeout_seconds: true", "steps[0].timeout_seconds", "must be a number, but is true or false"),
        ("timeout_seconds:", "steps[0].timeout_seconds", "must be a number, but is empty"),
        ("queue_timeout_seconds: -1", "steps[0].queue_timeout_seconds", "must be from 1 to"),
        ("priority: urgent", "steps[0].priority", "there are: low, normal, high, critical"),
        ("priority: crticial", "steps[0].priority", "did you mean 'critical'?"),
        ("task_type: Analyze!", "steps[0].task_type", "such as 'analyze', not 'Analyze!'"),
        ("capability: name@", "steps[0].capability", "such as 'pricing@^1.2', not 'name@'"),
        ("wait: {seconds: 5}", "steps[0]", "does one thing, but this one has `agent` and `wait`"),
        ("branches: {}", "steps[0].branches", "belongs into `parallel`, not beside it"),
        ("breaker: {}", "steps[0].breaker", "there is no field 'breaker' in a step"),
        ("labels: {'a b': c}", "steps[0].labels.a b", "such as 'region', not 'a b'"),
        ("depends_on: c", "steps[0].depends_on", "must be a list"),
        ("depends_on: [c, c]", "steps[0].depends_on[1]", "'c' is in the list already"),
        ("on_failure: retry", "steps[0].on_failure", "there are: fail, continue, fallback, compensate"),
        ("fallback: 3", "steps[0].fallback", "must be a step, which is a mapping"),
        ("fallback: {agent: c, next: end}", "steps[0].fallback.next", "means nothing to a step that stands alone"),
        ("fallback: {output: 1, agent: c}", "steps[0].fallback.agent", "in a constant fallback"),
        ("compensate: {name: c}", "steps[0].compensate.agent", "a word that says what it does"),
        ("cache: {key: k}", "steps[0].cache.ttl_seconds", "`cache` needs `ttl_seconds`"),
        ("parallel_execution: maybe", "steps[0].parallel_execution", "must be true or false"),
        ("retry_policy: 3", "steps[0].retry_policy", "must be a mapping, but is a number"),
        ("retry_policy: {max_attempts: 0}", "steps[0].retry_policy.max_attempts", "must be from 1 to 100"),
        ("retry_policy: {max_delay_seconds: 0.5}", "steps[0].retry_policy.max_delay_seconds", "less than"),
        ("retry_policy: {base_delay_seconds: 90}", "steps[0].retry_policy.base_delay_seconds", "less than"),
        ("retry_policy: {retriable_errors: TIMEOUT}", "steps[0].retry_policy.retriable_errors", "must be a list"),
        ("retry_policy: {retriable_errors: [TIMEOT]}", "steps[0].retry_policy.retriable_errors[0]", "'timeout'"),
        ("retry_policy: {retriable_errors: [3]}", "steps[0].retry_policy.retriable_errors[0]", "must be one of"),
        ("retry_policy: {retries: 3}", "steps[0].retry_policy.retries", "there is no field 'retries'"),
        ("conditions: {if: x, next: y}", "steps[0].conditions", "must be a list, but is a mapping"),
        ("conditions: [x]", "steps[0].conditions[0]", "must be a mapping, but is text"),
        ("conditions: [{next: c}]", "steps[0].conditions[0].if", "a condition needs `if`"),
        ("conditions: [{if: x}]", "steps[0].conditions[0].next", "a condition needs `next`"),
        ("conditions: [{if: true, next: c}]", "steps[0].conditions[0].if", "must be text in quotes"),
        ("conditions: [{else: c}, {if: x, next: c}]", "steps[0].conditions[0].else", "after all conditions"),
        ("else: c", "steps[0].else", "without conditions"),
        ("next: [c, d]", "steps[0].next", "must be text"),
        ("next: Some Step", "steps[0].next", "not 'Some Step'"),
        ("input: 3", "steps[0].input", "must be a mapping"),
        ("input:", "steps[0].input", "must be a mapping"),
        ("input_schema: x", "steps[0].input_schema", "must be a JSON Schema"),
    ],
)
def test_what_is_wrong_with_a_step_is_told_with_its_path(line: str, field: str, told: str) -> None:
    problem = one(with_step(line))

    assert problem.field == field
    assert told in problem.description
    assert problem.line > 0
    assert problem.column > 0


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ("- x", "", "a definition is a mapping with `name` and `steps`, not a list"),
        ("steps: [{name: a, agent: b}]", "name", "a definition needs `name`"),
        ("name: x", "steps", "a definition needs `steps`"),
        ("name: x\nsteps: []", "steps", "at least one step"),
        ("name: x\nsteps: {a: b}", "steps", "must be a list of steps, but is a mapping"),
        ("name: x\nsteps: [a]", "steps[0]", "must be a mapping, but is text"),
        ("name: x\nsteps: [{agent: b}]", "steps[0].name", "a step needs `name`"),
        ("name: x\nsteps: [{name: a}]", "steps[0].agent", "needs a word that says what it does, one of `agent`, `cap"),
        ("name: x\nsteps: [{name: A b, agent: b}]", "steps[0].name", "such as 'requirement_analysis', not 'A b'"),
        ("name: X\nsteps: [{name: a, agent: b}]", "name", "such as 'architecture_creation', not 'X'"),
        ("name: 3\nsteps: [{name: a, agent: b}]", "name", "must be text in quotes"),
        ("name: x\nversion: 1.0\nsteps: [{name: a, agent: b}]", "version", "such as '1.0.0', but is a number 1"),
        ("name: x\nversion: v1\nsteps: [{name: a, agent: b}]", "version", "a semantic version"),
        ("name: x\nlabels: [a]\nsteps: [{name: a, agent: b}]", "labels", "must be a mapping"),
        ("name: x\nlabels: {a: 1}\nsteps: [{name: a, agent: b}]", "labels.a", "write it in quotes"),
        ("name: x\nmax_retries: -1\nsteps: [{name: a, agent: b}]", "max_retries", "from 0 to 100"),
        ("name: x\noutput: [1]\nsteps: [{name: a, agent: b}]", "output", "must be a mapping"),
        ("workflow: {name: x, steps: [{name: a, agent: b}]}\nnam: y", "nam", "stands beside `workflow`"),
        ("name: x\nsteps: &s []", "", "anchor"),
    ],
)
def test_what_is_wrong_with_a_definition_is_told_with_its_path(text: str, field: str, told: str) -> None:
    problem = one(text)

    assert problem.field == field
    assert told in problem.description


def test_all_problems_are_told_at_once_in_the_order_of_the_text() -> None:
    found = violations("nme: x\nsteps:\n  - nam: a\n    agent: B\n    priority: 1\nversion: one")

    assert [problem.line for problem in found] == [1, 3, 4, 5, 6]


def test_the_message_names_the_first_problem_and_counts_the_others() -> None:
    with pytest.raises(DefinitionInvalid, match=r"line 1, column 1: nme: there is no field 'nme'.*\(and 1 more\)\.$"):
        parse("nme: x\nsteps: [{name: a, agnet: b}]")


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    unknown = "".join(f"nonsense_word_{number}: 1\n" for number in range(20_000))

    assert len(violations(f"name: x\n{unknown}")) == VIOLATIONS_MAX


def test_there_may_not_be_more_steps_than_the_limit() -> None:
    steps = "".join(f"- {{name: s{number}, agent: a}}\n" for number in range(STEPS_MAX + 1))

    assert "more than 10,000 steps" in one(f"name: x\nsteps:\n{steps}").description


@given(st.text("namestpgix:[]{}-, \n'\"${}&*", max_size=80))
def test_any_text_is_a_definition_or_told_why_not(text: str) -> None:
    told: list[int] = []
    try:
        parse(text)
    except DefinitionInvalid as error:
        told.append(len(error.violations))

    assert 0 not in told
