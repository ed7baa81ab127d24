"""All eight roles in a row, as the workflow runs them, and requests of many trades to give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.testing import performed
from services.agents.deliverables import from_json
from services.agents.roles.accountant.service import agent as accountant
from services.agents.roles.application_architect.service import agent as application_architect
from services.agents.roles.business_analyst.service import agent as business_analyst
from services.agents.roles.business_architect.service import agent as business_architect
from services.agents.roles.developer.service import agent as developer
from services.agents.roles.infrastructure_architect.service import agent as infrastructure_architect
from services.agents.roles.project_manager.service import agent as project_manager
from services.agents.roles.solution_architect.service import agent as solution_architect

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = (
    ("requirements", business_analyst, "analyze"),
    ("business", business_architect, "design"),
    ("application", application_architect, "design"),
    ("infrastructure", infrastructure_architect, "design"),
    ("solution", solution_architect, "design"),
    ("plan", project_manager, "plan"),
    ("finance", accountant, "estimate"),
    ("scaffold", developer, "generate"),
)

HOSPITAL = """A hospital with 3 sites wants patients to manage their appointments online. We expect 45,000 patients.
It must comply with GDPR. The budget is 400,000 EUR and it has to go live within 8 months.
- Patients book, change and cancel an appointment with a doctor.
- The system sends a reminder by SMS one day before the appointment.
- Receptionists register a new patient and check the insurance card.
- Doctors write a report after each appointment and attach images.
- Patients can view their reports for 5 years.
- Pages must load within 2 seconds."""
HAULIER = """We run 250 trucks and need a dispatching system on Azure for our planners. Budget: 300k EUR.
- A planner must assign an order to a truck and a driver.
- Drivers confirm each delivery with a signature on a tablet.
- When a truck is late, the system shall notify the customer by e-mail.
- Customers track their order on a map.
- The system must import orders from SAP every 15 minutes.
- The service must be available 99.5 % of the time."""
UNIVERSITY = """A university of 28,000 students replaces paper forms by an online enrolment.
As a student, I want to enrol for a course, so that I get a place.
As a lecturer, I want to publish grades, so that students see them at once.
As a registrar, I want to approve an enrolment, so that only admitted students take part.
The system should handle 2,000 concurrent users on the first day of term.
It must follow WCAG 2.1. The deadline is 12 months."""
UTILITY = """An energy supplier reads 1.2 million smart meters every 15 minutes and bills monthly.
- The system collects readings from the meters and validates each reading.
- Customers view their consumption per day in a portal.
- Billing clerks create an invoice for each customer every month and correct a wrong invoice.
- The system must keep readings for 10 years and store 2 TB/month.
- Payment files are exchanged with the bank every night.
- It runs in Germany only, with a recovery time of 4 hours and a budget of 2.5M EUR."""
REQUESTS = {"hospital": HOSPITAL, "haulier": HAULIER, "university": UNIVERSITY, "utility": UTILITY}


def example(name: str) -> dict[str, Any]:
    """Return the request of one of the project's examples."""
    found = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    assert isinstance(found, dict)
    return found


async def carried(request: dict[str, Any], *, until: str = "scaffold") -> dict[str, Any]:
    """Return the step outputs of a request as JSON, by the key that later steps know them by."""
    known: dict[str, Any] = {"request": request}
    for key, agent, task_type in STEPS:
        done = await performed(agent, dict(known), task_type=task_type)
        assert done.failure is None, (key, done.failure)
        known[key] = done.output
        if key == until:
            break
    return known


async def outputs_of(text: str, *, until: str = "scaffold") -> dict[str, AgentOutput]:
    """Return what each role makes of a request, by the same keys."""
    known = await carried({"request": text, "title": "A request"}, until=until)
    return {key: from_json(known[key]) for key, *_ in STEPS if key in known}
