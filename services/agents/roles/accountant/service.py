"""The accountant as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from services.agents.deliverables import to_payload
from services.agents.inputs import given, wish
from services.agents.llm.chosen import refined
from services.agents.reviewing import review_of
from services.agents.role import Role
from services.agents.roles.accountant.checks import check
from services.agents.roles.accountant.deliverable import priced, produce
from services.agents.roles.accountant.money import written
from services.agents.roles.accountant.pricing.chosen import price_provider, snapshot_for

agent = Agent(
    "accountant",
    capabilities=["cost_estimation", "tco_analysis", "npv_analysis", "budget_control", "finops"],
)
ROLE = Role(
    "accountant", "finance", check, ("requirements", "business", "application", "infrastructure", "solution", "plan")
)
SETTINGS = (price_provider,)
"""What reads settings of this role alone."""


@agent.task("estimate")
async def estimate(task: Task) -> dict[str, Any]:
    """Estimate what the infrastructure and the plan of the input cost, and whether that pays."""
    infrastructure, plan = given(task.input, "infrastructure"), given(task.input, "plan")
    nodes = len(infrastructure.infrastructure.nodes) if infrastructure is not None else 0
    activities = len(plan.plan.activities) if plan is not None else 0
    await task.progress(10, f"Read {nodes} nodes and {activities} activities to price")
    draft = produce(
        given(task.input, "requirements"),
        infrastructure,
        plan,
        given(task.input, "application"),
        text=wish(task.input, "request"),
        currency=wish(task.input, "currency"),
        snapshot=await snapshot_for(infrastructure),
        task_type=task.task_type,
    )
    output = await refined(task, draft, ROLE)
    made = output.finance
    await task.progress(
        90,
        f"Building {written(made.budget.p50_cents, made.currency)} to {written(made.budget.p80_cents, made.currency)}, "
        f"infrastructure {written(made.infra_costs.monthly_total_cents, made.currency)} a month",
    )
    return to_payload(output)


@agent.task("price")
async def price(task: Task) -> dict[str, Any]:
    """Price the infrastructure of the input, line by line."""
    infrastructure = given(task.input, "infrastructure")
    currency = wish(task.input, "currency")
    output = priced(
        given(task.input, "requirements"),
        infrastructure,
        currency=currency,
        snapshot=await snapshot_for(infrastructure),
        task_type=task.task_type,
    )
    made = output.finance
    lines = sum(len(one.lines) for one in made.infra_costs.environments)
    monthly = written(made.infra_costs.monthly_total_cents, made.currency)
    await task.progress(90, f"{lines} lines, {monthly} a month")
    return to_payload(output)


@agent.task("review")
async def judge(task: Task) -> dict[str, Any]:
    """Judge the assessment of the input."""
    found = review_of(task.input, ROLE)
    await task.progress(90, found.summary[0])
    return to_payload(found)
