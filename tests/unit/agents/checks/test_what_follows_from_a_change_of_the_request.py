"""A request is changed in one way, and what comes out has to change in that way alone: no right answer is needed."""

from __future__ import annotations

import re

import pytest
from role_chain import REQUESTS, outputs_of

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.output_pb2 import AgentOutput

Outputs = dict[str, AgentOutput]
NAMES = sorted(REQUESTS)


def statements(outputs: Outputs) -> set[str]:
    return {each.statement for each in outputs["requirements"].requirements.requirements}


def components(outputs: Outputs) -> set[str]:
    return {each.name for each in outputs["application"].application.components}


def monthly_cents(outputs: Outputs) -> int:
    return outputs["finance"].finance.infra_costs.monthly_total_cents


@pytest.mark.parametrize(
    ("name", "few", "many"),
    [
        ("hospital", "45,000 patients", "450,000 patients"),
        ("university", "28,000 students", "280,000 students"),
        ("utility", "1.2 million smart meters", "12 million smart meters"),
        ("haulier", "250 trucks", "25,000 trucks"),
    ],
)
async def test_more_users_never_need_less(name: str, few: str, many: str) -> None:
    small = await outputs_of(REQUESTS[name], until="finance")
    large = await outputs_of(REQUESTS[name].replace(few, many), until="finance")

    assert (
        large["infrastructure"].infrastructure.sizing.peak_rps >= small["infrastructure"].infrastructure.sizing.peak_rps
    )
    assert monthly_cents(large) >= monthly_cents(small)


@pytest.mark.parametrize("name", NAMES)
async def test_a_regulation_more_takes_no_requirement_away(name: str) -> None:
    before = await outputs_of(REQUESTS[name], until="requirements")
    after = await outputs_of(REQUESTS[name] + "\nIt must also comply with ISO 27001.", until="requirements")

    assert statements(before) <= statements(after)
    assert len(statements(after)) > len(statements(before))


@pytest.mark.parametrize("name", NAMES)
async def test_the_order_of_the_points_changes_no_requirement(name: str) -> None:
    lines = REQUESTS[name].splitlines()
    points = [line for line in lines if line.startswith(("- ", "As a"))]
    turned = iter(reversed(points))
    text = "\n".join(next(turned) if line in points else line for line in lines)

    before = await outputs_of(REQUESTS[name], until="requirements")
    after = await outputs_of(text, until="requirements")

    assert statements(before) == statements(after)


@pytest.mark.parametrize("name", NAMES)
async def test_a_point_that_is_left_out_takes_only_its_own_requirements_with_it(name: str) -> None:
    points = [line for line in REQUESTS[name].splitlines() if line.startswith(("- ", "As a"))]
    left_out = points[2]
    before = (await outputs_of(REQUESTS[name], until="requirements"))["requirements"].requirements
    text = REQUESTS[name].replace(left_out + "\n", "")
    after = (await outputs_of(text, until="requirements"))["requirements"].requirements

    start = REQUESTS[name].index(left_out)
    end = start + len(left_out)
    own = {each.statement for each in before.requirements if each.source.quote and start <= each.source.span[0] < end}
    explicit_before = {each.statement for each in before.requirements if each.source.quote}
    explicit_after = {each.statement for each in after.requirements if each.source.quote}
    assert own
    assert explicit_before - explicit_after == own
    assert explicit_after <= explicit_before


@pytest.mark.parametrize("name", NAMES)
async def test_a_remark_makes_no_component(name: str) -> None:
    before = await outputs_of(REQUESTS[name], until="application")
    after = await outputs_of(REQUESTS[name] + "\nWe like blue.", until="application")

    assert components(before) == components(after)


@pytest.mark.parametrize("name", ["hospital", "haulier", "utility"])
async def test_another_currency_changes_money_and_nothing_else(name: str) -> None:
    text = re.sub(r"EUR", "USD", REQUESTS[name])
    before, after = await outputs_of(REQUESTS[name], until="finance"), await outputs_of(text, until="finance")

    assert after["finance"].finance.currency == "USD"
    assert components(before) == components(after)
    assert before["plan"].plan.project_duration_days == after["plan"].plan.project_duration_days


async def test_a_nearer_deadline_makes_the_work_no_shorter_and_the_verdict_no_better() -> None:
    text = REQUESTS["hospital"]
    before, after = (
        await outputs_of(text, until="plan"),
        await outputs_of(text.replace("8 months", "2 months"), until="plan"),
    )

    plan, hurried = before["plan"].plan, after["plan"].plan
    assert hurried.project_duration_days >= plan.project_duration_days
    assert hurried.feasibility.verdict >= plan.feasibility.verdict
    assert hurried.feasibility.verdict == hurried.feasibility.INFEASIBLE


async def test_a_higher_availability_takes_no_replica_away() -> None:
    text = REQUESTS["haulier"]
    before = await outputs_of(text, until="infrastructure")
    after = await outputs_of(text.replace("99.5 %", "99.99 %"), until="infrastructure")

    def replicas(outputs: Outputs) -> int:
        return sum(each.replicas for each in outputs["infrastructure"].infrastructure.availability.chain)

    assert replicas(after) >= replicas(before)


async def test_a_thing_that_is_called_otherwise_gives_the_same_shape() -> None:
    text = REQUESTS["university"]
    renamed = text.replace("course", "seminar")
    before, after = await outputs_of(text, until="application"), await outputs_of(renamed, until="application")

    def shape(outputs: Outputs) -> tuple[int, int, int]:
        application = outputs["application"].application
        return len(application.components), len(application.data_entities), len(application.interfaces)

    assert shape(before) == shape(after)


async def test_wishes_for_later_and_what_is_out_of_scope_bind_nobody() -> None:
    text = REQUESTS["hospital"] + "\nIn the future, pharmacies could see prescriptions.\nOut of scope:\n- Billing."
    spec = (await outputs_of(text, until="requirements"))["requirements"].requirements

    [later] = [each for each in spec.requirements if "pharmac" in each.statement.lower()]
    assert later.priority == Requirement.COULD
    assert any("billing" in each.lower() for each in spec.scope.out_of_scope)
