"""Definitions that are made by program are those that are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from random_definitions import definitions

import archwright
from archwright import Workflow
from archwright.errors import DefinitionInvalid
from archwright.language.check import load
from archwright.language.document import document
from archwright.language.model import Definition, Json, OnFailure, Priority, RetryPolicy
from archwright.language.parse import parse
from archwright.language.yaml_writing import write_yaml

WRITTEN = """
name: everything
version: 1.2.0
description: One of each.
labels: {area: test}
defaults: {timeout_seconds: 30}
error_handling: {on_failure: compensate}
steps:
  - name: first
    agent: analyst
    capability: pricing@^1.2
    labels: {region: eu}
    priority: high
    retry_policy: {max_attempts: 5}
    input: {amount: "${amount}"}
    compensate: {name: take_back, agent: analyst, when: outcome == 'completed'}
    conditions: [{if: steps.first.output.ok, next: layers}]
    else: end
  - name: layers
    parallel:
      branches:
        business: [{name: model, agent: architect}]
        technology: [{name: draw, agent: architect}]
      join: any
      on_branch_failure: continue
  - name: assess
    foreach: {items: systems, as: system, max_concurrency: 5, steps: [{name: inspect, agent: analyst}]}
  - name: refine
    loop:
      max_iterations: 3
      until: steps.rate.output.good
      steps: [{name: draft, agent: writer}, {name: rate, agent: critic}]
  - name: route
    switch:
      cases: [{if: amount > 10, steps: [{name: big, agent: clerk}]}]
      else: [{name: small, set: {approved: true}}]
  - {name: child, workflow: {name: other, version: stable}, input: {x: 1}}
  - name: sign_off
    approval: {approvers: ["role:architect"], expires_after: 2d, on_expiry: approve}
  - {name: pause, wait: {signal: go, timeout_seconds: 60}, on_failure: continue}
  - {name: tell, emit: {type: claim.assessed, payload: {id: "${id}"}}}
  - {name: last, agent: writer, when: amount > 1, fallback: {output: {n: 0}}}
  - {name: never, fail: {category: BUSINESS, message: no}, when: amount < 0}
"""


def built() -> Workflow:
    w = Workflow(
        "everything",
        version="1.2.0",
        description="One of each.",
        labels={"area": "test"},
        defaults={"timeout_seconds": 30},
        error_handling={"on_failure": OnFailure.COMPENSATE},
    )
    take_back = w.alone.agent("take_back", "analyst", when="outcome == 'completed'")
    w.agent(
        "first",
        "analyst",
        capability="pricing@^1.2",
        labels={"region": "eu"},
        priority=Priority.HIGH,
        retry_policy=RetryPolicy(max_attempts=5),
        input={"amount": "${amount}"},
        compensate=take_back,
        conditions=[("steps.first.output.ok", "layers")],
        otherwise="end",
    )
    with w.parallel("layers", join="any", on_branch_failure="continue") as layers:
        layers.branch("business").agent("model", "architect")
        layers.branch("technology").agent("draw", "architect")
    with w.foreach("assess", items="systems", as_="system", max_concurrency=5) as each:
        each.agent("inspect", "analyst")
    with w.loop("refine", max_iterations=3, until="steps.rate.output.good") as again:
        again.agent("draft", "writer")
        again.agent("rate", "critic")
    with w.switch("route") as route:
        route.case("amount > 10").agent("big", "clerk")
        route.otherwise().set("small", {"approved": True})
    w.workflow("child", "other", "stable", input={"x": 1})
    w.approval("sign_off", ["role:architect"], expires_after="2d", on_expiry="approve")
    w.wait("pause", signal="go", timeout_seconds=60, on_failure="continue")
    w.emit("tell", "claim.assessed", {"id": "${id}"})
    w.agent("last", "writer", when="amount > 1", fallback={"output": {"n": 0}})
    w.fail("never", "no", when="amount < 0")
    return w


def test_what_is_built_is_what_is_written() -> None:
    assert built().definition() == load(WRITTEN)


def test_what_is_built_can_be_written_down() -> None:
    assert load(built().to_yaml()) == built().definition()


def test_steps_may_be_referred_to_by_what_made_them() -> None:
    w = Workflow("x")
    a = w.agent("a", "b", depends_on=[])
    w.agent("c", "b", depends_on=[a], input={"a": a.output}, when=f"{a.status} == 'completed' && has({a.path}.ok)")

    assert w.definition() == load(
        """
        name: x
        steps:
          - {name: a, agent: b, depends_on: []}
          - name: c
            agent: b
            depends_on: [a]
            input: {a: "${steps.a.output}"}
            when: steps.a.status == 'completed' && has(steps.a.output.ok)
        """
    )


def test_what_cannot_be_published_is_refused_like_a_text() -> None:
    w = Workflow("x")
    w.agent("a", "b", next="nowhere")

    with pytest.raises(DefinitionInvalid, match=r"steps\[0\]\.next: there is no step 'nowhere'"):
        w.definition()


def test_a_branch_and_an_otherwise_come_once() -> None:
    w = Workflow("x")
    layers, route = w.parallel("layers"), w.switch("route")
    layers.branch("one")
    route.otherwise()

    with pytest.raises(ValueError, match="has a branch 'one' already"):
        layers.branch("one")
    with pytest.raises(ValueError, match="has an otherwise already"):
        route.otherwise()


def test_it_is_there_when_it_is_first_named() -> None:
    assert "Workflow" in dir(archwright)


@given(definitions)
def test_what_is_written_as_yaml_is_read_as_the_same(definition: Definition) -> None:
    assert parse(write_yaml(document(definition))) == definition


@pytest.mark.parametrize(
    "value",
    [
        *("1e5", "0x10", "007", "yes", "null", "~", "", " x ", "a: b", "a\nb", "a\r\n b\n", "\ta\n  b", "x " * 300),
        *("é\u2028\x85", "2030-01-31", "<<", "- a", "# a", "${x}", "'", '"', "\U0001f600\n\ufeff"),
    ],
)
def test_text_stays_text(value: str) -> None:
    source: Json = {"name": "x", "steps": [{"name": "a", "agent": "b", "input": {"v": value}}]}

    assert parse(write_yaml(source)) == parse(json.dumps(source))
