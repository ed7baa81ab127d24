"""What a report is made of: the request, and the outputs of the roles, some of which may be missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archwright.agents.v1.accountant_pb2 import FinancialAssessment
from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture
from archwright.agents.v1.developer_pb2 import DeliveryScaffold
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from archwright.agents.v1.solution_architect_pb2 import ImpactAnalysis, SolutionArchitecture

KEYS: Mapping[str, str] = {
    "requirements": "Business analyst",
    "business": "Business architect",
    "application": "Application architect",
    "infrastructure": "Infrastructure architect",
    "solution": "Solution architect",
    "plan": "Project manager",
    "finance": "Accountant",
    "scaffold": "Developer",
}
"""The deliverables by the key that steps use for them, with the role that makes each, in the order of the workflow."""

UNTITLED = "Architecture"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    text: str
    title: str = UNTITLED
    request_type: str = "new_architecture"

    @classmethod
    def of(cls, document: Mapping[str, object]) -> Request:
        """Return the request of a workflow's input."""
        return cls(
            text=str(document.get("request") or ""),
            title=" ".join(str(document.get("title") or UNTITLED).split()) or UNTITLED,
            request_type=str(document.get("request_type") or "new_architecture"),
        )


@dataclass(frozen=True, slots=True)
class Dossier:
    """The request and the outputs by key. A deliverable that is missing reads as an empty one."""

    request: Request
    outputs: Mapping[str, AgentOutput]
    change: ImpactAnalysis | None = None
    """What a change to a model of what exists reaches; None where there is no such model."""

    def has(self, key: str) -> bool:
        """Return whether the deliverable `key` was made."""
        return key in self.outputs and self.outputs[key].HasField(key)  # type: ignore[arg-type]  # a key of the oneof

    @property
    def missing(self) -> tuple[str, ...]:
        """The deliverables that were not made."""
        return tuple(key for key in KEYS if not self.has(key))

    def by_role(self) -> Iterator[tuple[str, AgentOutput]]:
        """Yield the role's name and its output, in the order of the workflow."""
        for key, role in KEYS.items():
            if key in self.outputs:
                yield role, self.outputs[key]

    @property
    def requirements(self) -> RequirementsSpec:
        """The business analyst's deliverable."""
        return self._output("requirements").requirements

    @property
    def business(self) -> BusinessArchitecture:
        """The business architect's deliverable."""
        return self._output("business").business

    @property
    def application(self) -> ApplicationArchitecture:
        """The application architect's deliverable."""
        return self._output("application").application

    @property
    def infrastructure(self) -> InfrastructureArchitecture:
        """The infrastructure architect's deliverable."""
        return self._output("infrastructure").infrastructure

    @property
    def solution(self) -> SolutionArchitecture:
        """The solution architect's deliverable."""
        return self._output("solution").solution

    @property
    def plan(self) -> ProjectPlan:
        """The project manager's deliverable."""
        return self._output("plan").plan

    @property
    def finance(self) -> FinancialAssessment:
        """The accountant's deliverable."""
        return self._output("finance").finance

    @property
    def scaffold(self) -> DeliveryScaffold:
        """The developer's deliverable."""
        return self._output("scaffold").scaffold

    def _output(self, key: str) -> AgentOutput:
        return self.outputs.get(key) or AgentOutput()
