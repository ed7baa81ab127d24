"""Which test proves which requirement.

A functional requirement is proved on the operation that was designed for it, once for each acceptance criterion. A
quality or a limit is proved where the repository can do it; what only operation, the plan or the bill can show is
registered as an objective that names the place of its proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import DataEntity
from archwright.agents.v1.business_analyst_pb2 import AcceptanceCriterion, Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Fact
from services.agents.naming import mentions, snake, stems
from services.agents.roles.developer import cases
from services.agents.roles.developer.blueprint import Package, Route

DELIVERY_TESTS = "tests/test_delivery.py"
CLIENT, REGISTERED = "client: Clients", ""
RESPONSE_MS_MIN = 100
"""A bound below this says more about the machine that runs the test than about the code."""

_MILLISECONDS = {"ms": 1.0, "millisecond": 1.0, "milliseconds": 1.0, "s": 1000.0, "second": 1000.0, "seconds": 1000.0}
_ERASURE = ("gdpr", "ccpa", "erase", "erasure", "right to be forgotten", "retention", "delete")
_HOSTING = ("cloud", "region", "hosted", "european union", "data centre", "data center", "aws", "azure")
_PLACES = (
    (("budget", "cost", "eur", "usd", "price"), "the financial assessment"),
    (("month", "week", "deadline", "days", "date"), "the project plan"),
    (("availability", "uptime", "users", "load"), "the objectives watched in operation"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One test; without fixtures it only looks whether the objective is registered."""

    req_id: str
    name: str
    statement: str
    criterion: str
    body: cases.Lines
    fixtures: str = CLIENT


@dataclass(frozen=True, slots=True)
class Place:
    """What the infrastructure promises: the Terraform provider and region, empty when there is no code for it."""

    provider: str = ""
    region: str = ""


def functional_cases(spec: RequirementsSpec, packages: Sequence[Package]) -> dict[str, list[Case]]:
    """Return the tests of what the system does, by package; a requirement is proved where its operation is."""
    found: dict[str, list[Case]] = {}
    for requirement in spec.requirements:
        designed = _designed(requirement, packages)
        if designed is None or requirement.priority == Requirement.WONT:
            continue
        package, route = designed
        criteria: list[AcceptanceCriterion | None] = [*requirement.acceptance_criteria] or [None]
        for at, criterion in enumerate(criteria, start=1):
            found.setdefault(package.name, []).append(_functional(requirement, criterion, at, package, route))
    return found


def delivery_cases(
    spec: RequirementsSpec, packages: Sequence[Package], served: Iterable[Case], place: Place
) -> list[Case]:
    """Return the tests of qualities and limits, and of functions that no component serves."""
    done = {case.req_id for case in served}
    found = []
    for one in spec.requirements:
        if one.priority != Requirement.WONT and one.id not in done:
            body, fixtures = _proof(one, packages, place)
            found.append(Case(one.id, f"test_{snake(one.id)}", f"{one.id}: {one.statement}", "", body, fixtures))
    return found


def objectives(spec: RequirementsSpec, delivery: Sequence[Case]) -> list[dict[str, object]]:
    """Return what the delivery tests are about, each with its measure and the place of its proof."""
    proved = {case.req_id: case.fixtures != REGISTERED for case in delivery}
    return [
        {
            "id": one.id,
            "statement": one.statement,
            "metric": one.measure.metric,
            "op": Fact.Op.Name(one.measure.op) if one.measure.metric else "",
            "value": one.measure.value,
            "unit": one.measure.unit,
            "verified_by": DELIVERY_TESTS if proved[one.id] else _elsewhere(one),
        }
        for one in spec.requirements
        if one.id in proved
    ]


def _designed(requirement: Requirement, packages: Sequence[Package]) -> tuple[Package, Route] | None:
    """Return the operation that was designed for a functional requirement, of business components first."""
    if requirement.kind != Requirement.FUNCTIONAL:
        return None
    found = [(one, route) for one in packages for route in one.routes if requirement.id in route.operation.req_ids]
    business = [(one, route) for one, route in found if one.component.rule_id in {"APP-GROUP", "APP-CORE"}]
    owners = [(one, one.routes[0]) for one in packages if requirement.id in one.component.req_ids and one.routes]
    return next(iter([*business, *found, *owners]), None)


