"""`produce`: everything that was designed in, a repository that works out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.developer_pb2 import (
    ComponentFile,
    DeliveryScaffold,
    DeploymentPlan,
    QualityGate,
    ScaffoldFile,
    TestMapping,
)
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.model_pb2 import Finding, Trace
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import Decision
from services.agents.draft import Draft
from services.agents.naming import slug
from services.agents.providers import provider
from services.agents.roles.developer.backlog import as_csv, backlog, traceability_csv
from services.agents.roles.developer.blueprint import Package, packages, subscriptions
from services.agents.roles.developer.deployment.dry_run import DryRun
from services.agents.roles.developer.repository import BYTES_MAX, File, System, files
from services.agents.roles.developer.terraform import terraform
from services.agents.roles.developer.verification import (
    DELIVERY_TESTS,
    Case,
    Place,
    delivery_cases,
    functional_cases,
    objectives,
)

ENGINE_DEFAULT = "postgresql"
RUN = (
    "python -m components serves everything on 127.0.0.1:8080 (TOKEN_KEY_FILE names a key of at least 32 bytes); "
    "pytest runs the tests; docker compose up --build starts it with its database. README.md has the details."
)
_GATES = (
    ("pytest", "all tests pass"),
    ("ruff check", "no findings"),
    ("openapi-spec-validator", "every components/*/openapi.json is valid"),
    ("terraform validate", "the root module is valid"),
)


@dataclass(frozen=True, slots=True)
class Design:
    """What the repository is made from."""

    spec: RequirementsSpec
    application: ApplicationArchitecture
    infrastructure: InfrastructureArchitecture | None
    decisions: tuple[Decision, ...] = ()


def produce(
    requirements: AgentOutput | None,
    application: AgentOutput | None,
    infrastructure: AgentOutput | None = None,
    solution: AgentOutput | None = None,
    *,
    task_type: str = "generate",
) -> AgentOutput:
    """Return the repository for a designed system.

    The same inputs give the same bytes. Without an application architecture there are no components to write, only the
    ground they would stand on; what is missing is said.
    """
    draft = Draft("developer", task_type, "DEV", (requirements, application, infrastructure, solution))
    consequences = (
        ("requirements", requirements, "no test can be traced to one."),
        ("application", application, "there are no components to write."),
        ("infrastructure", infrastructure, "there is no infrastructure code, and PostgreSQL is taken as database."),
        ("solution", solution, "no decision records are referred to."),
    )
    for key, output, consequence in consequences:
        if output is None:
            draft.missing(key, consequence)
    spec = requirements.requirements if requirements is not None else RequirementsSpec()
    parts = application.application if application is not None else ApplicationArchitecture()
    ground = infrastructure.infrastructure if infrastructure is not None else None
    decided = tuple(solution.solution.decisions) if solution is not None else ()
    scaffold = build(Design(spec, parts, ground, decided), draft)
    draft.output.scaffold.CopyFrom(scaffold)
    _trace(draft, scaffold)
    draft.output.metrics["files_total"] = len(scaffold.files)
    draft.output.metrics["bytes_total"] = sum(len(one.content.encode()) for one in scaffold.files)
    draft.output.metrics["tests_mapped"] = len(scaffold.test_map)
    return draft.output


def build(design: Design, draft: Draft) -> DeliveryScaffold:
    """Return the scaffold; findings go to `draft`."""
    spec, application, infrastructure = design.spec, design.application, design.infrastructure
    made = packages(application, spec.requirements)
    functional = functional_cases(spec, made)
    system = _system(design, made, draft)
    served = [case for cases in functional.values() for case in cases]
    place = Place(_terraform_provider(system), system.region)
    delivery = delivery_cases(spec, made, served, place)
    mapping = _mapping(functional, delivery)
    entries = backlog(spec, application, infrastructure)
    tables = {
        "delivery/backlog.csv": as_csv(entries),
        "delivery/traceability.csv": traceability_csv((one.req_id, one.test_path, one.test_name) for one in mapping),
        "delivery/objectives.json": json.dumps(objectives(spec, delivery), indent=1, ensure_ascii=False) + "\n",
    }
    repository = files(system, application, functional, delivery, tables)
    _report_size(repository, draft)
    _report_untested(spec, mapping, draft)
    _report_unwritten(application, made, draft)
    return DeliveryScaffold(
        files=[_file(one) for one in repository],
        openapi=[
            ComponentFile(component_id=one.component.id, path=f"components/{one.name}/openapi.json") for one in made
        ],
        migrations=[
            ComponentFile(component_id=one.component.id, path=f"components/{one.name}/migrations/0001_records.sql")
            for one in made
        ],
        iac=_iac(infrastructure, system),
        ci=[ComponentFile(component_id=one.component.id, path=".github/workflows/ci.yaml") for one in made],
        backlog=entries,
        test_map=mapping,
        run_instructions=RUN,
        quality_gates=[QualityGate(tool=tool, expect=expect) for tool, expect in _GATES],
        deployment_plan=_plan(system),
    )


def _plan(system: System) -> DeploymentPlan | None:
    """Return what deploying would add, as far as that is known without asking anybody."""
    if system.terraform is None:
        return None
    return DryRun().read({"main.tf.json": json.dumps(system.terraform).encode()})


def _system(design: Design, made: Sequence[Package], draft: Draft) -> System:
    spec, application, infrastructure = design.spec, design.application, design.infrastructure
    first = " ".join(spec.problem_statement.split())
    description = first if len(first) <= 120 else f"{first[:119].rstrip()}…"
    name = slug(" ".join(first.split()[:6]))[:50].strip("-")
    return System(
        name=name if name != "unnamed" else "system",
        description=description or "The system",
        request_id=draft.output.request_id,
        style=application.style.name,
        engine=provider(infrastructure.provider).engine if infrastructure is not None else ENGINE_DEFAULT,
        provider=provider(infrastructure.provider).title if infrastructure is not None else "",
        region=infrastructure.region.id if infrastructure is not None else "",
        packages=tuple(made),
        subscriptions=subscriptions(application, made),
        terraform=terraform(infrastructure, name) if infrastructure is not None else None,
        decisions=design.decisions,
    )


def _terraform_provider(system: System) -> str:
    return next(iter(system.terraform["provider"]), "") if system.terraform is not None else ""


def _mapping(functional: dict[str, list[Case]], delivery: Sequence[Case]) -> list[TestMapping]:
    rows = [
        TestMapping(req_id=case.req_id, test_path=f"tests/test_{name}.py", test_name=case.name)
        for name, cases in functional.items()
        for case in cases
    ]
    rows += [TestMapping(req_id=case.req_id, test_path=DELIVERY_TESTS, test_name=case.name) for case in delivery]
    return sorted(rows, key=lambda one: (one.req_id, one.test_name))


def _file(one: File) -> ScaffoldFile:
    return ScaffoldFile(
        path=one.path,
        sha256=sha256(one.content.encode()).hexdigest(),
        language=one.language,
        content=one.content,
        trace_ids=one.trace_ids,
        generated_from=one.generated_from,
        size_bytes=len(one.content.encode()),
    )


def _iac(infrastructure: InfrastructureArchitecture | None, system: System) -> list[ComponentFile]:
    if infrastructure is None or system.terraform is None:
        return []
    nodes = [node_id for module in infrastructure.iac_modules if module.resource_types for node_id in module.node_ids]
    return [ComponentFile(component_id=node_id, path="infrastructure/main.tf.json") for node_id in nodes]


def _report_size(repository: Sequence[File], draft: Draft) -> None:
    size = sum(len(one.content.encode()) for one in repository)
    if size > BYTES_MAX:
        draft.finding(
            Finding.WARNING,
            "SCAFFOLD_LARGE",
            f"The repository has {size} bytes, more than the {BYTES_MAX} that a step's output should carry. "
            "Design fewer components, or generate them in several steps.",
        )


def _report_untested(spec: RequirementsSpec, mapping: Sequence[TestMapping], draft: Draft) -> None:
    tested = {one.req_id for one in mapping}
    missing = [one.id for one in spec.requirements if one.priority == Requirement.MUST and one.id not in tested]
    if missing:
        draft.finding(Finding.WARNING, "MUST_WITHOUT_TEST", "These requirements have no test.", missing)


def _report_unwritten(application: ApplicationArchitecture, made: Sequence[Package], draft: Draft) -> None:
    written = {one.component.id for one in made}
    left = [one.id for one in application.components if one.id not in written]
    if left:
        draft.finding(
            Finding.INFO,
            "COMPONENT_NOT_WRITTEN",
            "Channels, gateways and components without records are designed but not part of the repository yet; "
            "they start from the interface descriptions in it.",
            left,
        )


def _trace(draft: Draft, scaffold: DeliveryScaffold) -> None:
    for one in scaffold.test_map:
        draft.trace(f"{one.test_path}::{one.test_name}", one.req_id, Trace.VERIFIES)
