"""The thread from each requirement to what answers for it, builds, carries, schedules, pays for and proves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.project_manager_pb2 import WbsEntry
from archwright.agents.v1.solution_architect_pb2 import TraceabilityRow
from services.agents.report.dossier import Dossier


@dataclass(frozen=True, slots=True)
class Thread:
    """One requirement's row of the matrix; ids of things, cents of money."""

    requirement: Requirement
    capabilities: tuple[str, ...]
    components: tuple[str, ...]
    nodes: tuple[str, ...]
    work_packages: tuple[str, ...]
    cost_cents: int
    tests: tuple[str, ...]

    @property
    def is_wanted(self) -> bool:
        """Whether a hole in the row matters: what must or should be built. Limits are kept, not built."""
        is_built = self.requirement.kind != Requirement.CONSTRAINT
        return is_built and self.requirement.priority in {Requirement.MUST, Requirement.SHOULD}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the requirements whose holes matter have something in a column."""

    column: str
    covered: int
    total: int

    @property
    def share(self) -> float:
        """The covered part of one."""
        return self.covered / self.total if self.total else 0.0


def threads(dossier: Dossier) -> tuple[Thread, ...]:
    """Return a row for each requirement, in the analyst's order.

    What a work package costs is shared evenly among the requirements that it serves, so that the column adds up.
    """
    rows = {row.req_id: row for row in dossier.solution.rtm}
    packages = [entry for entry in dossier.plan.wbs if entry.kind == WbsEntry.WORK_PACKAGE]
    drafts = [_draft(requirement, rows.get(requirement.id), packages, dossier) for requirement in _wanted(dossier)]
    costs = _shared_costs(drafts, _package_costs(dossier))
    return tuple(
        Thread(
            requirement=draft.requirement,
            capabilities=draft.capabilities,
            components=draft.components,
            nodes=draft.nodes,
            work_packages=draft.work_packages,
            cost_cents=costs.get(draft.requirement.id, 0),
            tests=draft.tests,
        )
        for draft in drafts
    )


def coverage(rows: Iterable[Thread]) -> tuple[Coverage, ...]:
    """Return how complete each column is for what must or should be there."""
    wanted = [row for row in rows if row.is_wanted]
    columns = {
        "Capability": [bool(row.capabilities) for row in wanted],
        "Component": [bool(row.components) for row in wanted],
        "Node": [bool(row.nodes) for row in wanted],
        "Work package": [bool(row.work_packages) for row in wanted],
        "Cost": [row.cost_cents > 0 for row in wanted],
        "Test": [bool(row.tests) for row in wanted],
    }
    return tuple(Coverage(name, sum(marks), len(marks)) for name, marks in columns.items())


@dataclass(frozen=True, slots=True)
class _Draft:
    requirement: Requirement
    capabilities: tuple[str, ...]
    components: tuple[str, ...]
    nodes: tuple[str, ...]
    work_packages: tuple[str, ...]
    tests: tuple[str, ...]


def _wanted(dossier: Dossier) -> list[Requirement]:
    return [one for one in dossier.requirements.requirements if one.priority != Requirement.WONT]


def _draft(
    requirement: Requirement, row: TraceabilityRow | None, packages: Iterable[WbsEntry], dossier: Dossier
) -> _Draft:
    row = row or TraceabilityRow()
    own = requirement.id
    capabilities = _unique(
        row.capability_ids,
        (one.id for one in dossier.business.capabilities if own in one.req_ids),
        (one.capability_id for one in dossier.business.matrices.capability_requirement if one.req_id == own),
    )
    components = _unique(
        row.component_ids,
        (one.id for one in dossier.application.components if own in one.req_ids),
        (one for tactic in dossier.application.quality_tactics if tactic.req_id == own for one in tactic.component_ids),
    )
    nodes = _unique(
        row.node_ids,
        (
            node.id
            for node in dossier.infrastructure.nodes
            if own in node.serves_req_ids or set(components) & set(node.hosts_component_ids)
        ),
    )
    makers = {own, *(components or nodes)}
    work_packages = _unique(
        one.id for one in packages if makers.intersection(one.trace_ids) or makers.intersection(one.deliverable_ids)
    )
    tests = _unique(
        row.test_ids,
        (f"{one.test_path}::{one.test_name}" for one in dossier.scaffold.test_map if one.req_id == own),
    )
    return _Draft(requirement, capabilities, components, nodes, work_packages, tests)


def _package_costs(dossier: Dossier) -> dict[str, int]:
    """Return what each work package costs to build."""
    package_of = {activity.id: activity.wbs_id for activity in dossier.plan.activities}
    costs: dict[str, int] = {}
    for cost in dossier.finance.build_costs:
        package = cost.wbs_id if cost.HasField("wbs_id") else package_of.get(cost.activity_id, "")
        costs[package] = costs.get(package, 0) + cost.amount_cents
    return costs


def _shared_costs(drafts: Iterable[_Draft], package_costs: Mapping[str, int]) -> dict[str, int]:
    """Return each requirement's share; cents that do not divide go to the first ones."""
    sharers: dict[str, list[str]] = {}
    for draft in drafts:
        for package in draft.work_packages:
            sharers.setdefault(package, []).append(draft.requirement.id)
    shares: dict[str, int] = {}
    for package, requirement_ids in sharers.items():
        each, left = divmod(package_costs.get(package, 0), len(requirement_ids))
        for ordinal, requirement_id in enumerate(requirement_ids):
            shares[requirement_id] = shares.get(requirement_id, 0) + each + (1 if ordinal < left else 0)
    return shares


def _unique(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group if one))
