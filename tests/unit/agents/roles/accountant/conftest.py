"""A plan made by hand and the insurer's nodes, as earlier roles would hand them on."""

import pytest

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import (
    Activity,
    Estimation,
    Percentiles,
    ProjectPlan,
    TeamRole,
    WorkCalendar,
)
from services.agents.roles.application_architect.deliverable import produce as design_applications
from services.agents.roles.infrastructure_architect.deliverable import produce as design_infrastructure

REFERENCE_HOURS = Percentiles(p10=2541, p50=5396, p90=9922)


@pytest.fixture
def applications(claims: AgentOutput, claims_business: AgentOutput) -> AgentOutput:
    return design_applications(claims, claims_business)


@pytest.fixture
def placed(claims: AgentOutput, applications: AgentOutput) -> AgentOutput:
    """The insurer's infrastructure."""
    return design_infrastructure(claims, applications)


@pytest.fixture
def plan(applications: AgentOutput) -> AgentOutput:
    """A plan with the reference vector's hours: 5,396 expected, all of them a developer's."""
    component = next(one.id for one in applications.application.components if one.capability_ids)
    return AgentOutput(
        agent_type="project_manager",
        plan=ProjectPlan(
            activities=[
                Activity(id="WORK-001", wbs_id="1.1", role="developer", expected_hours=3000.25, trace_ids=[component]),
                Activity(id="WORK-002", wbs_id="1.2", role="developer", expected_hours=2395.75),
            ],
            team=[TeamRole(role="developer", fte=5, rate_key="developer")],
            estimation=Estimation(total_hours=REFERENCE_HOURS),
            project_duration_days=175,
            calendar=WorkCalendar(hours_per_day=8, days_per_week=5, start="T0"),
        ),
    )
