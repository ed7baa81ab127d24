"""The files of the repository, as values: path, content, and what each was made from.

Every path is made here, of constants and identifiers, so none can lead out of the repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.solution_architect_pb2 import Decision
from services.agents.naming import slug
from services.agents.openapi import document
from services.agents.roles.developer.blueprint import Package
from services.agents.roles.developer.rendering import render
from services.agents.roles.developer.verification import Case

KERNEL = ("__init__", "application", "composite", "fields", "problems", "relay", "serve", "storage", "tokens")
MONOLITH = "modular_monolith"
BYTES_MAX = 300_000
"""What a step's output should carry at most."""
_LANGUAGES = {
    ".py": "python",
    ".sql": "sql",
    ".json": "json",
    ".yaml": "yaml",
    ".toml": "toml",
    ".md": "markdown",
    ".csv": "csv",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the repository."""

    path: str
    content: str
    trace_ids: tuple[str, ...] = ()
    generated_from: tuple[str, ...] = ()

    @property
    def language(self) -> str:
        """What it is written in."""
        return next((name for ending, name in _LANGUAGES.items() if self.path.endswith(ending)), "text")


@dataclass(frozen=True, slots=True)
class System:
    """What every file may speak of."""

    name: str
    description: str
    request_id: str
    style: str
    engine: str
    provider: str
    region: str
    packages: tuple[Package, ...]
    subscriptions: Mapping[str, list[str]]
    terraform: Mapping[str, Any] | None = None
    decisions: Sequence[Decision] = ()

    @property
    def moment(self) -> str:
        """The type of a column that holds a time."""
        return "DATETIME(6)" if self.engine == "mysql" else "TIMESTAMP"


def files(
    system: System,
    application: ApplicationArchitecture,
    functional: Mapping[str, Sequence[Case]],
    delivery: Sequence[Case],
    tables: Mapping[str, str],
) -> list[File]:
    """Return all files, sorted by path."""
    found = [*_kernel(system), *_root(system), *_tests(system, delivery)]
    for package in system.packages:
        found += _component(package, system, application)
        found.append(_component_tests(package, functional.get(package.name, ())))
    found += [File(path, content) for path, content in tables.items()]
    found += _decisions(system.decisions)
    if system.terraform is not None:
        found.append(File("infrastructure/main.tf.json", _json(system.terraform)))
    return sorted(_within(found), key=lambda one: one.path)


def _within(found: Sequence[File]) -> list[File]:
    """Return the files; where they are too much for one output, JSON comes without its indentation."""
    if sum(len(one.content.encode()) for one in found) <= BYTES_MAX:
        return list(found)
    return [
        replace(one, content=json.dumps(json.loads(one.content), separators=(",", ":"), ensure_ascii=False) + "\n")
        if one.language == "json"
        else one
        for one in found
    ]


def _kernel(system: System) -> Iterable[File]:
    for name in KERNEL:
        yield File(f"kernel/{name}.py", render(f"kernel/{name}.py"))
    yield File("kernel/migrations/0001_events.sql", render("kernel/0001_events.sql", moment=system.moment))
    yield File("components/__init__.py", render("component/components.py", packages=system.packages))
    yield File("components/__main__.py", render("component/main.py"))
    yield File("components/subscriptions.py", render("component/subscriptions.py", subscriptions=system.subscriptions))


def _root(system: System) -> Iterable[File]:
    driver = "pymysql" if system.engine == "mysql" else "'psycopg[binary]'"
    scheme = "mysql" if system.engine == "mysql" else "postgresql"
    monolith = system.style == MONOLITH
    urls = {
        one.name: f"http://system:8080/{one.name}" if monolith else f"http://{one.name.replace('_', '-')}:8080"
        for one in system.packages
    }
    yield File("README.md", render("root/README.md", **_plain(system)))
    yield File("pyproject.toml", render("root/pyproject.toml", **_plain(system)))
    yield File(".gitignore", render("root/gitignore"))
    yield File("Dockerfile", render("root/Dockerfile", driver=driver))
    yield File(
        "compose.yaml",
        render(
            "root/compose.yaml",
            **_plain(system),
            monolith=monolith,
            urls=urls,
            database_url=f"{scheme}://system@database/system",
        ),
    )
    yield File(".github/workflows/ci.yaml", render("root/ci.yaml", **_plain(system)))


def _tests(system: System, delivery: Sequence[Case]) -> Iterable[File]:
    yield File("tests/conftest.py", render("tests/conftest.py"))
    yield File("tests/samples.py", render("tests/samples.py", packages=system.packages))
    yield File("tests/test_contracts.py", render("tests/contracts.py"))
    yield File(
        "tests/test_delivery.py",
        render("tests/delivery.py", cases=delivery, needs=_imports(delivery, system.packages)),
        trace_ids=tuple(case.req_id for case in delivery),
    )


def _component(package: Package, system: System, application: ApplicationArchitecture) -> Iterable[File]:
    component, folder = package.component, f"components/{package.name}"
    traces = tuple(component.req_ids)
    sources = (component.id, *component.owns_entities)
    described = document(application, component.id)
    contents = {
        "__init__.py": render("component/init.py", package=package),
        "records.py": render("component/records.py", package=package),
        "app.py": render("component/app.py", package=package),
        "openapi.json": _json(described),
        "migrations/0001_records.sql": render("component/migration.sql", package=package, moment=system.moment),
    }
    for name, content in contents.items():
        yield File(f"{folder}/{name}", content, traces, sources)


def _component_tests(package: Package, cases: Sequence[Case]) -> File:
    lines = "\n".join(line for case in cases for line in case.body)
    typed = sorted(kind.constant for kind in package.kinds if re.search(rf"\b{kind.constant}_TYPE\b", lines))
    used = [kind for kind in package.kinds if re.search(rf"\b{kind.constant}\b", lines)]
    return File(
        f"tests/test_{package.name}.py",
        render("tests/component.py", package=package, cases=cases, kinds=used, typed=typed),
        tuple(dict.fromkeys(case.req_id for case in cases)),
        (package.component.id,),
    )


def _imports(cases: Sequence[Case], packages: Sequence[Package]) -> dict[str, object]:
    lines = "\n".join(line for case in cases for line in case.body)
    constants = [kind.constant for package in packages for kind in package.kinds]
    fixtures = {case.fixtures for case in cases}
    return {
        "samples": sorted({one for one in constants if re.search(rf"\b{one}\b", lines)}),
        "time": "time." in lines,
        "store": "open_store" in lines,
        "client": any("Clients" in one for one in fixtures),
        "infrastructure": any("Infrastructure" in one for one in fixtures),
    }


def _decisions(decisions: Sequence[Decision]) -> Iterable[File]:
    for one in decisions:
        criteria = sorted({name for option in one.options for name in option.scores})
        content = render("root/decision.md", decision=one, criteria=criteria)
        yield File(f"docs/decisions/{slug(one.id)}.md", content, tuple(one.drivers), (one.id,))


def _plain(system: System) -> dict[str, Any]:
    return {
        "name": system.name,
        "description": system.description,
        "request_id": system.request_id,
        "style": system.style,
        "engine": system.engine,
        "provider": system.provider,
        "region": system.region,
        "packages": system.packages,
        "subscriptions": system.subscriptions,
        "terraform": system.terraform is not None,
        "decisions": system.decisions,
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
