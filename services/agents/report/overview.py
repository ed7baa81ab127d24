"""The few figures that say how the whole stands. The report's first page and the workflow's output both show them."""

from __future__ import annotations

from dataclasses import dataclass

from archwright.agents.v1.accountant_pb2 import Budget, InfrastructureCosts
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.project_manager_pb2 import Feasibility, WbsEntry
from services.agents.report.dossier import Dossier
from services.agents.report.register import Register
from services.agents.report.words import choice


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts, days and cents over all deliverables; what is missing counts as nothing."""

    requirements: int
    musts: int
    explicit_share: float
    capabilities: int
    components: int
    nodes: int
    work_packages: int
    duration_days: float
    p80_days: float
    build_cents: int
    monthly_cents: int
    unpriced_nodes: int
    """Nodes for which no price is known; they are missing from all sums."""
    tco_cents: int
    tco_years: int
    currency: str
    deadline: str
    budget: str
    findings: int
    errors: int
    questions: int
    assumptions: int

    @property
    def is_priced(self) -> bool:
        """Whether the infrastructure's sum says anything: at least one node has a price."""
        return self.unpriced_nodes < self.nodes or not self.nodes

    @property
    def price_gap(self) -> str:
        """What is missing from the infrastructure's sum; empty where nothing is."""
        if not self.unpriced_nodes:
            return ""
        return f"{self.unpriced_nodes} of {self.nodes} nodes have no known price"


VERDICT_TONES = {
    "feasible": "good",
    "within": "good",
    "at risk": "warn",
    "infeasible": "bad",
    "over": "bad",
}
"""How each verdict looks; those that are not here are neutral."""


def overview(dossier: Dossier, remarks: Register) -> Overview:
    """Return the figures."""
    requirements = dossier.requirements.requirements
    explicit = sum(choice(one, "basis") == "explicit" for one in requirements)
    finance = dossier.finance
    return Overview(
        requirements=len(requirements),
        musts=sum(one.priority == Requirement.MUST for one in requirements),
        explicit_share=explicit / len(requirements) if requirements else 0.0,
        capabilities=sum(one.level == 2 for one in dossier.business.capabilities) or len(dossier.business.capabilities),
        components=len(dossier.application.components),
        nodes=len(dossier.infrastructure.nodes),
        work_packages=sum(one.kind == WbsEntry.WORK_PACKAGE for one in dossier.plan.wbs),
        duration_days=dossier.plan.project_duration_days,
        p80_days=dossier.plan.p80_days,
        build_cents=build_cents(dossier),
        monthly_cents=finance.infra_costs.monthly_total_cents,
        unpriced_nodes=_unpriced(finance.infra_costs),
        tco_cents=finance.tco.total_cents,
        tco_years=finance.tco.years,
        currency=finance.currency,
        deadline=_deadline(dossier.plan.feasibility),
        budget=_budget(finance.budget),
        findings=len(remarks.findings),
        errors=remarks.count(Finding.ERROR),
        questions=len(remarks.questions),
        assumptions=len(remarks.assumptions),
    )


def _unpriced(costs: InfrastructureCosts) -> int:
    return len({line.node_id for one in costs.environments for line in one.lines if line.price_not_found})


def build_cents(dossier: Dossier) -> int:
    """Return what building costs, without what is kept for surprises."""
    finance = dossier.finance
    return sum(one.amount_cents for one in finance.build_costs) + sum(one.amount_cents for one in finance.one_off)


def _deadline(feasibility: Feasibility) -> str:
    return choice(feasibility, "verdict")


def _budget(budget: Budget) -> str:
    return choice(budget, "verdict")
