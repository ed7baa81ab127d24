"""The definitions that come with Archwright."""

from __future__ import annotations

import pytest

from archwright.language.builtin import builtin_definitions
from archwright.language.check import load
from archwright.language.model import AgentTask, Step
from archwright.language.plan import Scope, compile  # noqa: A004  # the language's word
from archwright.language.schema import validator

CHAIN = {
    "requirement_analysis": ("business_analyst", "analyze"),
    "business_architecture": ("business_architect", "design"),
    "application_architecture": ("application_architect", "design"),
    "infrastructure_architecture": ("infrastructure_architect", "design"),
    "solution_architecture": ("solution_architect", "design"),
    "project_plan": ("project_manager", "plan"),
    "financial_assessment": ("accountant", "estimate"),
    "delivery_scaffold": ("developer", "generate"),
    "deliverables": ("solution_architect", "generate"),
}


@pytest.mark.parametrize("name", sorted(builtin_definitions()))
def test_a_built_in_definition_may_be_published_under_its_name(name: str) -> None:
    assert load(builtin_definitions()[name]).name == name


def test_architecture_creation_is_the_chain_of_eight_and_their_assembly() -> None:
    definition = load(builtin_definitions()["architecture_creation"])

    assert {step.name: _who_and_what(step) for step in definition.steps} == CHAIN


def test_every_role_is_given_the_request_and_what_it_builds_upon() -> None:
    plan = compile(load(builtin_definitions()["architecture_creation"]))
    request = {"request": "A claims platform."}
    outputs = {name: {"made_by": name} for name in CHAIN}
    given = {node.step.name: node.input(Scope(request, outputs)) for node in plan.nodes}

    assert given["requirement_analysis"] == {"request": request}
    assert sorted(given["financial_assessment"]) == ["application", "infrastructure", "plan", "request", "requirements"]
    assert given["deliverables"] == {
        "request": request,
        "requirements": {"made_by": "requirement_analysis"},
        "business": {"made_by": "business_architecture"},
        "application": {"made_by": "application_architecture"},
        "infrastructure": {"made_by": "infrastructure_architecture"},
        "solution": {"made_by": "solution_architecture"},
        "plan": {"made_by": "project_plan"},
        "finance": {"made_by": "financial_assessment"},
        "scaffold": {"made_by": "delivery_scaffold"},
    }
    assert plan.output(Scope(request, outputs), ["deliverables"]) == {"made_by": "deliverables"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"request": "x", "title": "t", "request_type": "review", "currency": "EUR"}, None),
        ({}, "input"),
        ({"request": ""}, "input.request"),
        ({"request": "x" * 50_001}, "input.request"),
        ({"request": "x", "request_type": "other"}, "input.request_type"),
        ({"request": "x", "currency": "euro"}, "input.currency"),
        ({"request": "x", "budget": 3}, "input"),
    ],
)
def test_the_input_of_architecture_creation_is_a_request(given: dict[str, object], field: str | None) -> None:
    schema = load(builtin_definitions()["architecture_creation"]).input_schema
    assert schema is not None

    assert [problem.field for problem in validator(schema).problems(given, root="input")] == ([field] if field else [])


def _who_and_what(step: Step) -> tuple[str, str]:
    assert isinstance(step.kind, AgentTask)
    return step.kind.agent_type, step.kind.task_type
