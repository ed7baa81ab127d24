"""What the plan is made from: the earlier deliverables, empty where one is missing."""

from __future__ import annotations

from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import SolutionArchitecture


@dataclass(frozen=True, slots=True)
class Sources:
    """The four deliverables that a plan rests on."""

    spec: RequirementsSpec
    application: ApplicationArchitecture
    infrastructure: InfrastructureArchitecture
    solution: SolutionArchitecture

    @classmethod
    def of(
        cls,
        requirements: AgentOutput | None,
        application: AgentOutput | None,
        infrastructure: AgentOutput | None,
        solution: AgentOutput | None,
    ) -> Sources:
        """Return the deliverables of these outputs."""
        return cls(
            requirements.requirements if requirements is not None else RequirementsSpec(),
            application.application if application is not None else ApplicationArchitecture(),
            infrastructure.infrastructure if infrastructure is not None else InfrastructureArchitecture(),
            solution.solution if solution is not None else SolutionArchitecture(),
        )

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The requirements that are to be met this time."""
        return tuple(one for one in self.spec.requirements if one.priority != Requirement.WONT)

    def requirement_ids(self, kind: Requirement.Kind.ValueType) -> tuple[str, ...]:
        """Return the ids of the requirements of a kind that are to be met this time."""
        return tuple(one.id for one in self.requirements if one.kind == kind)
