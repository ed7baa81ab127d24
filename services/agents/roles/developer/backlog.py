"""What to build, in order: a story for each function, then what the qualities and the ground work need."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.developer_pb2 import BacklogEntry
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.model_pb2 import Source
from services.agents.naming import words

POINTS = (1, 2, 3, 5, 8, 13)
_ORDER = {Requirement.MUST: 0, Requirement.SHOULD: 1, Requirement.PRIORITY_UNSPECIFIED: 1, Requirement.COULD: 2}


def backlog(
    spec: RequirementsSpec, application: ApplicationArchitecture, infrastructure: InfrastructureArchitecture | None
) -> list[BacklogEntry]:
    """Return the entries: ground work first, then functions and qualities by priority."""
    entries = [*_ground_work(application, infrastructure), *_stories(spec, application)]
    for at, entry in enumerate(entries, start=1):
        entry.id = f"US-{at:03d}"
    return entries


def as_csv(entries: Iterable[BacklogEntry]) -> str:
    """Return the backlog as a table that trackers import."""
    return _table(
        ("id", "title", "story", "component", "requirements", "acceptance", "points"),
        (
            (one.id, one.title, one.story, one.component_id, " ".join(one.req_ids), " | ".join(one.acceptance),
             str(one.estimate_points))
            for one in entries
        ),
    )  # fmt: skip


def traceability_csv(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return which test proves which requirement as a table."""
    return _table(("requirement", "test_file", "test"), rows)


def _stories(spec: RequirementsSpec, application: ApplicationArchitecture) -> list[BacklogEntry]:
    actors = {one.id: one.name for one in spec.actors}
    wanted = [
        one for one in spec.requirements if one.priority != Requirement.WONT and one.kind != Requirement.CONSTRAINT
    ]
    ordered = sorted(wanted, key=lambda one: (_ORDER[one.priority], one.kind != Requirement.FUNCTIONAL))
    entries = []
    for one in ordered:
        homes = [component for component in application.components if one.id in component.req_ids]
        home = next((component for component in homes if component.owns_entities), next(iter(homes), None))
        operations = sum(
            one.id in operation.req_ids for interface in application.interfaces for operation in interface.operations
        )
        entries.append(
            BacklogEntry(
                title=_title(one),
                story=_story(one, actors.get(one.actor_id, "")),
                component_id=home.id if home is not None else "",
                req_ids=[one.id],
                acceptance=[f"Given {it.given}, when {it.when}, then {it.then}" for it in one.acceptance_criteria],
                estimate_points=POINTS[
                    min(len(POINTS) - 1, (operations + len(homes) + len(one.acceptance_criteria)) // 2)
                ],
                basis=one.basis,
            )
        )
    return entries


def _ground_work(
    application: ApplicationArchitecture, infrastructure: InfrastructureArchitecture | None
) -> list[BacklogEntry]:
    pipeline = BacklogEntry(
        title="Build and test on every change",
        story="As a developer I want every change to be built and tested so that the main line can always be released.",
        acceptance=[
            "A failing test keeps a change from being merged",
            "An image is built from every change of the main line",
        ],
        estimate_points=3,
        basis=Source.DERIVED,
    )
    modules = [
        BacklogEntry(
            title=f"Infrastructure: {module.name}",
            story=f"As an operator I want {module.name} as code so that each environment is the same.",
            acceptance=["The plan is empty after it was applied"],
            estimate_points=POINTS[min(len(POINTS) - 1, 1 + len(module.node_ids) // 2)],
            basis=Source.DERIVED,
        )
        for module in (infrastructure.iac_modules if infrastructure is not None else ())
    ]
    connections = [
        BacklogEntry(
            title=f"Connection to {system.name}",
            story=f"As an operator I want a tested connection to {system.name} so that it holds no surprises.",
            component_id=system.adapter_component_id,
            acceptance=["A message goes there and back in a test environment"],
            estimate_points=8,
            basis=system.basis,
        )
        for system in application.external_systems
    ]
    return [pipeline, *modules, *connections]


def _title(one: Requirement) -> str:
    title = f"{one.verb} {one.object}".strip()
    return (title[:1].upper() + title[1:]) if words(title) else one.statement[:80]


def _story(one: Requirement, actor: str) -> str:
    if one.kind != Requirement.FUNCTIONAL or not one.verb:
        return one.statement
    purpose = f" so that {one.rationale[:1].lower()}{one.rationale[1:].rstrip('.')}" if one.rationale else ""
    return f"As {actor or 'the system'} I want to {one.verb} {one.object}{purpose}."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