def _functional(
    requirement: Requirement, criterion: AcceptanceCriterion | None, at: int, package: Package, route: Route
) -> Case:
    words = text = ""
    if criterion is not None:
        words = f"Given {criterion.given}, when {criterion.when}, then {criterion.then}"
        text = f"{criterion.given} . {criterion.when} . {criterion.then}"
    return Case(
        req_id=requirement.id,
        name=f"test_{snake(requirement.id)}_{at}_{route.function}",
        statement=f"{requirement.id}: {requirement.statement}",
        criterion=words,
        body=cases.body(package, route, text),
    )


def _proof(one: Requirement, packages: Sequence[Package], place: Place) -> tuple[cases.Lines, str]:
    """Return how a quality or a limit is proved, and the fixtures that this takes."""
    text = stems(one.statement)
    if packages and any(mentions(text, word) for word in _ERASURE) and (found := _erasing(packages)):
        package, route = found
        return (f'{package.name} = client("{package.name}")', *cases.body(package, route, "")), CLIENT
    if place.provider and any(mentions(text, word) for word in _HOSTING):
        return _hosting(place), "infrastructure: Infrastructure"
    if packages:
        match one.quality.iso25010:
            case "security":
                return _stranger(packages[0]), CLIENT
            case "reliability":
                return _survival(packages[0]), "tmp_path: Path"
            case "performance_efficiency" if _bound_ms(one) >= RESPONSE_MS_MIN:
                return _response(packages[0], _bound_ms(one)), CLIENT
    return (f'assert OBJECTIVES["{one.id}"]["verified_by"] == "{_elsewhere(one)}"',), REGISTERED


def _erasing(packages: Sequence[Package]) -> tuple[Package, Route] | None:
    """Return an operation that erases personal records, of business components first."""
    found = [
        (package, route)
        for package in packages
        for route in package.routes
        if route.method == "DELETE"
        and route.kind.entity.classification >= DataEntity.PERSONAL
        and any(other.is_creation and other.kind is route.kind for other in package.routes)
    ]
    return next((one for one in found if one[0].component.rule_id == "APP-GROUP"), next(iter(found), None))


def _stranger(package: Package) -> cases.Lines:
    path = package.routes[0].path if package.routes else "/"
    return (f'assert client("{package.name}").stranger().get("{path}").status == 401',)


def _survival(package: Package) -> cases.Lines:
    return (
        'url = f"sqlite:///{tmp_path}/data.sqlite"',
        "before = open_store(url)",
        f'builder("{package.name}")(before, TOKENS)',
        'before.announce("something.happened", "s-1")',
        "before.close()",
        "after = open_store(url)",
        'assert [event["type"] for event in after.unsent()] == ["something.happened"]',
        "after.close()",
    )


def _response(package: Package, bound_ms: float) -> cases.Lines:
    listing = next((one.path for one in package.routes if one.method == "GET" and "{" not in one.path), "/health")
    return (
        f'component, seconds = client("{package.name}"), []',
        "for _ in range(40):",
        "    began = time.perf_counter()",
        f'    assert component.get("{listing}").status == 200',
        "    seconds.append(time.perf_counter() - began)",
        f"assert sorted(seconds)[37] * 1000 <= {bound_ms:g}",
    )


def _hosting(place: Place) -> cases.Lines:
    return (
        f'assert list(infrastructure["provider"]) == ["{place.provider}"]',
        f'assert infrastructure["variable"]["region"]["default"] == "{place.region}"',
    )


def _bound_ms(one: Requirement) -> float:
    """Return the bound of a response time in milliseconds; 0 when the requirement measures something else."""
    upper = one.measure.op in {Fact.LE, Fact.LT}
    timed = "response" in one.measure.metric or "latency" in one.measure.metric
    return one.measure.value * _MILLISECONDS.get(one.measure.unit.lower(), 0.0) if upper and timed else 0.0


def _elsewhere(one: Requirement) -> str:
    text = stems(f"{one.statement} {one.measure.metric.replace('_', ' ')}")
    return next((place for terms, place in _PLACES if any(mentions(text, term) for term in terms)), "a review")
