"""`produce`: requirements, infrastructure and plan in, financial assessment out."""

from __future__ import annotations

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from services.agents.draft import Draft
from services.agents.roles.accountant.assessment import Known, assess, prices_alone
from services.agents.roles.accountant.pricing.snapshot import Snapshot, from_catalogue


def produce(
    requirements: AgentOutput | None,
    infrastructure: AgentOutput | None,
    plan: AgentOutput | None,
    application: AgentOutput | None = None,
    *,
    text: str = "",
    currency: str = "",
    snapshot: Snapshot | None = None,
    task_type: str = "estimate",
) -> AgentOutput:
    """Return what a request costs and whether it pays.

    The same inputs give the same bytes. A missing input makes the assessment degraded, and a finding says what it
    lacks. `text` is the request's, `currency` the one that it wants to be answered in; without the application
    architecture costs are not shared out to capabilities, and without `snapshot` prices are the catalogue's.
    """
    draft = Draft("accountant", task_type, "AC", (requirements, infrastructure, plan, application))
    if requirements is None:
        draft.missing("requirements", "budget, users and growth are unknown.")
    if infrastructure is None:
        draft.missing("infrastructure", "nothing is known about what infrastructure costs.")
    if plan is None:
        draft.missing("plan", "nothing is known about what building costs.")
    designed = infrastructure.infrastructure if infrastructure is not None else InfrastructureArchitecture()
    known = Known(
        requirements.requirements if requirements is not None else RequirementsSpec(),
        designed,
        plan.plan if plan is not None else ProjectPlan(),
        application.application if application is not None else ApplicationArchitecture(),
        text,
        currency,
        snapshot or from_catalogue(designed),
    )
    assessment = assess(known, draft)
    draft.output.finance.CopyFrom(assessment)
    draft.output.metrics["p50_cents"] = assessment.budget.p50_cents
    draft.output.metrics["p80_cents"] = assessment.budget.p80_cents
    draft.output.metrics["tco_cents"] = assessment.tco.total_cents
    return draft.output


def priced(
    requirements: AgentOutput | None,
    infrastructure: AgentOutput | None,
    *,
    currency: str = "",
    snapshot: Snapshot | None = None,
    task_type: str = "price",
) -> AgentOutput:
    """Return what an infrastructure costs a month, line by line, and nothing else."""
    draft = Draft("accountant", task_type, "AC", (requirements, infrastructure))
    if infrastructure is None:
        draft.missing("infrastructure", "there is nothing to price.")
    designed = infrastructure.infrastructure if infrastructure is not None else InfrastructureArchitecture()
    known = Known(
        requirements.requirements if requirements is not None else RequirementsSpec(),
        designed,
        ProjectPlan(),
        ApplicationArchitecture(),
        "",
        currency,
        snapshot or from_catalogue(designed),
    )
    draft.output.finance.CopyFrom(prices_alone(known, draft))
    draft.output.metrics["monthly_cents"] = draft.output.finance.infra_costs.monthly_total_cents
    return draft.output
