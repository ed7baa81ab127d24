"""The accountant as an agent."""

from __future__ import annotations

from typing import Any

from archwright import Agent, Task
from archwright.payloads import Json
from services.agents.deliverables import to_payload
from services.agents.inputs import given
from services.agents.roles.accountant.deliverable import produce
from services.agents.roles.accountant.money import written

agent = Agent(
    "accountant",
    capabilities=["cost_estimation", "tco_analysis", "npv_analysis", "budget_control", "finops"],
)


@agent.task("estimate")
async def estimate(task: Task) -> dict[str, Any]:
    """Estimate what the infrastructure and the plan of the input cost, and whether that pays."""
    infrastructure, plan = given(task.input, "infrastructure"), given(task.input, "plan")
    nodes = len(infrastructure.infrastructure.nodes) if infrastructure is not None else 0
    activities = len(plan.plan.activities) if plan is not None else 0
    await task.progress(10, f"Read {nodes} nodes and {activities} activities to price")
    output = produce(
        given(task.input, "requirements"),
        infrastructure,
        plan,
        given(task.input, "application"),
        text=_wish(task.input, "request"),
        currency=_wish(task.input, "currency"),
        task_type=task.task_type,
    )
    made = output.finance
    await task.progress(
        90,
        f"Building {written(made.budget.p50_cents, made.currency)} to {written(made.budget.p80_cents, made.currency)}, "
        f"infrastructure {written(made.infra_costs.monthly_total_cents, made.currency)} a month",
    )
    return to_payload(output)


def _wish(task_input: Json, key: str) -> str:
    """Return what the client's own request says under `key`, where it came along; empty where it did not."""
    request = task_input.get("request")
    value = request.get(key) if isinstance(request, dict) else None
    return value if isinstance(value, str) else ""
