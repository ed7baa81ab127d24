"""What the solution architect reads: the four designs, each empty where a role had nothing to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.business_architect_pb2 import BusinessArchitecture
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.model_pb2 import Trace
from archwright.agents.v1.output_pb2 import AgentOutput


@dataclass(frozen=True, slots=True)
class Sources:
    """The deliverables of the roles before."""

    spec: RequirementsSpec
    business: BusinessArchitecture
    application: ApplicationArchitecture
    infrastructure: InfrastructureArchitecture
    derived: Mapping[str, frozenset[str]]
    """The requirements that follow from a requirement, such as those that a law expands into."""

    @classmethod
    def of(
        cls,
        requirements: AgentOutput | None,
        business: AgentOutput | None,
        application: AgentOutput | None,
        infrastructure: AgentOutput | None,
    ) -> Sources:
        """Return the deliverables of these outputs."""
        return cls(
            requirements.requirements if requirements is not None else RequirementsSpec(),
            business.business if business is not None else BusinessArchitecture(),
            application.application if application is not None else ApplicationArchitecture(),
            infrastructure.infrastructure if infrastructure is not None else InfrastructureArchitecture(),
            _derived(requirements),
        )

    def wanted(self) -> Iterator[Requirement]:
        """Yield the requirements that are to be met."""
        return (one for one in self.spec.requirements if one.priority != Requirement.WONT)

    def qualities(self) -> Iterator[Requirement]:
        """Yield the quality requirements that are to be met."""
        return (one for one in self.wanted() if one.kind == Requirement.QUALITY)


def _derived(requirements: AgentOutput | None) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for trace in requirements.traces if requirements is not None else ():
        if trace.kind == Trace.DERIVES:
            found.setdefault(trace.to_id, set()).add(trace.from_id)
    return {to_id: frozenset(from_ids) for to_id, from_ids in found.items()}
